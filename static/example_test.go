package static_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing/fstest"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/static"
)

func ExampleFS() {
	pages := fstest.MapFS{ // mostly an embed.FS
		"index.html":        {Data: []byte("<h1>Reef</h1>")},
		"app.3f2a9c1b.js":   {Data: []byte("swim()")},
		"robots/robots.txt": {Data: []byte("Disallow: /")},
	}
	app := tako.New()
	static.FS(app, "/", pages, static.Config{Cache: static.Hashed("no-cache")})
	if err := app.Build(); err != nil {
		fmt.Println(err)
		return
	}
	srv := httptest.NewServer(app)
	defer srv.Close()
	get := func(path, wanted string) {
		req, _ := http.NewRequest("GET", srv.URL+path, nil)
		if wanted != "" {
			req.Header.Set("Range", wanted)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		fmt.Println(resp.StatusCode, resp.Header.Get("Cache-Control"), string(body))
	}
	get("/", "")
	get("/app.3f2a9c1b.js", "bytes=0-3")
	// Output:
	// 200 no-cache <h1>Reef</h1>
	// 206 public, max-age=31536000, immutable swim
}

func ExampleRules() {
	cache := static.Rules(
		static.Rule{Pattern: "assets/**", Control: static.Immutable},
		static.Rule{Pattern: "*.html", Control: "no-cache"},
		static.Rule{Pattern: "*", Control: "max-age=3600"},
	)
	fmt.Println(cache("assets/app.js"), "|", cache("sub/index.html"), "|", cache("logo.png"))
	// Output: public, max-age=31536000, immutable | no-cache | max-age=3600
}
