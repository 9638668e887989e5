package main

import (
	"embed"
	"io/fs"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/middleware"
)

//go:embed page
var pageFiles embed.FS

// addPage serves the page from the binary. It uses the API like any other client.
func (s *service) addPage(r *tako.Router) {
	files, err := fs.Sub(pageFiles, "page")
	site := r.Group("", middleware.ETag(), revalidated)
	site.Get("/", func(c *tako.Context) error {
		if err != nil {
			return err
		}
		return c.FileFS(files, "index.html")
	}, tako.Summary("The page"))
	site.Get("/assets/{name}", func(c *tako.Context) error {
		if err != nil {
			return err
		}
		return c.FileFS(files, c.Param("name"))
	}, tako.Summary("What the page loads"))
}

// revalidated has browsers ask for each file again, by its tag.
func revalidated(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		c.Header().Set("Cache-Control", "no-cache")
		return next(c)
	}
}
