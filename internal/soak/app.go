package soak

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// newApp returns a router with a route of every kind. The version is in each
// response twice, from the middleware and from the handler.
func (x *rotation) newApp(version int) *tako.Router {
	app := tako.New()
	app.Use(x.numbered(version))
	if x.around != nil {
		app.Use(x.around)
	}
	say := func(c *tako.Context) error {
		return c.Text(200, "n="+c.Param("n")+" v="+strconv.Itoa(version)+"\n")
	}
	app.Get("/quick/{n}", say)
	app.Get("/inline/{n}", say, tako.Inline())
	app.Get("/offloaded/{n}", say, tako.Blocking())
	app.Get("/none/{n}", func(c *tako.Context) error { return c.NoContent() })
	app.Get("/block/{n}", func(c *tako.Context) error {
		if n := number(c); n%16 == 0 {
			time.Sleep(time.Duration(1+n/16%12) * time.Millisecond)
		}
		return say(c)
	})
	app.Get("/spin/{n}", func(c *tako.Context) error {
		if n := number(c); n%32 == 0 {
			for began := time.Now(); time.Since(began) < time.Duration(1+n/32%5)*time.Millisecond; {
			}
		}
		return say(c)
	})
	app.Get("/panic/{n}", func(c *tako.Context) error { panic("soak") })
	app.Get("/tear/{n}", tear)
	app.Get("/late/{n}", func(c *tako.Context) error {
		<-c.Context().Done()
		time.Sleep(time.Duration(number(c)%16) * time.Millisecond)
		return say(c)
	}, tako.Timeout(5*time.Millisecond))
	app.Get("/std/{n}", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		fmt.Fprintf(w, "n=%s v=%d\n", n, version)
	})))
	app.Get("/wrapped/{n}", say, tako.With(tako.Std(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Std", "1")
			next.ServeHTTP(w, r)
		})
	})))
	x.bodies(app)
	x.lates(app)
	return app
}

// bodies adds the routes that stream.
func (x *rotation) bodies(app *tako.Router) {
	app.Get("/load/{n}/{size}", func(c *tako.Context) error {
		size := sizeOf(c)
		c.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		return c.Stream(200, "application/octet-stream", newPattern(number(c), size))
	})
	app.Get("/stream/{n}/{size}", func(c *tako.Context) error {
		body, buf := newPattern(number(c), sizeOf(c)), make([]byte, 3000)
		for {
			n, err := body.Read(buf)
			if err == io.EOF {
				return nil
			}
			if _, err := c.Write(buf[:n]); err != nil {
				return err
			}
			if err := c.Flush(); err != nil {
				return err
			}
		}
	})
	app.Post("/take/{n}/{size}", func(c *tako.Context) error {
		if err := newPattern(number(c), sizeOf(c)).compare(c.Body()); err != nil {
			return tako.Wrap(400, err)
		}
		return c.Text(200, "n="+c.Param("n")+"\n")
	}, tako.BodyLimit(8<<20))
	app.Post("/small/{n}", func(c *tako.Context) error {
		_, err := c.ReadBody()
		return err
	}, tako.BodyLimit(100))
	app.Post("/ignore/{n}", func(c *tako.Context) error { return c.Text(200, "n="+c.Param("n")+"\n") })
	app.Post("/echo/{n}/{size}", func(c *tako.Context) error {
		if err := c.EnableFullDuplex(); err != nil {
			return err
		}
		_, err := io.Copy(c, c.Body())
		return err
	}, tako.BodyLimit(8<<20))
	app.Get("/hijack/{n}", hijack)
}

// numbered writes each request into the ledger.
func (x *rotation) numbered(version int) tako.Middleware {
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			text := c.Param("n")
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return next(c)
			}
			if wrong := x.ledger.begin(n); wrong != "" && (wrong != tooLate || !x.cutting.Load()) {
				x.fail("ledger", "%s: %s", c.Path(), wrong)
			}
			c.Header().Set("X-N", text)
			c.Header().Set("X-Version", strconv.Itoa(version))
			return next(c)
		}
	}
}

func number(c *tako.Context) uint64 {
	n, _ := strconv.ParseUint(c.Param("n"), 10, 64)
	return n
}

func sizeOf(c *tako.Context) int64 {
	size, _ := strconv.ParseInt(c.Param("size"), 10, 64)
	return size
}

// tear panics in the middle of a response.
func tear(c *tako.Context) error {
	c.Header().Set("Content-Length", "200")
	if _, err := c.Write(make([]byte, 100)); err != nil {
		return err
	}
	if err := c.Flush(); err != nil {
		return err
	}
	panic("soak")
}

// hijack answers each line with the same line until the client leaves.
func hijack(c *tako.Context) error {
	conn, rw, err := c.Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	text := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: soak\r\nX-N: " + c.Param("n") + "\r\n\r\n"
	if _, err := io.WriteString(conn, text); err != nil {
		return nil
	}
	for in := bufio.NewReader(rw); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil
		}
		if _, err := io.WriteString(conn, line); err != nil {
			return nil
		}
	}
}
