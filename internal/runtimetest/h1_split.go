package runtimetest

import (
	"net/http"
	"strings"

	"github.com/tako-go/tako"
)

// splitters are ways to bring outside text into a header.
var splitters = map[string]func(c *tako.Context, text string) error{
	"value":  func(c *tako.Context, text string) error { c.Header().Set("X-Text", text); return c.Text(200, "set") },
	"added":  func(c *tako.Context, text string) error { c.Header().Add("X-Text", text); return c.Text(200, "set") },
	"name":   func(c *tako.Context, text string) error { c.Header().Set("X-"+text, "v"); return c.Text(200, "set") },
	"type":   func(c *tako.Context, text string) error { return c.Bytes(200, "text/"+text, []byte("set")) },
	"stream": func(c *tako.Context, text string) error { return c.Stream(200, "text/"+text, strings.NewReader("set")) },
	"redirect": func(c *tako.Context, text string) error {
		return c.Redirect(http.StatusFound, "/to?q="+text)
	},
	"local-redirect": func(c *tako.Context, text string) error {
		return c.LocalRedirect(http.StatusFound, "/to/"+text)
	},
	"cookie": func(c *tako.Context, text string) error {
		if err := c.SetCookie(&http.Cookie{Name: "text", Value: text}); err != nil {
			return err
		}
		return c.Text(200, "set")
	},
	"cookie-name": func(c *tako.Context, text string) error {
		if err := c.SetCookie(&http.Cookie{Name: "n" + text, Value: "v"}); err != nil {
			return err
		}
		return c.Text(200, "set")
	},
	"trailer": func(c *tako.Context, text string) error {
		c.Trailer().Set("X-Text", text)
		return c.Stream(200, "text/plain", strings.NewReader("set"))
	},
	"hint": func(c *tako.Context, text string) error {
		_ = c.EarlyHints("</" + text + ">")
		return c.Text(200, "set")
	},
	"error": func(c *tako.Context, text string) error {
		return tako.NotFound("nothing here").With("X-Text", text)
	},
	"net-http": func(c *tako.Context, text string) error {
		return tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Text", text)
			_, _ = w.Write([]byte("set"))
		}))(c)
	},
}

func splitCases() (all []testCase) {
	texts := []struct{ id, text string }{
		{"line-end", "a\r\nX-Evil: yes"},
		{"line-feed", "a\nX-Evil: yes"},
		{"carriage-return", "a\rX-Evil: yes"},
		{"response", "a\r\n\r\nHTTP/1.1 200 OK\r\nX-Evil: yes\r\n\r\n"},
		{"nul", "a\x00b"},
	}
	for way, set := range splitters {
		for _, t := range texts {
			all = append(all, testCase{id: "H1-17/" + way + "/" + t.id, run: split(set, t.text),
				faults: []fault{replies("field-added", "Date:", "X-Evil: yes\r\nDate:")}})
		}
	}
	return all
}

// split demands that no text makes a second field or response. That the answer
// is an error, or the text cleaned, is the framework's choice.
func split(set func(*tako.Context, string) error, text string) func(x *T) {
	return func(x *T) {
		c := x.serve(tako.Limits{}, func(app *tako.Router) {
			app.Get("/set", func(c *tako.Context) error { return set(c, text) })
			app.Get("/next", say("next"))
		}).dial()
		c.send(request("GET", "/set", ""))
		r, err := c.tryRead("GET")
		if err != nil {
			x.Fatalf("the response is not well-formed: %v", err)
		}
		for _, f := range append(r.fields, r.trailer...) {
			if strings.EqualFold(f.name, "X-Evil") || strings.ContainsAny(f.value, "\r\n\x00") {
				x.Errorf("field %q: %q", f.name, f.value)
			}
		}
		if r.closes() {
			c.closed()
			return
		}
		if got := c.get("/next").body; got != "next" {
			x.Errorf("the next answer is %q", got)
		}
	}
}
