package extract_test

import (
	"io"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func extracted[T any, P interface {
	*T
	tako.Extractor
}](c *tako.Context) error {
	_, err := tako.Extract[T, P](c)
	return err
}

// A body that was read is not taken for an empty one, nor blamed on the client.
func TestBodyThatWasRead(t *testing.T) {
	ways := map[string]func(c *tako.Context) error{
		"bytes": extracted[extract.Bytes], "text": extracted[extract.Text], "raw": extracted[extract.RawBody],
		"form":     extracted[extract.MultipartForm[place]],
		"optional": extracted[tako.Optional[extract.RawBody]],
		"stream": func(c *tako.Context) error {
			s, err := tako.Extract[extract.Stream](c)
			assert.NoError(t, err)
			_, err = io.ReadAll(s)
			return err
		},
		"parts": func(c *tako.Context) error {
			m, err := tako.Extract[extract.Multipart](c)
			assert.NoError(t, err)
			_, err = m.Next()
			return err
		},
	}
	for name, read := range ways {
		app := tako.New()
		app.Log(quietLog())
		app.Post("/", func(c *tako.Context) error {
			if _, err := c.ReadBody(); err != nil {
				return err
			}
			err := read(c)
			assert.ErrorIs(t, err, tako.ErrBodyRead, name)
			return err
		})
		media := formType
		if name == "text" {
			media = "text/plain"
		}
		s := takotest.New(t, app)
		body := textParts("city", "Kyoto")
		s.Post("/", takotest.Body(media, body)).Expect(500)
		s.Post("/", takotest.Reader(media, io.MultiReader(strings.NewReader(body)))).Expect(500)
	}
}
