package openapi

import (
	"embed"
	"io/fs"
)

//go:embed plain
var plainFiles embed.FS

// Plain is a page of this package: operations with their parameters, bodies and
// answers, and a form that tries them out. It loads nothing from anywhere else.
func Plain() Page {
	files, _ := fs.Sub(plainFiles, "plain") // fails for an invalid name only
	return Page{
		Name:    "plain",
		Styles:  []Asset{{URL: "plain.css"}},
		Scripts: []Asset{{URL: "plain.js"}},
		Files:   files,
		Policy:  [][2]string{{"require-trusted-types-for", "'script'"}, {"trusted-types", "'none'"}},
	}
}
