package runtimetest

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/cbor"
	"github.com/tako-go/tako/codec/msgpack"
	"github.com/tako-go/tako/codec/protobuf"
	"github.com/tako-go/tako/extract"
)

// twoBodies are mistakes that are found before anybody is served.
func twoBodies(x *T) {
	ok := func() (string, error) { return "", nil }
	for name, register := range map[string]func(app *tako.Router){
		"body and form": func(app *tako.Router) {
			tako.Post(app, "/two", func(context.Context, struct {
				Body textBody
				Form tako.Form[textBody]
			}) (string, error) {
				return ok()
			})
		},
		"stream and multipart": func(app *tako.Router) {
			tako.Post(app, "/two", func(context.Context, struct {
				In   extract.Stream
				Form extract.Multipart
			}) (string, error) {
				return ok()
			})
		},
		"text and optional": func(app *tako.Router) {
			tako.Post(app, "/two", func(context.Context, struct {
				In    extract.Text
				Other tako.Optional[cbor.Body[textBody]]
			}) (string, error) {
				return ok()
			})
		},
	} {
		s := x.prepare(setup{}, func(app *tako.Router) {
			if x.planted("one-body") {
				tako.Post(app, "/two", func(context.Context, struct{ Body textBody }) (string, error) { return ok() })
				return
			}
			register(app)
		})
		var all tako.RegistrationErrors
		if err := s.Listen(context.Background()); !errors.As(err, &all) {
			x.Errorf("Listen accepted two readers of one body, %s: %v", name, err)
		}
	}
}

func optionalBody(x *T) {
	s := x.serve(tako.Limits{}, inputRoutes)
	if got := s.ask("POST /optional HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n", 200).body; !contains(got, "present=false") {
		x.Errorf("absent: got %q", got)
	}
	if got := s.ask(request("POST", "/optional", `{"text":"a"}`, "Content-Type: application/json"), 200).body; !contains(got, "present=true text=a") {
		x.Errorf("present: got %q", got)
	}
	s.ask(request("POST", "/optional", `{"text":`, "Content-Type: application/json"), 400)
}

// optionalRoute serves an extractor in an Optional.
func optionalRoute[E any, P interface {
	*E
	tako.Extractor
}](app *tako.Router, path string) {
	app.Post(path, func(c *tako.Context) error {
		in, err := tako.Extract[tako.Optional[E]](c)
		if err != nil {
			return err
		}
		return c.Text(200, "present="+map[bool]string{true: "true", false: "false"}[in.Present])
	})
}

// optionalBodies tell absence from what is malformed, in every syntax.
func optionalBodies(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		optionalRoute[tako.Form[textBody]](app, "/form")
		optionalRoute[extract.Text](app, "/text")
		optionalRoute[cbor.Body[textBody]](app, "/cbor")
		optionalRoute[msgpack.Body[textBody]](app, "/msgpack")
		optionalRoute[protobuf.Body[*wrapperspb.StringValue]](app, "/protobuf")
		optionalRoute[extract.MultipartForm[filesForm]](app, "/multipart-form")
	})
	for kind, malformed := range map[string]string{"form": "text=%", "text": "\xff", "cbor": "\xa1", "msgpack": "\x81", "protobuf": "\x0a\x7f", "multipart-form": "--xx\r\n"} {
		path, contentType := "/"+kind, "Content-Type: "+bodyKinds[kind]
		if got := s.ask("POST "+path+" HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n", 200).body; got != "present=false" {
			x.Errorf("%s, absent: got %q", kind, got)
		}
		if got := s.ask(request("POST", path, bodyOf(kind, 100), contentType), 200).body; got != "present=true" {
			x.Errorf("%s, present: got %q", kind, got)
		}
		s.ask(request("POST", path, malformed, contentType), 400)
		s.ask(request("POST", path, malformed, "Content-Type: a/b"), 415)
	}
}

// brokenBody ends half-way; no handler may take the half for the whole.
func brokenBody(x *T) {
	reached := make(chan string, 16)
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Use(func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				err := next(c)
				if err == nil && c.Path() != alivePath {
					reached <- c.Path()
				}
				return err
			}
		})
		bodyRoutes(app)
	})
	s.frayed = true
	halves := map[string]string{"form": "text=half", "bytes": "half", "text": "half", "own-bytes": "half", "stream": "half",
		"cbor": "\xa1", "protobuf": "\x0a\x01a", "multipart-form": "--xx\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nabc\r\n--xx--\r\n"}
	for kind, half := range halves {
		c := s.dial()
		c.send("POST /" + kind + " HTTP/1.1\r\nHost: a.example\r\nContent-Type: " + bodyKinds[kind] + "\r\nContent-Length: 1000\r\n\r\n" + half)
		if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
		_ = c.closing(x.patience)
	}
	select {
	case path := <-reached:
		x.Errorf("the handler of %s took the half of a body for the whole", path)
	default:
	}
}
