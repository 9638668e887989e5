package extracttable

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tako-go/tako"
)

// A Row is one extractor.
type Row struct {
	// Name is what one writes, such as "extract.Header[N]".
	Name string
	// Source says what is read, Options what can be set, in Markdown.
	Source, Options string
	// Good are requests that it can read.
	Good []Case
	// Failures are the ways it can fail.
	Failures []Failure

	// Elsewhere says which tests provoke the failures of a row that [App] cannot
	// serve; "" for all others.
	Elsewhere string

	path  string // where its routes are
	rest  string // of the pattern, behind the form
	serve func(r *tako.Router, at, rest string)
	extra func(r *tako.Router)
}

// A Failure is one way to fail.
type Failure struct {
	// Status is what is answered.
	Status int
	// Cause says when.
	Cause string
	// Case is a request that fails so. Its Want is part of the detail.
	Case Case
	// Absent says that a [tako.Optional] accepts it.
	Absent bool
}

// A Case is a request.
type Case struct {
	// Method is GET, or POST with a body, if empty.
	Method string
	// Path is added to that of the form, as "/7?x=1".
	Path string
	// Target replaces all of it, for what only one form can meet.
	Target string
	// Fields are header lines.
	Fields []string
	// Body is the content.
	Body string
	// Want is what the extractor shows; FORM in it stands for the form.
	Want string
	// Absent says that an Optional has no value.
	Absent bool
	// Memory changes a request that no client could send over a plain connection.
	// Such cases are for tests in memory only.
	Memory func(*http.Request)
}

// The forms in which an extractor is used, each a route of [App].
const (
	Whole    = "whole"    // the whole input of a typed handler
	Field    = "field"    // a field of it
	ByHand   = "by-hand"  // tako.Extract in a raw handler
	Optional = "optional" // tako.Optional of it
)

var forms = []string{Whole, Field, ByHand, Optional}

// A Request is a case in one form, with what has to be answered.
type Request struct {
	// Name says which row, form and case it is.
	Name string
	// Method, Target, Fields, Body and Memory are those of the case.
	Method, Target string
	// Fields are header lines. There is no Host among them, unless it is the matter.
	Fields []string
	// Body is the content, "" for none.
	Body string
	// Memory is set for cases that can be sent in memory only.
	Memory func(*http.Request)
	// Status is what has to be answered.
	Status int
	// Shown is the answer of a success, if Status is 200.
	Shown Shown
	// Contains is part of the detail of a failure; it may be empty.
	Contains string
}

// Shown is what the routes of [App] answer as JSON.
type Shown struct {
	// Value tells what was extracted.
	Value string `json:"value"`
	// Present is false where an Optional has no value.
	Present bool `json:"present"`
}

// Requests lists the cases of the row in all forms that can meet them.
func (r Row) Requests() []Request {
	var list []Request
	if r.serve == nil {
		return nil
	}
	for _, form := range forms {
		for i, c := range r.Good {
			q := r.request(form, c, "good", i)
			q.Status, q.Shown = http.StatusOK, Shown{strings.ReplaceAll(c.Want, "FORM", form), true}
			if c.Absent && form == Optional {
				q.Shown = Shown{}
			}
			list = append(list, q)
		}
		for i, f := range r.Failures {
			q := r.request(form, f.Case, f.Cause, i)
			q.Status, q.Contains = f.Status, f.Case.Want
			if form == Optional && f.Absent {
				q.Status, q.Shown, q.Contains = http.StatusOK, Shown{}, ""
			}
			if f.Case.Target == "" || form == ByHand {
				list = append(list, q)
			}
		}
	}
	return list
}

func (r Row) request(form string, c Case, name string, i int) Request {
	q := Request{Name: r.Name + "/" + form + "/" + name, Method: c.Method, Target: c.Target,
		Fields: slices.Clone(c.Fields), Body: c.Body, Memory: c.Memory}
	if i > 0 && name == "good" {
		q.Name += " " + c.Want
	}
	if q.Method == "" {
		q.Method = http.MethodGet
		if c.Body != "" {
			q.Method = http.MethodPost
		}
	}
	if q.Target == "" {
		q.Target = r.path + "/" + form + c.Path
	}
	return q
}

// Pattern returns the pattern of the route that serves a form.
func (r Row) Pattern(form string) string { return r.path + "/" + form + r.rest }
