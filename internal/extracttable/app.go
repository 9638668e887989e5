package extracttable

import (
	"context"
	"net/http"
	"strings"

	"github.com/tako-go/tako"
)

// BodyLimit is the body limit of [App].
const BodyLimit = 16 << 10

// Rows returns the table.
func Rows() []Row {
	var rows []Row
	for _, section := range sections() {
		rows = append(rows, section.rows...)
	}
	return rows
}

// App serves each row in each form. Proxies at the addresses given are trusted;
// the rows expect that whoever sends the requests is one.
func App(trusted ...string) *tako.Router {
	app := tako.New()
	app.TrustedProxies(trusted...)
	app.BodyLimit(BodyLimit)
	app.Use(leaveReef)
	tako.Supply(app, supplied{"supplied"})
	tako.Supply(app, keyRing())
	supplyTokens(app)
	for _, row := range Rows() {
		if row.serve != nil {
			row.serve(app, row.path, row.rest)
		}
		if row.extra != nil {
			row.extra(app)
		}
	}
	return app
}

// supplied is state of the app.
type supplied struct{ name string }

// row makes a row whose value is shown by show.
func row[T any, P interface {
	*T
	tako.Extractor
}](name string, show func(T) (string, error), r Row) Row {
	r.Name = name
	r.path = "/" + slug(name)
	shown := func(v T, present bool) (Shown, error) {
		text, err := show(v)
		if err != nil || !present {
			return Shown{}, err
		}
		return Shown{text, true}, nil
	}
	r.serve = func(app *tako.Router, at, rest string) {
		tako.Handle(app, "", at+"/"+Whole+rest, func(_ context.Context, in T) (Shown, error) { return shown(in, true) })
		tako.Handle(app, "", at+"/"+Field+rest, func(_ context.Context, in struct{ In T }) (Shown, error) { return shown(in.In, true) })
		tako.Handle(app, "", at+"/"+Optional+rest, func(_ context.Context, in tako.Optional[T]) (Shown, error) {
			if !in.Present {
				return Shown{}, nil
			}
			return shown(in.Value, true)
		})
		app.Any(at+"/"+ByHand+rest, func(c *tako.Context) error {
			v, err := tako.Extract[T, P](c)
			if err != nil {
				return err
			}
			out, err := shown(v, true)
			if err != nil {
				return err
			}
			return c.JSON(http.StatusOK, out)
		})
	}
	return r
}

// plain is for what can be shown without reading on.
func plain[T any](show func(T) string) func(T) (string, error) {
	return func(v T) (string, error) { return show(v), nil }
}

// slug returns a name as a path segment.
func slug(name string) string {
	return strings.Trim(strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			return c
		case 'A' <= c && c <= 'Z':
			return c + 'a' - 'A'
		}
		return '-'
	}, name), "-")
}
