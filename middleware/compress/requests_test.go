package compress_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/coding"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/middleware/compress"
	"github.com/tako-go/tako/takotest"
)

type reef struct {
	Name string `json:"name" form:"name"`
}

const limit = 100_000

// nothingCoded is a middleware of net/http that answers 500 to a request that looks coded.
func nothingCoded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Encoding") != "" || r.Header.Get("Content-Length") != "" || r.ContentLength > 0 {
			http.Error(w, "coded", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func echo(c *tako.Context) error {
	if err := c.CheckCoding(); err != nil {
		return err
	}
	body, err := c.ReadBody()
	if err != nil {
		return err
	}
	return c.Bytes(200, "application/octet-stream", body)
}

func requestsApp() *tako.Router {
	r := tako.New()
	r.BodyLimit(limit)
	r.Use(compress.Requests(compress.RequestConfig{}))
	tako.Post(r, "/json", func(_ context.Context, in tako.JSON[reef]) (string, error) { return in.Value.Name, nil })
	tako.Post(r, "/typed", func(_ context.Context, in struct{ Body reef }) (string, error) { return in.Body.Name, nil })
	tako.Post(r, "/form", func(_ context.Context, in tako.Form[reef]) (string, error) { return in.Value.Name, nil })
	tako.Post(r, "/multipart", func(_ context.Context, in extract.MultipartForm[reef]) (string, error) { return in.Value.Name, nil })
	r.Post("/raw", echo)
	r.Post("/http", tako.HTTP(nothingCoded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = w.Write(body)
	}))))
	within := r.Group("/within")
	within.Use(tako.Std(nothingCoded), middleware.Timeout(patience), middleware.BodyLimit(limit))
	within.Post("/raw", echo)
	outside := r.Group("/outside")
	return outsideOf(outside, r)
}

// outsideOf has the middleware a second time, which finds nothing to do.
func outsideOf(g *tako.Router, r *tako.Router) *tako.Router {
	g.Use(compress.Requests(compress.RequestConfig{}))
	g.Post("/raw", echo)
	return r
}

// multi is a form of several parts.
func multi(t testing.TB) (kind string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	assert.NoError(t, w.WriteField("name", "Elphinstone"))
	assert.NoError(t, w.Close())
	return w.FormDataContentType(), b.Bytes()
}

// TestEX03Wire: each kind of body is decoded, from each coding and from two.
func TestEX03Wire(t *testing.T) {
	kind, form := multi(t)
	overAll(t, requestsApp, func(t *testing.T, s *carrier) {
		for _, names := range [][]string{{"br"}, {"zstd"}, {"gzip"}, {"deflate"}, {"gzip", "br"}, {"zstd", "gzip"}, {"identity", "gzip"}, {"identity"}} {
			coded := strings.Join(names, ", ")
			for path, tt := range map[string]struct{ kind, body, want string }{
				"/json":        {"application/json", `{"name":"Elphinstone"}`, `"Elphinstone"`},
				"/typed":       {"application/json", `{"name":"Elphinstone"}`, `"Elphinstone"`},
				"/form":        {"application/x-www-form-urlencoded", url.Values{"name": {"Elphinstone"}}.Encode(), `"Elphinstone"`},
				"/multipart":   {kind, string(form), `"Elphinstone"`},
				"/raw":         {"text/plain", string(lines(limit)), string(lines(limit))},
				"/http":        {"text/plain", string(lines(limit)), string(lines(limit))},
				"/within/raw":  {"text/plain", string(lines(limit)), string(lines(limit))},
				"/outside/raw": {"text/plain", string(lines(3000)), string(lines(3000))},
			} {
				if len(names) == 1 && names[0] == "identity" && path == "/http" {
					continue // has a length and must not look coded
				}
				body := []byte(tt.body)
				for _, name := range names {
					if name != "identity" {
						body = encoded(t, body, name)
					}
				}
				for _, chunked := range []bool{false, true} {
					var from io.Reader = bytes.NewReader(body)
					if chunked {
						from = io.MultiReader(from)
					}
					resp := s.do(t, "POST", path, from, "Content-Type", tt.kind, "Content-Encoding", coded)
					got, err := io.ReadAll(resp.Body)
					assert.NoError(t, err)
					if resp.StatusCode != 200 || strings.TrimSpace(string(got)) != strings.TrimSpace(tt.want) {
						t.Errorf("%s in %s, chunked %v: got %d, %d bytes %.100s", path, coded, chunked, resp.StatusCode, len(got), got)
					}
				}
			}
		}
	})
}

// bomb is a small body of megabytes of stacked codings; of 16 MB in codings that cannot be put one
// behind the other.
func bomb(t testing.TB, name string) []byte {
	t.Helper()
	if name == "zstd" || name == "gzip" {
		return bytes.Repeat(encoded(t, make([]byte, 1<<20), name), 1<<10)
	}
	return encoded(t, make([]byte, 16<<20), name)
}

