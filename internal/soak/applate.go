package soak

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// lates adds routes whose handlers go on with the request when it was answered, and some
// with more than one head.
func (x *rotation) lates(app *tako.Router) {
	app.Post("/leftover/{n}/{size}", tako.HTTP(http.HandlerFunc(x.leftover)))
	app.Post("/latebody/{n}/{size}", func(c *tako.Context) error {
		n, body := number(c), newPattern(number(c), sizeOf(c))
		<-c.Context().Done()
		time.Sleep(time.Duration(n%16) * time.Millisecond)
		err := body.compare(c.Body())
		x.strange(body, err)
		_, _ = c.Write([]byte("n=late v=0\n"))
		return err
	}, tako.Timeout(5*time.Millisecond), tako.BodyLimit(8<<20))
	app.Get("/hints/{n}", func(c *tako.Context) error {
		if err := c.EarlyHints("</" + c.Param("n") + ".css>; rel=preload"); err != nil {
			return err
		}
		return c.Text(200, "n="+c.Param("n")+"\n")
	})
	app.Get("/trailer/{n}", func(c *tako.Context) error {
		if err := c.Flush(); err != nil {
			return err
		}
		c.Trailer().Set("X-End", c.Param("n"))
		_, err := c.Write([]byte("n=" + c.Param("n") + "\n"))
		return err
	})
}

// leftover answers at once and reads on, as proxies do.
func (x *rotation) leftover(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	n, _ := strconv.ParseUint(parts[2], 10, 64)
	size, _ := strconv.ParseInt(parts[3], 10, 64)
	body := newPattern(n, size)
	go func() {
		x.strange(body, body.compare(r.Body))
		if got := r.Header.Get("X-Left"); got != parts[2] {
			x.fail("mixed up", "a late look at the fields of %d shows those of %q", n, got)
		}
		_ = r.Context().Err()
	}()
	fmt.Fprintf(w, "n=%d\n", n)
}

// strange reports bytes of another body. That it ends early is no wonder.
func (x *rotation) strange(body *pattern, err error) {
	if body.wrong && !strings.Contains(err.Error(), "ends at") {
		x.fail("mixed up", "read late: %v", err)
	}
}

// left is a request whose handler answers at once and reads on.
func (x *rotation) left(size int64) *job {
	j := x.get("/leftover/")
	j.method, j.target = "POST", j.target+"/"+strconv.FormatInt(size, 10)
	j.fields = "X-Left: " + strconv.FormatUint(j.n, 10) + "\r\n"
	j.body, j.early, j.check = newPattern(j.n, size), true, j.checkNumber
	return j
}

// lateBody is a request whose handler reads when its time is over.
func (x *rotation) lateBody(size int64) *job {
	j := x.failing("/latebody/", 503)
	j.method, j.target = "POST", j.target+"/"+strconv.FormatInt(size, 10)
	j.body, j.early = newPattern(j.n, size), true
	return j
}

// hinted is answered with two heads.
func (x *rotation) hinted() *job {
	j := x.get("/hints/")
	j.check = j.checkNumber
	return j
}

// trailed is answered with a trailer.
func (x *rotation) trailed() *job {
	j := x.get("/trailer/")
	j.check = func(res *http.Response) error {
		err := j.checkNumber(res)
		if got := res.Trailer.Get("X-End"); err == nil && got != strconv.FormatUint(j.n, 10) {
			return violates("mixed up", "the trailer is that of %q", got)
		}
		return err
	}
	return j
}
