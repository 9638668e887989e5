package takotest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tako-go/tako"
)

// An Edit changes a request before it is sent.
type Edit func(*http.Request)

// Header sets a field of the request.
func Header(name, value string) Edit {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// Bearer sets a bearer token.
func Bearer(token string) Edit { return Header("Authorization", "Bearer "+token) }

// Cookie adds a cookie.
func Cookie(name, value string) Edit {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: value}) }
}

// Host sets the host that is asked for.
func Host(host string) Edit { return func(r *http.Request) { r.Host = host } }

// Body sets a body and its Content-Type.
func Body(contentType, body string) Edit {
	return func(r *http.Request) { setBody(r, contentType, []byte(body)) }
}

// Reader sets a body of unknown length.
func Reader(contentType string, body io.Reader) Edit {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", contentType)
		r.Body, r.ContentLength, r.GetBody = io.NopCloser(body), -1, nil
	}
}

// JSON sets a body to v as JSON.
func JSON(v any) Edit {
	return func(r *http.Request) {
		body, err := json.Marshal(v)
		if err != nil {
			panic("takotest: " + err.Error())
		}
		setBody(r, "application/json", body)
	}
}

// Form sets a body to form fields.
func Form(values url.Values) Edit {
	return Body("application/x-www-form-urlencoded", values.Encode())
}

func setBody(r *http.Request, contentType string, body []byte) {
	r.Header.Set("Content-Type", contentType)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
}

// Get sends GET and reads the whole response.
func (s *Server) Get(target string, edits ...Edit) *Response {
	s.t.Helper()
	return s.Do("GET", target, edits...)
}

// Post sends POST and reads the whole response.
func (s *Server) Post(target string, edits ...Edit) *Response {
	s.t.Helper()
	return s.Do("POST", target, edits...)
}

// Put sends PUT and reads the whole response.
func (s *Server) Put(target string, edits ...Edit) *Response {
	s.t.Helper()
	return s.Do("PUT", target, edits...)
}

// Patch sends PATCH and reads the whole response.
func (s *Server) Patch(target string, edits ...Edit) *Response {
	s.t.Helper()
	return s.Do("PATCH", target, edits...)
}

// Delete sends DELETE and reads the whole response.
func (s *Server) Delete(target string, edits ...Edit) *Response {
	s.t.Helper()
	return s.Do("DELETE", target, edits...)
}

// Do sends a request and reads the whole response. A response that was broken off
// is not a failure: see [Response.Broken].
func (s *Server) Do(method, target string, edits ...Edit) *Response {
	s.t.Helper()
	resp := s.Open(method, target, edits...)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return &Response{Response: resp, Text: string(body), Broken: err, t: s.t}
}

// Open sends a request and returns as soon as the head is there. The body is
// closed when the test ends, if not before.
func (s *Server) Open(method, target string, edits ...Edit) *http.Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+target, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, edit := range edits {
		edit(req)
	}
	resp, err := s.Client.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, target, err)
	}
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// Response is a recorded response.
type Response struct {
	*http.Response
	// Text is the body.
	Text string
	// Broken is the error the body ended with, nil if it is complete.
	Broken error

	t testing.TB
}

// Expect fails the test unless the response is complete and has this status. It
// returns the response.
func (r *Response) Expect(status int) *Response {
	r.t.Helper()
	if r.StatusCode != status || r.Broken != nil {
		r.t.Fatalf("%s %s: status %d, broken %v, want %d\n%s", r.Request.Method, r.Request.URL.RequestURI(), r.StatusCode, r.Broken, status, r.Text)
	}
	return r
}

// ExpectHeader fails the test unless the field has this value.
func (r *Response) ExpectHeader(name, value string) *Response {
	r.t.Helper()
	if got := strings.Join(r.Header.Values(name), ", "); got != value {
		r.t.Errorf("%s %s: %s is %q, want %q", r.Request.Method, r.Request.URL.RequestURI(), name, got, value)
	}
	return r
}

// ExpectText fails the test unless the body is text.
func (r *Response) ExpectText(text string) *Response {
	r.t.Helper()
	if r.Text != text {
		r.t.Errorf("%s %s: body %q, want %q", r.Request.Method, r.Request.URL.RequestURI(), r.Text, text)
	}
	return r
}

// JSON decodes the body into v.
func (r *Response) JSON(v any) *Response {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.Text), v); err != nil {
		r.t.Fatalf("%s %s: %v in %q", r.Request.Method, r.Request.URL.RequestURI(), err, r.Text)
	}
	return r
}

// Problem decodes a problem document; it fails the test if the response has none
// with this status.
func (r *Response) Problem(status int) *tako.Error {
	r.t.Helper()
	r.Expect(status).ExpectHeader("Content-Type", "application/problem+json")
	e := new(tako.Error)
	r.JSON(e)
	return e
}
