package main

import (
	"embed"
	"io/fs"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/middleware/compress"
	"github.com/tako-go/tako/static"
)

//go:embed page
var pageFiles embed.FS

// addPage serves the page from the binary. It uses the API like any other client.
func (s *service) addPage(r *tako.Router) {
	site := r.Group("", compress.Responses(compress.Config{}))
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // only for a name that is no path
	}
	// Browsers ask for each file again, by its tag.
	revalidated := func(string) string { return "no-cache" }
	static.FS(site, "/assets/", files, static.Config{NoIndex: true, Cache: revalidated})
	site.Get("/", func(c *tako.Context) error {
		c.Header().Set("Cache-Control", "no-cache")
		return c.FileFS(files, "index.html")
	}, tako.Hidden())
}
