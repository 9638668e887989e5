// Command fiber is fiber with its own binder, without middleware.
package main

import (
	"github.com/gofiber/fiber/v3"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
	"github.com/tako-go/tako/bench/rivals/internal/model"
)

type getUser struct {
	ID int64 `uri:"id"`
}

type searchQuery struct {
	Q     string   `query:"q"`
	Limit int      `query:"limit"`
	Tags  []string `query:"tag"`
}

func main() {
	app := fiber.New()
	app.Get("/", func(c fiber.Ctx) error { return c.SendString(model.Hello) })
	app.Get("/users/:id", user)
	app.Post("/users", create)
	app.Get("/search", search)
	boot.Fail(app.Listener(boot.Listen(), fiber.ListenConfig{DisableStartupMessage: true}))
}

func user(c fiber.Ctx) error {
	var in getUser
	if err := c.Bind().WithAutoHandling().URI(&in); err != nil {
		return err
	}
	return c.JSON(model.Octopus(in.ID))
}

func create(c fiber.Ctx) error {
	var in model.NewUser
	if err := c.Bind().WithAutoHandling().Body(&in); err != nil {
		return err
	}
	if !in.Valid() {
		return fiber.ErrUnprocessableEntity
	}
	return c.Status(fiber.StatusCreated).JSON(in.Created())
}

func search(c fiber.Ctx) error {
	in := searchQuery{Limit: model.DefaultLimit}
	if err := c.Bind().WithAutoHandling().Query(&in); err != nil {
		return err
	}
	return c.JSON(model.Found{Q: in.Q, Limit: in.Limit, Tags: in.Tags})
}
