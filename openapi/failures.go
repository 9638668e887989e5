package openapi

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/tako-go/tako"
)

// failure is all that is known of one status of a failure.
type failure struct {
	reasons  []string
	headers  []string
	examples []*tako.Error
}

type failures map[int]*failure

func (f failures) at(status int) *failure {
	if f[status] == nil {
		f[status] = new(failure)
	}
	return f[status]
}

func (f failures) add(status int, reason string) {
	at, reason := f.at(status), sentence(reason)
	if reason != "" && !slices.Contains(at.reasons, reason) {
		at.reasons = append(at.reasons, reason)
	}
}

// failures lists what can go wrong: what was declared, then what comes of the way
// in which the request is read.
func (b *builder) failures(r *record) failures {
	all := failures{}
	for _, op := range r.all {
		for _, f := range op.Failures() {
			all.add(f.Status, f.When)
		}
		for _, err := range op.Errors {
			all.throws(err)
		}
	}
	if f := all[http.StatusUnauthorized]; f != nil && !slices.Contains(f.headers, "WWW-Authenticate") {
		f.headers = append(f.headers, "WWW-Authenticate")
	}
	if !r.called {
		b.automatic(r, all)
	}
	return all
}

// throws adds an error of the program as it would be answered.
func (f failures) throws(err error) {
	if err == nil {
		return
	}
	e := tako.AsError(err)
	reason := cmp.Or(e.Detail, e.Title)
	if reason == "" && e.Status < 500 && e.Err != nil && e != err {
		reason = http.StatusText(e.Status)
	}
	f.add(e.Status, reason)
	at := f.at(e.Status)
	if e.Detail != "" || e.Title != "" || e.Type != "" {
		at.examples = append(at.examples, e)
	}
	for name := range e.Header.All() {
		if !slices.Contains(at.headers, name) {
			at.headers = append(at.headers, name)
		}
	}
}

// automatic adds what the router answers by itself before the handler runs.
func (b *builder) automatic(r *record, all failures) {
	typed := r.op.Output != nil
	rules := r.hasBody() && !raw(r.body)
	for _, p := range r.inputs {
		rules = rules || p.In != "path" || p.Type != nil && !b.text(p.Type, p.Tag).TextTrivial()
	}
	if len(r.inputs) > 0 || typed && r.hasBody() {
		all.ensure(http.StatusBadRequest, "The request is malformed")
	}
	if r.hasBody() && r.bodyLimit != tako.NoLimit {
		all.ensure(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body is over the limit of %d bytes", r.bodyLimit))
	}
	if typed && r.hasBody() && !raw(r.body) {
		all.ensure(http.StatusUnsupportedMediaType, "The body has none of the media types listed, or a content coding")
	}
	if typed && rules {
		all.ensure(http.StatusUnprocessableEntity, "The request breaks a rule; errors lists each")
	}
	r.unswitched(all)
	if r.timeout > 0 {
		all.ensure(http.StatusServiceUnavailable, fmt.Sprintf("The answer took longer than %v", r.timeout))
	}
}

// ensure adds a reason where none is known.
func (f failures) ensure(status int, reason string) {
	if f[status] == nil || len(f[status].reasons) == 0 {
		f.add(status, reason)
	}
}

// sentence begins a reason with a capital, as descriptions are read one by one.
func sentence(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-0x20) + s[1:]
	}
	return s
}