// TestEX03Refusals: what is not good is refused, on every wire, and the connection goes on.
func TestEX03Refusals(t *testing.T) {
	small := encoded(t, lines(5000), "gzip")
	refused := map[string]struct {
		coding string
		body   []byte
		want   int
	}{
		"unknown":            {"compress", lines(100), 415},
		"one of them known":  {"gzip, x-unknown", small, 415},
		"three":              {"gzip, gzip, gzip", small, 415},
		"malformed":          {"gz ip", small, 415},
		"cut off":            {"gzip", small[:len(small)-5], 400},
		"cut in the head":    {"gzip", small[:3], 400},
		"not coded":          {"gzip", lines(5000), 400},
		"more behind":        {"gzip", append(bytes.Clone(small), "more"...), 400},
		"raw deflate":        {"deflate", small[10 : len(small)-8], 400},
		"bomb in gzip":       {"gzip", bomb(t, "gzip"), 413},
		"bomb in deflate":    {"deflate", bomb(t, "deflate"), 413},
		"bomb in zstd":       {"zstd", bomb(t, "zstd"), 413},
		"bomb in br":         {"br", bomb(t, "br"), 413},
		"bomb in two":        {"zstd, gzip", encoded(t, bomb(t, "zstd"), "gzip"), 413},
		"one over the limit": {"gzip", encoded(t, lines(limit+1), "gzip"), 413},
	}
	overAll(t, requestsApp, func(t *testing.T, s *carrier) {
		for what, tt := range refused {
			for _, path := range []string{"/raw", "/within/raw"} {
				resp := s.do(t, "POST", path, io.MultiReader(bytes.NewReader(tt.body)), "Content-Encoding", tt.coding)
				if resp.StatusCode != tt.want {
					text, _ := io.ReadAll(resp.Body)
					t.Errorf("%s to %s: got %d %s, want %d", what, path, resp.StatusCode, text, tt.want)
				}
				if accept := resp.Header.Get("Accept-Encoding"); tt.want == 415 && accept != "gzip, deflate, br, zstd" {
					t.Errorf("%s: Accept-Encoding %q", what, accept)
				}
			}
		}
		assert.Equal(t, s.do(t, "POST", "/raw", bytes.NewReader(small), "Content-Encoding", "x-gzip").StatusCode, 200)
	})
}

// TestEX03Memory: a body of 1 KB to 1 GB takes no memory to refuse.
func TestEX03Memory(t *testing.T) {
	s := takotest.New(t, requestsApp())
	body := string(encoded(t, bomb(t, "zstd"), "gzip"))
	t.Logf("%d bytes", len(body))
	ask := func() {
		s.Post("/raw", takotest.Body("text/plain", body), takotest.Header("Content-Encoding", "zstd, gzip")).Expect(413)
	}
	ask()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		ask()
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / 10; each > 64*limit {
		t.Errorf("each took %d KiB", each>>10)
	}
}

// TestEX03NoEnd: a body that has nothing in it but goes on for ever is refused.
func TestEX03NoEnd(t *testing.T) {
	t.Parallel()
	s := takotest.New(t, requestsApp())
	gz := encoded(t, nil, "gzip")
	endless := &repeated{head: gz[:10], piece: bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 1000)}
	s.Post("/raw", takotest.Reader("text/plain", endless), takotest.Header("Content-Encoding", "gzip")).Expect(400)
	if endless.n > 4<<20 {
		t.Errorf("%d bytes of nothing were read", endless.n)
	}
}

// TestEX03Stacked: an outer coding does not make an inner one work for nothing.
func TestEX03Stacked(t *testing.T) {
	if testing.Short() {
		t.Skip("megabytes of stacked codings")
	}
	t.Parallel()
	s := takotest.New(t, requestsApp())
	for _, inner := range []string{"gzip", "zstd"} {
		nothing := encoded(t, nil, "gzip")
		if inner == "zstd" {
			nothing = []byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0} // a frame to be skipped (RFC 8878, section 3.1.2)
		}
		for _, tt := range []struct{ bytes, status int }{{64 << 10, 200}, {1 << 20, 400}, {16 << 20, 400}} {
			for _, outer := range []string{"br", "zstd", "deflate"} {
				piece := bytes.Repeat(nothing, (64<<10)/len(nothing))
				body := coded(t, outer, piece, tt.bytes/(64<<10))
				s.Post("/raw", takotest.Body("text/plain", string(body)), takotest.Header("Content-Encoding", inner+", "+outer)).Expect(tt.status)
			}
		}
	}
}

// coded encodes a piece as often as n says.
func coded(t testing.TB, name string, piece []byte, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	e, err := coding.NewEncoder(name, 5, &out)
	assert.NoError(t, err)
	for range n {
		_, err = e.Write(piece)
		assert.NoError(t, err)
	}
	assert.NoError(t, e.Close())
	e.Release()
	return out.Bytes()
}

