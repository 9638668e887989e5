package tako_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
)

// PP-09: forwarding fields do not come by trailers either, to handlers of both kinds.
func TestPP09Trailers(t *testing.T) {
	t.Parallel()
	trust := tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: []string{"127.0.0.1"}}
	servers := map[string]func(app *tako.Router) tako.Server{
		"std": func(app *tako.Router) tako.Server { return std.New(app, std.Config{Addr: "127.0.0.1:0", Proxy: trust}) },
		"loop": func(app *tako.Router) tako.Server {
			return loop.New(app, loop.Config{Addr: "127.0.0.1:0", Proxy: trust})
		},
	}
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := tako.New()
			app.Post("/own", func(c *tako.Context) error {
				_, err := io.Copy(io.Discard, c.Body())
				seen := ""
				for name, value := range c.RequestTrailers() {
					seen += name + "=" + value + ";"
				}
				if err != nil {
					return err
				}
				return c.Text(200, seen)
			})
			app.Post("/nethttp", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				for name, values := range r.Trailer {
					_, _ = io.WriteString(w, name+"="+strings.Join(values, ",")+";")
				}
			})))
			s := server(app)
			assert.NoError(t, s.Listen(t.Context()))
			served := make(chan error, 1)
			go func() { served <- s.Serve() }()
			t.Cleanup(func() {
				_, _ = s.Shutdown(t.Context())
				assert.NoError(t, <-served)
			})
			for _, path := range []string{"/own", "/nethttp"} {
				conn, err := net.Dial("tcp", s.Addr().String())
				assert.NoError(t, err)
				defer conn.Close()
				assert.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
				_, err = io.WriteString(conn, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"+
					"POST "+path+" HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Forwarded-For\r\n\r\n"+
					"1\r\na\r\n0\r\nX-Sum: 1\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n")
				assert.NoError(t, err)
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				assert.NoError(t, err)
				body, err := io.ReadAll(resp.Body)
				assert.NoError(t, err)
				assert.Equal(t, string(body), "X-Sum=1;", path)
			}
		})
	}
}
