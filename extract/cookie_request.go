package extract

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/tako-go/tako"
)

// requestCookies is the cookies of one request and what is to be changed, shared by
// all jars of the request. It has a lock because a handler that timed out may still
// change it while the answer is sent.
type requestCookies struct {
	mu      sync.Mutex
	given   []cookiePair
	changes []cookieChange
	hooked  []*tako.Context // whose head will carry the changes
	sent    []string        // the lines that were put into a header
	over    bool            // the response has ended
}

type cookiePair struct{ name, value string }

// cookieChange is one Set-Cookie field to be.
type cookieChange struct {
	c                  *tako.Context // whose response it is for
	name, path, domain string
	value              string
	removed            bool
	line               string
}

var cookiesKey = tako.NewKey[*requestCookies]("cookies")

// cookiesOf returns the cookies of a request, 431 for too many of them.
func cookiesOf(c *tako.Context) (*requestCookies, error) {
	if all, ok := cookiesKey.Get(c); ok {
		return all, nil
	}
	all := new(requestCookies)
	for name, value := range c.Cookies() {
		if len(all.given) == MaxCookies {
			return nil, &tako.Error{Status: http.StatusRequestHeaderFieldsTooLarge, Detail: "the request has too many cookies"}
		}
		all.given = append(all.given, cookiePair{name, value})
	}
	cookiesKey.Set(c, all)
	c.OnDone(all.end)
	return all, nil
}

// get returns the value that counts: the last change, else the first that was given.
func (r *requestCookies) get(name string) (string, bool) {
	if r == nil {
		return "", false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, change := range slices.Backward(r.changes) {
		if change.name == name {
			return change.value, !change.removed
		}
	}
	for _, pair := range r.given {
		if pair.name == name {
			return pair.value, true
		}
	}
	return "", false
}

// names returns each name that was given or changed, once and in order.
func (r *requestCookies) names() (names []string) {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, pair := range r.given {
		add(pair.name)
	}
	for _, change := range r.changes {
		add(change.name)
	}
	return names
}

var errNoJar = errors.New("extract: this cookie jar was not read from a request")

// end keeps a jar that was kept from what belongs to another request by now.
func (r *requestCookies) end(tako.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
}

// usable returns why nothing can be changed, if so.
func (r *requestCookies) usable() error {
	if r == nil {
		return errNoJar
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return fmt.Errorf("extract: the request of this cookie jar is over: %w", tako.ErrHeadSent)
	}
	return nil
}

// change records a change; the last one of a cookie counts, among those that are sent. c is nil
// for a jar that belongs to no request.
func (r *requestCookies) change(c *tako.Context, change cookieChange) error {
	if c != nil && c.HeadSent() {
		return tako.ErrHeadSent
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	change.c = c
	r.changes = append(slices.DeleteFunc(r.changes, func(old cookieChange) bool { return old.c == c && old.sameCookie(change) }), change)
	if c != nil && !slices.Contains(r.hooked, c) {
		r.hooked = append(r.hooked, c)
		c.BeforeHead(func(head *tako.Head) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.write(c, head.Header)
		})
		c.OnDone(func(tako.Outcome) { r.forget(c) })
	}
	return nil
}

func (change *cookieChange) sameCookie(other cookieChange) bool {
	return change.name == other.name && change.path == other.path && change.domain == other.domain
}

// forget drops what belongs to a Context that is over. That of a handler which timed out is so
// before the request is, and its memory may be that of the next.
func (r *requestCookies) forget(c *tako.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hooked = slices.DeleteFunc(r.hooked, func(hooked *tako.Context) bool { return hooked == c })
	r.changes = slices.DeleteFunc(r.changes, func(change cookieChange) bool { return change.c == c })
}

// write puts changes into the header of a response: those of c, and of handlers further in whose
// response it is, since their lines are in it by now. One that timed out has none in there. It may
// run more than once for a response, over a header that has the lines of an earlier time or not.
func (r *requestCookies) write(c *tako.Context, header *tako.Header) {
	lines := header.Values("Set-Cookie")
	var changes []cookieChange
	for _, change := range r.changes {
		if change.c == c || slices.Contains(lines, change.line) {
			changes = append(slices.DeleteFunc(changes, change.sameCookie), change)
		}
	}
	if slices.ContainsFunc(lines, r.isSent) {
		header.Del("Set-Cookie")
		for _, line := range lines {
			if !r.isSent(line) {
				header.Add("Set-Cookie", line)
			}
		}
	}
	for _, change := range changes {
		if !r.isSent(change.line) {
			r.sent = append(r.sent, change.line)
		}
		header.Add("Set-Cookie", change.line)
	}
}

func (r *requestCookies) isSent(line string) bool { return slices.Contains(r.sent, line) }

// encode adds what was set to a request, as a client that got it would.
func (r *requestCookies) encode(req *http.Request) error {
	if r == nil {
		return nil
	}
	for _, name := range r.names() {
		if value, ok := r.get(name); ok {
			if err := checkValue(name, value); err != nil {
				return err
			}
			req.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	return nil
}

// jar is what the jars have in common: the cookies and the Context that this one was
// read with, nil for one that belongs to no request.
type jar struct {
	cookies *requestCookies
	c       *tako.Context
}

func (j *jar) read(c *tako.Context) (err error) {
	j.c = c
	j.cookies, err = cookiesOf(c)
	return err
}

// set records a cookie whose value is ready to be sent.
func (j jar) set(k Cookie, value string) error {
	if err := j.cookies.usable(); err != nil {
		return err
	}
	k, err := k.withDefaults(j.c == nil || j.c.Scheme() == "https")
	if err == nil {
		err = checkValue(k.Name, value)
	}
	if err != nil {
		return err
	}
	return j.cookies.change(j.c, cookieChange{name: k.Name, path: k.Path, domain: k.Domain, value: value, line: k.line(value, false)})
}

func (j jar) remove(k Cookie) error {
	if err := j.cookies.usable(); err != nil {
		return err
	}
	k, err := k.withDefaults(j.c == nil || j.c.Scheme() == "https")
	if err != nil {
		return err
	}
	return j.cookies.change(j.c, cookieChange{name: k.Name, path: k.Path, domain: k.Domain, removed: true, line: k.line("", true)})
}

func describeCookies(op *tako.Operation) {
	op.AddFailure(http.StatusRequestHeaderFieldsTooLarge, "the request has more than "+strconv.Itoa(MaxCookies)+" cookies")
}
