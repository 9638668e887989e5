package main

import (
	"strconv"

	"github.com/go-playground/validator/v10"
	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
)

// fiberValidator has the method that fiber asks for.
type fiberValidator struct{ rules *validator.Validate }

func (v fiberValidator) Validate(in any) error { return v.rules.Struct(in) }

func fiberApp(s *users) fasthttp.RequestHandler {
	app := fiber.New(fiber.Config{StructValidator: fiberValidator{newValidator()}})
	app.Put("/users/:id", func(c fiber.Ctx) error {
		id, err := strconv.ParseInt(c.Params("id"), 10, 64)
		if err != nil {
			return c.Status(fiber.StatusBadRequest).SendString("id is no number")
		}
		var in newUser
		if wrong, status := checkBoth(id, c.Bind().Body(&in)); status != 0 {
			return c.Status(status).SendString(wrong.String())
		}
		return c.JSON(s.replace(id, c.Query("q"), c.Get("X-Trace"), in))
	})
	return app.Handler()
}

// fiberCaller keeps one RequestCtx, as the server of fasthttp does for a connection.
type fiberCaller struct {
	handler fasthttp.RequestHandler
	ctx     fasthttp.RequestCtx
}

func newFiberCaller(handler fasthttp.RequestHandler, r request) *fiberCaller {
	c := &fiberCaller{handler: handler}
	c.ctx.Init(&fasthttp.Request{}, nil, nil)
	req := &c.ctx.Request
	req.Header.SetMethod("PUT")
	req.SetRequestURI(r.target)
	req.Header.SetHost(host)
	req.Header.SetContentType("application/json")
	req.Header.Set("X-Trace", goodTrace)
	req.SetBodyString(r.body)
	return c
}

func (c *fiberCaller) call() {
	c.ctx.Response.Reset()
	c.handler(&c.ctx)
}

func (c *fiberCaller) answer() (int, []byte) {
	return c.ctx.Response.StatusCode(), c.ctx.Response.Body()
}
