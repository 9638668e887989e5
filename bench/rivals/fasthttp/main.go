// Command fasthttp is fasthttp without a router. It answers GET / only.
package main

import (
	"github.com/valyala/fasthttp"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
	"github.com/tako-go/tako/bench/rivals/internal/model"
)

func main() {
	boot.Fail(fasthttp.Serve(boot.Listen(), func(c *fasthttp.RequestCtx) {
		if string(c.Path()) != "/" {
			c.NotFound()
			return
		}
		c.SetContentType("text/plain; charset=utf-8")
		c.SetBodyString(model.Hello)
	}))
}
