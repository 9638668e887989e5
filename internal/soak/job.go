package soak

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// job is a request with what its answer must be.
type job struct {
	n              uint64
	method, target string
	fields         string // lines
	status         int
	check          func(res *http.Response) error
	body           *pattern
	chunk          int64 // size of chunks, 0 for a declared length
	early          bool  // it is answered before the body has come
	torn           bool  // the response is broken off
}

// next returns a number nobody has had.
func (x *rotation) next() uint64 { return x.numbers.Add(1) }

// get is a request for a path that ends in the number.
func (x *rotation) get(path string) *job {
	n := x.next()
	j := &job{n: n, method: "GET", target: path + strconv.FormatUint(n, 10), status: 200}
	j.check = j.checkText
	return j
}

// mixed is one of the requests without large bodies.
func (x *rotation) mixed() *job {
	n := x.numbers.Load()
	switch n % 19 {
	case 0, 1:
		return x.get("/block/")
	case 2, 3:
		return x.get("/spin/")
	case 4:
		return x.get("/std/")
	case 5:
		return x.get("/wrapped/")
	case 6:
		return x.get("/inline/")
	case 7:
		return x.get("/offloaded/")
	case 8:
		j := x.get("/none/")
		j.status, j.check = 204, func(res *http.Response) error { return nil }
		return j
	case 9:
		j := x.get("/quick/")
		j.method = "HEAD"
		return j
	case 10:
		return x.failing("/panic/", 500)
	case 11:
		return x.late()
	case 12:
		return x.upload(1+int64(n*7919%4000), int64(n%3)*100)
	case 13:
		return x.download("/stream/", 1+int64(n*7919%6000))
	}
	return x.get("/quick/")
}

func mixed(x *rotation) *job { return x.mixed() }

// bodies is a request with a large body, or answered with one.
func bodies(x *rotation) *job {
	n := x.numbers.Load()
	size := int64(1 + n*7919%(300<<10))
	switch n % 5 {
	case 0:
		return x.upload(size, 0)
	case 1:
		return x.upload(size, 1+size/9)
	case 2:
		j := x.upload(size, 1+size/5)
		j.fields += "Expect: 100-continue\r\n"
		return j
	case 3:
		return x.download("/stream/", size/4+1)
	}
	return x.download("/load/", size)
}

func (x *rotation) failing(path string, status int) *job {
	j := x.get(path)
	j.status = status
	j.check = j.checkError
	return j
}

// late is answered 503, or 200 if the handler comes to its end by chance.
func (x *rotation) late() *job {
	j := x.failing("/late/", 503)
	j.check = func(res *http.Response) error {
		if res.StatusCode == 200 {
			return j.checkText(res)
		}
		return j.checkError(res)
	}
	return j
}

func (x *rotation) download(path string, size int64) *job {
	j := x.get(path)
	j.target += "/" + strconv.FormatInt(size, 10)
	j.check = func(res *http.Response) error { return newPattern(j.n, size).verify(res.Body) }
	return j
}

// upload sends a body, in chunks if chunk is not 0.
func (x *rotation) upload(size, chunk int64) *job {
	j := x.get("/take/")
	j.method, j.target = "POST", j.target+"/"+strconv.FormatInt(size, 10)
	j.body, j.chunk = newPattern(j.n, size), chunk
	j.check = j.checkNumber
	return j
}

func (j *job) checkNumber(res *http.Response) error {
	text, err := io.ReadAll(res.Body)
	if want := fmt.Sprintf("n=%d\n", j.n); err == nil && string(text) != want {
		return violates("mixed up", "body %q in place of %q", text, want)
	}
	return err
}

// echo sends a body that comes back.
func (x *rotation) echo(size int64) *job {
	j := x.get("/echo/")
	j.method, j.target = "POST", j.target+"/"+strconv.FormatInt(size, 10)
	j.body = newPattern(j.n, size)
	j.check = func(res *http.Response) error { return newPattern(j.n, size).verify(res.Body) }
	return j
}

// tear is answered with a response that the server must break off.
func (x *rotation) tear() *job {
	j := x.get("/tear/")
	j.torn = true
	j.check = func(res *http.Response) error {
		if _, err := io.ReadAll(res.Body); err == nil {
			return violates("ended", "a response that failed looks complete")
		}
		res.Close = true
		return nil
	}
	return j
}

// verify is compare for a client: bytes that are wrong are a violation.
func (b *pattern) verify(r io.Reader) error {
	if err := b.compare(r); err != nil {
		if b.wrong {
			return violates("mixed up", "%v", err)
		}
		return err
	}
	return nil
}

// write sends the request.
func (j *job) write(out *bufio.Writer) error {
	j.writeHead(out)
	if j.body == nil {
		return nil
	}
	return j.writeBody(out)
}

// writeHead leaves errors to the writes that follow.
func (j *job) writeHead(out *bufio.Writer) {
	_, _ = fmt.Fprintf(out, "%s %s HTTP/1.1\r\nHost: soak.example\r\n%s", j.method, j.target, j.fields)
	switch {
	case j.body == nil:
	case j.chunk > 0:
		_, _ = out.WriteString("Transfer-Encoding: chunked\r\n")
	default:
		_, _ = fmt.Fprintf(out, "Content-Length: %d\r\n", j.body.size)
	}
	_, _ = out.WriteString("\r\n")
}

func (j *job) writeBody(out *bufio.Writer) error {
	if j.chunk == 0 {
		_, err := io.Copy(out, j.body)
		return err
	}
	for left := j.body.size; left > 0; {
		n := min(j.chunk, left)
		left -= n
		_, _ = fmt.Fprintf(out, "%x\r\n", n)
		if _, err := io.CopyN(out, j.body, n); err != nil {
			return err
		}
		_, _ = out.WriteString("\r\n")
	}
	_, err := out.WriteString("0\r\n\r\n")
	return err
}
