package extract_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

// A value that the client can read and not change.
func ExampleSignedCookies() {
	secret := []byte("an example, and so no secret at all")
	ring, err := extract.NewKeyRing(extract.Key{ID: "a", Secret: secret})
	if err != nil {
		fmt.Println(err)
		return
	}
	visits := extract.Cookie{Name: "visits", MaxAge: time.Hour}
	app := tako.New()
	tako.Supply(app, ring)
	tako.Get(app, "/", func(_ context.Context, in struct{ Jar extract.SignedCookies }) (string, error) {
		so, _ := in.Jar.Get(visits.Name)
		return so, in.Jar.Set(visits.With(so + "I"))
	})

	cookie := ""
	for range 3 {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, req)
		fmt.Println(strings.TrimSpace(w.Body.String()))
		cookie, _, _ = strings.Cut(w.Header().Get("Set-Cookie"), ";")
	}
	// Output:
	// ""
	// "I"
	// "II"
}

// Credentials are judged in one place, for all handlers that want a user.
func ExampleBasic() {
	type user struct{ name string }
	app := tako.New()
	tako.Provide(app, func(_ context.Context, in struct{ Auth extract.Basic }) (user, error) {
		if in.Auth.User != "octo" || !extract.Equal(in.Auth.Password, "a long random text") {
			return user{}, in.Auth.Refuse(fmt.Errorf("not octo"))
		}
		return user{in.Auth.User}, nil
	})
	tako.Get(app, "/", func(_ context.Context, in struct{ By user }) (string, error) { return in.By.name, nil })

	for _, password := range []string{"a guess", "a long random text"} {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.SetBasicAuth("octo", password)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, req)
		fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// 401 Basic realm="restricted", charset="UTF-8"
	// 200
}
