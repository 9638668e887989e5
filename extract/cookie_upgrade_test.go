package extract_test

import (
	"bufio"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// upgradeApp changes its jar and answers as the path says.
func upgradeApp(*testing.T) *tako.Router {
	app := tako.New()
	app.Log(quietLog())
	app.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			jar, err := tako.Extract[extract.CookieJar](c)
			if err == nil {
				err = jar.Set(extract.Cookie{Name: "outer", Value: "1"})
			}
			if err != nil {
				return err
			}
			return next(c)
		}
	})
	app.Get("/{how}", func(c *tako.Context) error {
		jar, err := tako.Extract[extract.CookieJar](c)
		if err != nil {
			return err
		}
		c.Header().Add("Set-Cookie", "by=hand")
		for _, value := range []string{"1", "2", "3"} {
			if err := jar.Set(extract.Cookie{Name: "in", Value: value}); err != nil {
				return err
			}
		}
		if err := jar.Remove(extract.Cookie{Name: "gone"}); err != nil {
			return err
		}
		switch c.Param("how") {
		case "upgrade":
			conn, err := c.Upgrade()
			if err != nil {
				return err
			}
			return conn.Close()
		case "fail":
			return tako.BadRequest("no")
		}
		return c.Text(200, "stays")
	})
	return app
}

// A jar is sent with the head of an upgrade too, and once where a request that asks for
// one is answered otherwise.
func TestCA03JarOnUpgrade(t *testing.T) {
	onRuntimes(t, tako.Limits{}, upgradeApp, func(t *testing.T, s *takotest.Server) {
		const rest = "; HttpOnly; SameSite=Lax"
		want := []string{"by=hand", "outer=1; Path=/" + rest, "in=3; Path=/" + rest, "gone=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" + rest}
		for how, status := range map[string]int{"upgrade": 101, "fail": 400, "stay": 200} {
			conn := s.Dial()
			defer conn.Close()
			assert.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
			_, err := fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n", how)
			assert.NoError(t, err)
			got, err := http.ReadResponse(bufio.NewReader(conn), nil)
			assert.NoError(t, err)
			assert.Equal(t, got.StatusCode, status)
			lines := got.Header.Values("Set-Cookie")
			assert.Equal(t, lines, want, how)
		}
	})
}
