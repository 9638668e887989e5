// Command echo is echo with its own binder, without middleware.
package main

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
	"github.com/tako-go/tako/bench/rivals/internal/model"
)

type searchQuery struct {
	Q     string   `query:"q"`
	Limit int      `query:"limit"`
	Tags  []string `query:"tag"`
}

func main() {
	e := echo.New()
	e.GET("/", func(c *echo.Context) error { return c.String(http.StatusOK, model.Hello) })
	e.GET("/users/:id", user)
	e.POST("/users", create)
	e.GET("/search", search)
	start := echo.StartConfig{Listener: boot.Listen(), HideBanner: true, HidePort: true}
	boot.Fail(start.Start(context.Background(), e))
}

func user(c *echo.Context) error {
	id, err := echo.PathParam[int64](c, "id")
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, model.Octopus(id))
}

func create(c *echo.Context) error {
	var in model.NewUser
	if err := c.Bind(&in); err != nil {
		return err
	}
	if !in.Valid() {
		return echo.NewHTTPError(http.StatusUnprocessableEntity, "invalid user")
	}
	return c.JSON(http.StatusCreated, in.Created())
}

func search(c *echo.Context) error {
	in := searchQuery{Limit: model.DefaultLimit}
	if err := c.Bind(&in); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, model.Found{Q: in.Q, Limit: in.Limit, Tags: in.Tags})
}
