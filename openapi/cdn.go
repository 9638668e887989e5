package openapi

import (
	"embed"
	"io/fs"
)

// cdn is one version of one file of a package, as jsdelivr serves it from npm.
type cdn struct{ pkg, version, file, integrity string }

func (c cdn) asset() Asset {
	return Asset{"https://cdn.jsdelivr.net/npm/" + c.pkg + "@" + c.version + "/" + c.file, c.integrity}
}

// The versions of what pages load from elsewhere. A new one needs the hashes of its
// files: npm pack PACKAGE@VERSION, then openssl dgst -sha384 -binary FILE | base64.
const (
	swaggerVersion = "5.35.0"
	redocVersion   = "2.5.4"
	scalarVersion  = "1.46.4"
	rapidocVersion = "9.3.8"
)

// cdnFiles are the files. A browser refuses one that has another hash.
func cdnFiles() map[string]cdn {
	return map[string]cdn{
		"swagger.js":  {"swagger-ui-dist", swaggerVersion, "swagger-ui-bundle.js", "sha384-gjRm0bEPMeTmMh5jT2cHccIwCUZSTd8YC+j0d0sXw0MdGEfScduGpSyF3ZSSLkX9"},
		"swagger.css": {"swagger-ui-dist", swaggerVersion, "swagger-ui.css", "sha384-WlYgdmXYOOBWL5apwjDEZwN+U3HmXSSu5R6V5aGxEcf7z+KuRNwBhoxKVN1i3D5I"},
		"redoc.js":    {"redoc", redocVersion, "bundles/redoc.standalone.js", "sha384-w447zOpYfw/1Tv/5AK9NfHTlQIqE3RVR6KY62jCyy9zNDgO64cMwGGP1Fj0zJVf5"},
		"scalar.js":   {"@scalar/api-reference", scalarVersion, "dist/browser/standalone.js", "sha384-BbTs28WithFYxTDCiH0YPK5tv3MflhBVpABoMjfb9UqXa/hegSE9I4THoddKejMF"},
		"rapidoc.js":  {"rapidoc", rapidocVersion, "dist/rapidoc-min.js", "sha384-szzoYhqSJqZH8X90KwbBjYL1CMLEa3U7xl/oAZg4ViKpYEY5GVhM+peBQB4u7ANM"},
	}
}

//go:embed pages
var pageFiles embed.FS

func starters() fs.FS {
	files, _ := fs.Sub(pageFiles, "pages") // fails for an invalid name only
	return files
}

// inlineStyle is for UIs that write style elements and attributes.
var inlineStyle = [2]string{"style-src", "'unsafe-inline'"}

// SwaggerUI is Swagger UI from a public CDN, pinned to one version and its hashes.
// It needs the network; package openapi/swaggerui has it without.
func SwaggerUI() Page {
	files := cdnFiles()
	return Page{
		Name:    "swagger-ui",
		Styles:  []Asset{files["swagger.css"].asset()},
		Scripts: []Asset{files["swagger.js"].asset(), {URL: "start-swagger.js"}},
		Files:   starters(),
		Policy:  [][2]string{inlineStyle},
	}
}

// Redoc is Redoc from a public CDN, pinned to one version and its hash. It reads
// only: it sends no requests to the API. It needs the network.
func Redoc() Page {
	return Page{
		Name:    "redoc",
		Scripts: []Asset{cdnFiles()["redoc.js"].asset(), {URL: "start-redoc.js"}},
		Files:   starters(),
		Policy:  [][2]string{inlineStyle, {"worker-src", "blob:"}},
	}
}

// Scalar is Scalar's API reference from a public CDN, pinned to one version and
// its hash. It needs the network.
func Scalar() Page {
	return Page{
		Name:    "scalar",
		Scripts: []Asset{cdnFiles()["scalar.js"].asset(), {URL: "start-scalar.js"}},
		Files:   starters(),
		Policy:  [][2]string{inlineStyle, {"font-src", "data:"}, {"worker-src", "blob:"}},
	}
}

// RapiDoc is RapiDoc from a public CDN, pinned to one version and its hash. It
// needs the network.
func RapiDoc() Page {
	return Page{
		Name:    "rapidoc",
		Scripts: []Asset{cdnFiles()["rapidoc.js"].asset(), {URL: "start-rapidoc.js"}},
		Files:   starters(),
		Policy:  [][2]string{inlineStyle},
	}
}
