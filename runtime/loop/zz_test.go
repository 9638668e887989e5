package loop_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
	"net"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
)

func TestZZ(t *testing.T) {
	p := os.Getenv("ZZ")
	if p == "" {
		t.Skip()
	}
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(200, "hello") })
	app.Post("/e", func(c *tako.Context) error { b, err := c.ReadBody(); if err != nil { return err }; return c.Bytes(200, "text/plain", b) })
	s := loop.New(app, loop.Config{Addr: "127.0.0.1:0", Poller: p})
	if err := s.Listen(context.Background()); err != nil {
		t.Fatal(err)
	}
	go func() { fmt.Println("serve", s.Serve()) }()
	u := "http://" + s.Addr().String()
	for i := range 40 {
		r, err := http.Get(u)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r.Body)
		if i == 0 {
			fmt.Println(r.Status, string(b), r.Header)
		}
	}
	r, err := http.Post(u+"/e", "text/plain", strings.NewReader("hi"))
	fmt.Println(r.Status, err)
	r, err = http.Post(u+"/e", "text/plain", strings.NewReader(strings.Repeat("x", 500000)))
	fmt.Println(r.Status, err)
	b, _ := io.ReadAll(r.Body)
	fmt.Println(len(b))
	nc, _ := net.Dial("tcp", s.Addr().String())
	fmt.Fprintf(nc, "GET / HTTP/1.1\r\nHost: a\r\n")
	fmt.Fprintf(nc, "\r\n")
	bb := make([]byte, 1000)
	n, err := nc.Read(bb)
	fmt.Println(string(bb[:n]), err)
	fmt.Printf("%+v\n", s.Stats())
	ctx, c := context.WithTimeout(context.Background(), 2*time.Second)
	defer c()
	fmt.Println(s.Shutdown(ctx))
}
