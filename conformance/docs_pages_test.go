package conformance_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// docsPage is a page that shows the document of the example, and how it is used.
type docsPage struct {
	name, path string
	operations string // selects them
	try        func(t *testing.T, b *browser)
}

func docsPages() []docsPage {
	return []docsPage{
		{"plain", "/docs", "details.operation", tryPlain},
		{"swagger", "/docs/swagger", ".opblock", trySwagger},
	}
}

// TestDocsPages has Chromium show the pages that need no network: they list all
// operations, call two of them, and cause no error in the console and no request to
// another host. Their policy refuses one that is tried.
func TestDocsPages(t *testing.T) {
	eachOctopus(t, func(t *testing.T, o *octopus) {
		b := openBrowser(t)
		operations := o.operations(t)
		for _, page := range docsPages() {
			b.open(t, o.base+page.path)
			b.await(t, "document.querySelectorAll('"+page.operations+"').length === "+strconv.Itoa(operations))
			page.try(t, b)
			assert.Equal(t, b.complaints(), "", page.name)
			for _, url := range b.sent() {
				if !strings.HasPrefix(url, o.base+"/") && !strings.HasPrefix(url, "data:") {
					t.Errorf("%s asked %s", page.name, url)
				}
			}
			assert.Contains(t, strings.Join(b.sent(), "\n"), o.base+"/api/v1/reefs", page.name)
			b.intrude(t)
			assert.Contains(t, b.complaints(), "Content Security Policy", page.name)
		}
	})
}

// operations counts those of the document.
func (o *octopus) operations(t *testing.T) (n int) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	assert.NoError(t, json.Unmarshal(o.get(t, "/docs/openapi.json"), &doc))
	for _, path := range doc.Paths {
		for _, op := range path {
			if op.OperationID != "" {
				n++
			}
		}
	}
	assert.Equal(t, n > 10, true, "operations in the document")
	return n
}

// tryPlain asks for a reef by the example that the document has, and signs up by the
// example of a body.
func tryPlain(t *testing.T, b *browser) {
	t.Helper()
	for id, want := range map[string][2]string{"getReef": {"200", "lagoon"}, "signUp": {"201", "token"}} {
		b.eval(t, "document.getElementById('op-"+id+"').open = true")
		b.await(t, "document.getElementById('send-"+id+"')")
		b.eval(t, "document.getElementById('send-"+id+"').click()")
		b.await(t, "document.querySelector('#result-"+id+" [data-status]')")
		assert.Equal(t, b.eval(t, "document.querySelector('#result-"+id+" [data-status]').dataset.status"), want[0], id)
		b.await(t, "document.querySelector('#result-"+id+" .body').textContent.includes('"+want[1]+"')")
	}
}

// trySwagger lists the reefs.
func trySwagger(t *testing.T, b *browser) {
	t.Helper()
	const op = "#operations-reefs-listReefs "
	for _, button := range []string{".opblock-summary-control", ".try-out__btn", ".execute"} {
		b.await(t, "document.querySelector('"+op+button+"')")
		b.eval(t, "document.querySelector('"+op+button+"').click()")
	}
	const status = "document.querySelector('" + op + ".live-responses-table .response .response-col_status')"
	b.await(t, status)
	assert.Contains(t, b.eval(t, status+".textContent"), "200")
}

// intrude tries to load an image of another host.
func (b *browser) intrude(t *testing.T) {
	t.Helper()
	const image = `new Promise(resolve => {
		const i = new Image();
		i.onload = () => resolve("loaded");
		i.onerror = () => resolve("refused");
		i.src = "https://docs.example/intruder.png";
	})`
	assert.Equal(t, b.eval(t, image), "refused")
}
