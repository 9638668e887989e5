// Package swaggerui has the files of Swagger UI, for [openapi.Config] of services
// whose users have no way to a CDN. They add some 11 MB to the program.
package swaggerui

import (
	"errors"
	"io/fs"

	"github.com/swaggo/files/v2"

	"github.com/tako-go/tako/openapi"
)

// Offline is Swagger UI served by the program itself:
//
//	openapi.Mount(app, "/docs", openapi.Config{UI: swaggerui.Offline})
func Offline() openapi.Page {
	page := openapi.SwaggerUI()
	last := len(page.Scripts) - 1 // the script that starts the page is not from a CDN
	page.Styles = []openapi.Asset{{URL: "swagger-ui.css"}}
	page.Scripts = []openapi.Asset{{URL: "swagger-ui-bundle.js"}, page.Scripts[last]}
	page.Files = files{page.Files}
	return page
}

// files has what the page brings in front of what Swagger UI has.
type files struct{ fs.FS }

// Open opens a file of either.
func (f files) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return swaggerFiles.FS.Open(name)
	}
	return file, err
}
