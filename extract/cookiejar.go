package extract

import (
	"iter"
	"net/http"

	"github.com/tako-go/tako"
)

// CookieJar is the cookies of a request in clear text, and what the response changes of
// them. Anybody can write them: take [SignedCookies] or [PrivateCookies] where that
// matters.
//
// All Cookie fields are read; of several cookies with one name the first counts, and
// malformed ones are skipped. Changes are sent with the head of the response, be it a
// success, an error or that of [tako.Context.Upgrade], each cookie on one Set-Cookie field.
// However often it is
// extracted in a request it is one jar, also with those of the other kinds.
//
// It is valid until the handler returns, and used by the goroutine of the handler. To
// write a request with it, make one with [NewCookieJar].
type CookieJar struct{ jar }

// NewCookieJar returns an empty jar that belongs to no request, for the input of a
// typed call.
func NewCookieJar() CookieJar { return CookieJar{jar{cookies: new(requestCookies)}} }

// Extract reads the cookies; 431 for more than [MaxCookies].
func (j *CookieJar) Extract(c *tako.Context) error { return j.read(c) }

// Describe records the failure.
func (j *CookieJar) Describe(op *tako.Operation, _ string) { describeCookies(op) }

// EncodeRequest adds the cookies of the jar to the request.
func (j *CookieJar) EncodeRequest(req *http.Request) error { return j.cookies.encode(req) }

// Get returns the value of a cookie, as changed by this request.
func (j CookieJar) Get(name string) (string, bool) { return j.cookies.get(name) }

// All yields names and values, as changed by this request.
func (j CookieJar) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, name := range j.cookies.names() {
			if value, ok := j.cookies.get(name); ok && !yield(name, value) {
				return
			}
		}
	}
}

// Set sets a cookie. An error matches [ErrCookie] if it cannot be sent as it is, and
// [tako.ErrHeadSent] once the response has begun.
func (j CookieJar) Set(cookie Cookie) error { return j.set(cookie, cookie.Value) }

// Remove has the client forget a cookie that was set with the same Name, Path and
// Domain; value and age do not matter. Its errors are those of Set.
func (j CookieJar) Remove(cookie Cookie) error { return j.remove(cookie) }
