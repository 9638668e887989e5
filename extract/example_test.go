package extract_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

func ExampleAcceptLanguage_Match() {
	app := tako.New()
	tako.Get(app, "/", func(_ context.Context, in struct{ Languages extract.AcceptLanguage }) (string, error) {
		tag, _ := in.Languages.Match("en", "de", "pt-BR")
		return tag, nil
	})
	for _, accept := range []string{"de-CH, en;q=0.5", "fr, pt-BR;q=0.1", "ja", ""} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", accept)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		fmt.Println(w.Body)
	}
	// Output:
	// "de"
	// "pt-BR"
	// "en"
	// "en"
}

func ExampleRange_Resolve() {
	app := tako.New()
	app.Get("/", func(c *tako.Context) error {
		wanted, err := tako.Extract[extract.Range](c)
		if err != nil {
			return err
		}
		parts, err := wanted.Resolve(1000)
		for _, p := range parts {
			fmt.Println(p.ContentRange(1000))
		}
		return err
	})
	for _, value := range []string{"bytes=0-99,-1", "bytes=0-,0-", "bytes=1000-"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Range", value)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		fmt.Printf("%s: %q\n", value, w.Header().Get("Content-Range"))
	}
	// Output:
	// bytes 0-99/1000
	// bytes 999-999/1000
	// bytes=0-99,-1: ""
	// bytes=0-,0-: ""
	// bytes=1000-: "bytes */1000"
}