// TestEmptyLines: lines of a field are one list, of which the first may be empty.
func TestEmptyLines(t *testing.T) {
	t.Parallel()
	r := requestsApp()
	r.Use(compress.Responses(compress.Config{}))
	r.Get("/", func(c *tako.Context) error { return c.Text(200, string(lines(5000))) })
	s := takotest.Serve(t, r)
	ask := func(method, target, body string, fields ...string) *http.Response {
		conn := s.Dial()
		t.Cleanup(func() { _ = conn.Close() })
		assert.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
		_, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n%s\r\n%s", method, target, len(body), strings.Join(fields, ""), body)
		assert.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		assert.NoError(t, err)
		return resp
	}
	resp := ask("POST", "/raw", string(encoded(t, []byte("text"), "gzip")), "Content-Encoding:\r\n", "Content-Encoding: gzip\r\n")
	text, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	assert.Equal(t, string(text), "text")
	for _, name := range []string{"Cookie", "Authorization"} {
		resp = ask("GET", "/", "", "Accept-Encoding:\r\n", "Accept-Encoding: gzip\r\n", name+":\r\n")
		assert.Equal(t, resp.Header.Get("Content-Encoding"), "gzip")
		resp = ask("GET", "/", "", "Accept-Encoding: gzip\r\n", name+":\r\n", name+": id=1\r\n")
		assert.Equal(t, resp.Header.Get("Content-Encoding"), "")
	}
}

// repeated is a head with pieces without end behind it.
type repeated struct {
	head, piece, rest []byte
	n                 int
}

func (r *repeated) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.rest = r.piece; r.n == 0 {
			r.rest = r.head
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	r.n += n
	return n, nil
}

func TestEX03Empty(t *testing.T) {
	t.Parallel()
	s := takotest.New(t, requestsApp())
	s.Post("/raw", takotest.Body("text/plain", ""), takotest.Header("Content-Encoding", "gzip")).Expect(200).ExpectText("")
	s.Post("/raw", takotest.Reader("text/plain", io.MultiReader(strings.NewReader(""))), takotest.Header("Content-Encoding", "gzip")).Expect(400)
	s.Post("/json", takotest.Header("Content-Encoding", "gzip")).Expect(400)
}

// TestEX03Streams: what has come is decoded before the rest is there.
func TestEX03Streams(t *testing.T) {
	app := func() *tako.Router {
		r := tako.New()
		r.Use(compress.Requests(compress.RequestConfig{}))
		r.Post("/", func(c *tako.Context) error {
			if err := c.EnableFullDuplex(); err != nil {
				return err
			}
			buf := make([]byte, 1000)
			for {
				n, err := c.Body().Read(buf)
				_, err2 := c.Write(buf[:n])
				if err2 := errors.Join(err2, c.Flush()); err2 != nil {
					return err2
				}
				if err == io.EOF {
					return nil
				}
				if err != nil {
					return err
				}
			}
		})
		return r
	}
	overAll(t, app, func(t *testing.T, s *carrier) {
		for _, name := range codings {
			r, w := io.Pipe()
			stop := context.AfterFunc(t.Context(), func() { _ = w.CloseWithError(context.Canceled) })
			e, err := coding.NewEncoder(name, 1, w)
			assert.NoError(t, err)
			next := make(chan struct{}, 1)
			next <- struct{}{}
			go func() {
				defer w.Close()
				for range 5 {
					select {
					case <-next:
					case <-time.After(patience):
						return
					}
					_, _ = io.WriteString(e, "one more octopus\n")
					_ = e.Flush()
				}
				_ = e.Close()
				e.Release()
			}()
			resp := s.do(t, "POST", "/", r, "Content-Encoding", name)
			for range 5 {
				got := make([]byte, len("one more octopus\n"))
				_, err := io.ReadFull(resp.Body, got)
				assert.NoError(t, err, name)
				assert.Equal(t, string(got), "one more octopus\n")
				select {
				case next <- struct{}{}:
				default:
				}
			}
			rest, err := io.ReadAll(resp.Body)
			assert.NoError(t, err, name)
			assert.Equal(t, len(rest), 0)
			stop()
		}
	})
}

// FuzzRequests checks that bodies from outside are answered as what they are.
func FuzzRequests(f *testing.F) {
	for _, name := range codings {
		f.Add(name, encoded(f, lines(300), name))
	}
	f.Add("gzip, br", encoded(f, lines(300), "gzip", "br"))
	f.Add("x-unknown,,", []byte("x"))
	app := requestsApp()
	app.Log(quiet)
	if err := app.Build(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, coded string, body []byte) {
		req, err := http.NewRequest("POST", "http://a.example/raw", bytes.NewReader(body))
		assert.NoError(t, err)
		req.RequestURI = "/raw"
		req.Header["Content-Encoding"] = []string{coded}
		w := &status{}
		app.ServeHTTP(w, req)
		switch w.code {
		case 200, 400, 413, 415:
		default:
			t.Fatalf("%q, %q: got %d", coded, body, w.code)
		}
		if w.n > limit {
			t.Fatalf("%q, %q: %d bytes passed", coded, body, w.n)
		}
	})
}

// status keeps the status of a response, and counts its bytes.
type status struct {
	sink
	code, n int
}

func (s *status) Header() http.Header {
	if s.header == nil {
		s.header = http.Header{}
	}
	return s.header
}
func (s *status) WriteHeader(code int)        { s.code = code }
func (s *status) Write(p []byte) (int, error) { s.n += len(p); return len(p), nil }
