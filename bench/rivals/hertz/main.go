// Command hertz is hertz on its default transport, netpoll. It answers GET /
// only.
package main

import (
	"context"
	"net/http"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/hlog"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
	"github.com/tako-go/tako/bench/rivals/internal/model"
)

func main() {
	hlog.SetLevel(hlog.LevelWarn)
	h := server.New(server.WithListener(boot.Listen()))
	h.GET("/", func(_ context.Context, c *app.RequestContext) {
		c.String(http.StatusOK, model.Hello)
	})
	boot.Fail(h.Run())
}
