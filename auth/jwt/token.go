package jwt

import (
	"encoding/base64"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// token is a token in compact form (RFC 7515, section 3.1), taken apart. Nothing of it is
// verified.
type token struct {
	header    header
	signed    string // what the signature is of
	payload   string
	signature []byte
}

// header is what counts of a JOSE header.
type header struct {
	Algorithm string
	KeyID     string
	HasKeyID  bool
	Type      string
}

// parse takes a token apart. Its size is checked before anything is decoded, and the
// payload is left as it is.
func parse(text string, maxSize int) (t token, err error) {
	if len(text) > maxSize {
		return t, invalid("it has %d bytes, more than %d", len(text), maxSize)
	}
	head, rest, ok := strings.Cut(text, ".")
	payload, signature, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || strings.Contains(signature, ".") {
		return t, invalid("it does not have three parts")
	}
	data, err := decodeSegment(head)
	if err != nil {
		return t, err
	}
	members, err := parseObject(data)
	if err != nil {
		return t, err
	}
	if t.header, err = readHeader(members); err != nil {
		return t, err
	}
	t.signed, t.payload = text[:len(head)+1+len(payload)], payload
	t.signature, err = decodeSegment(signature)
	return t, err
}

// segments refuses all but the one text of given bytes.
var segments = base64.RawURLEncoding.Strict()

func decodeSegment(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") { // which the decoder skips
		return nil, invalid("a part is not base64url")
	}
	data, err := segments.DecodeString(s)
	if err != nil {
		return nil, invalid("a part is not base64url")
	}
	return data, nil
}

// refused are members of a header that would bring a key or demand an extension. A key of
// the token's own choice proves nothing (RFC 8725, section 3.10), and no extension is known
// (RFC 7515, section 4.1.11).
var refused = []string{"jku", "jwk", "x5u", "crit"}

func readHeader(members object) (h header, err error) {
	for _, name := range refused {
		if members.get(name) != nil {
			return h, invalid("the header has %s", name)
		}
	}
	var has bool
	if h.Algorithm, has, err = members.text("alg"); err != nil || !has {
		return h, invalid("there is no alg")
	}
	if h.KeyID, h.HasKeyID, err = members.text("kid"); err != nil {
		return h, err
	}
	h.Type, _, err = members.text("typ")
	return h, err
}

// sameType compares media types of which "application/" may be left out (RFC 7515, section
// 4.1.9).
func sameType(a, b string) bool {
	const prefix = "application/"
	trim := func(s string) string {
		if len(s) > len(prefix) && ascii.EqualFold(s[:len(prefix)], prefix) {
			return s[len(prefix):]
		}
		return s
	}
	return ascii.EqualFold(trim(a), trim(b))
}
