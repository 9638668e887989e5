package tako

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// cookieField is a field of a result that is sent as Set-Cookie. Its tag has the
// name and attributes after it, as RFC 6265 spells them, but with commas:
//
//	cookie:"session,Max-Age=3600,SameSite=Strict"
//
// The attributes are what the cookie has where the value says nothing itself.
type cookieField struct {
	outputField
	attributes http.Cookie
	readable   bool // HttpOnly=false
	insecure   bool // Secure=false
}

var (
	cookieType        = reflect.TypeFor[http.Cookie]()
	cookiePointerType = reflect.TypeFor[*http.Cookie]()
)

func (p *outputParts) addCookie(part outputField, tag string, mistake func(string, ...any)) {
	f := cookieField{outputField: part}
	switch {
	case part.typ == cookieType, part.typ == cookiePointerType, part.typ.Kind() == reflect.String:
	default:
		mistake("is sent as a cookie and has type %v: make it a string or an http.Cookie", part.typ)
		return
	}
	name, attributes, _ := strings.Cut(tag, ",")
	f.name = name
	f.attributes = http.Cookie{Name: name, Path: "/", SameSite: http.SameSiteLaxMode}
	for attribute := range strings.SplitSeq(attributes, ",") {
		if attribute == "" {
			continue
		}
		if err := f.addAttribute(attribute); err != nil {
			mistake("has the cookie attribute %q: %v", attribute, err)
			return
		}
	}
	if prefixed(name) {
		f.attributes.Secure = true
	}
	if err := checkCookie(&f.attributes); err != nil {
		mistake("has the tag cookie:%q: %v", tag, err)
		return
	}
	for i := range p.cookies {
		if p.cookies[i].name == name {
			mistake("sets the cookie %s, which another field sets already", name)
			return
		}
	}
	p.cookies = append(p.cookies, f)
}

func (f *cookieField) addAttribute(attribute string) (err error) {
	name, value, _ := strings.Cut(attribute, "=")
	on := value == "" || value == "true"
	if !on && value != "false" {
		err = errors.New("true or false is expected")
	}
	a := &f.attributes
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "path":
		a.Path, err = value, nil
	case "domain":
		a.Domain, err = value, nil
	case "max-age":
		if a.MaxAge, err = strconv.Atoi(value); err != nil || a.MaxAge <= 0 {
			err = errors.New("a number of seconds above 0 is expected")
		}
	case "samesite":
		switch strings.ToLower(value) {
		case "lax":
			a.SameSite = http.SameSiteLaxMode
		case "strict":
			a.SameSite = http.SameSiteStrictMode
		case "none":
			a.SameSite = http.SameSiteNoneMode
		default:
			return errors.New("Lax, Strict or None is expected")
		}
		err = nil
	case "secure":
		a.Secure, f.insecure = on, !on
	case "httponly":
		f.readable = !on
	case "partitioned":
		a.Partitioned = on
	default:
		return errors.New("Path, Domain, Max-Age, SameSite, Secure, HttpOnly and Partitioned are known")
	}
	return err
}

// cookie returns the cookie to send for the value at base, nil for none.
func (f *cookieField) cookie(c *Context, base unsafe.Pointer) *http.Cookie {
	var cookie http.Cookie
	switch v := f.at(base).Addr().Interface().(type) {
	case *http.Cookie:
		cookie = *v
	case **http.Cookie:
		if *v == nil {
			return nil
		}
		cookie = **v
	default:
		cookie.Value = f.at(base).String()
	}
	if cookie.Value == "" && cookie.MaxAge >= 0 && cookie.Name == "" {
		return nil
	}
	a := &f.attributes
	if cookie.Name == "" {
		cookie.Name = a.Name
	}
	if cookie.Path == "" {
		cookie.Path = a.Path
	}
	if cookie.Domain == "" {
		cookie.Domain = a.Domain
	}
	if cookie.SameSite == 0 {
		cookie.SameSite = a.SameSite
	}
	if cookie.MaxAge == 0 && cookie.Expires.IsZero() {
		cookie.MaxAge = a.MaxAge
	}
	if cookie.MaxAge < 0 && cookie.Expires.IsZero() {
		cookie.Expires = time.Unix(1, 0) // for clients that do not know Max-Age
	}
	cookie.Partitioned = cookie.Partitioned || a.Partitioned
	cookie.HttpOnly = cookie.HttpOnly || !f.readable
	cookie.Secure = cookie.Secure || a.Secure || prefixed(cookie.Name) || !f.insecure && c.Scheme() == "https"
	return &cookie
}

// setCookies adds all cookies, or none if one of them cannot be sent.
func (p *outputParts) setCookies(c *Context, base unsafe.Pointer) error {
	for i := range p.cookies {
		f := &p.cookies[i]
		cookie := f.cookie(c, base)
		if cookie == nil {
			continue
		}
		err := checkCookie(cookie)
		if err == nil {
			err = c.SetCookie(cookie)
		}
		if err != nil {
			return &Error{Status: http.StatusInternalServerError, Err: fmt.Errorf("field %s of result %v: %w", f.field, p.typ, err)}
		}
	}
	return nil
}

func prefixed(name string) bool {
	return hasPrefixFold(name, "__Host-") || hasPrefixFold(name, "__Secure-")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// checkCookie refuses what browsers would drop without a word (RFC 6265bis,
// sections 4.1.2 and 4.1.3).
func checkCookie(cookie *http.Cookie) error {
	switch err := cookie.Valid(); {
	case err != nil:
		return err
	case cookie.SameSite == http.SameSiteNoneMode && !cookie.Secure:
		return errors.New("SameSite=None needs Secure")
	case prefixed(cookie.Name) && !cookie.Secure:
		return fmt.Errorf("the name %s needs Secure", cookie.Name)
	case hasPrefixFold(cookie.Name, "__Host-") && (cookie.Domain != "" || cookie.Path != "/"):
		return fmt.Errorf("the name %s needs Path=/ and no Domain", cookie.Name)
	}
	return nil
}

// cookieDoc lists the cookies for documents.
func cookieDoc(cookies []cookieField) string {
	var lines []string
	for _, f := range cookies {
		line := f.name
		if f.doc != "" {
			line += ": " + f.doc
		}
		lines = append(lines, line)
	}
	return "cookies " + strings.Join(lines, "; ")
}
