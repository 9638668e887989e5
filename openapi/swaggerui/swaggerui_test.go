package swaggerui_test

import (
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/openapi/swaggerui"
)

func TestFilesAreThere(t *testing.T) {
	page := swaggerui.Offline()
	for _, a := range slices.Concat(page.Styles, page.Scripts) {
		body, err := fs.ReadFile(page.Files, a.URL)
		assert.NoError(t, err)
		if len(body) < 100 {
			t.Errorf("%s has %d bytes", a.URL, len(body))
		}
	}
	if _, err := page.Files.Open("none.js"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got error %v for a file that is not there", err)
	}
}
