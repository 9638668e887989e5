package fastjson

import (
	"encoding/json"
	"errors"
	"reflect"
	"strconv"

	"github.com/tako-go/tako/internal/schema"
)

// takes reports whether a string, number or literal fits, and fails if not.
func (w *fitting) takes(f *fit, i, end int) bool {
	c := w.data[i]
	number := c == '-' || c-'0' <= 9
	fine := false
	switch f.kind {
	case fitForeign:
		return w.foreign(f, i) >= 0
	case fitAny:
		fine = !number || isFloat(w.data[i:end], 64)
	case fitBool:
		fine = c == 't' || c == 'f'
	case fitInt:
		_, err := strconv.ParseInt(string(w.data[i:end]), 10, f.typ.Bits())
		fine = number && err == nil
	case fitUint:
		_, err := strconv.ParseUint(string(w.data[i:end]), 10, f.typ.Bits())
		fine = number && err == nil
	case fitFloat:
		fine = number && isFloat(w.data[i:end], f.typ.Bits())
	case fitString:
		fine = c == '"'
	case fitNumber:
		fine = number
	}
	if c == '"' && f.kind >= fitNumber && f.kind <= fitBytes {
		return w.text(f, i, end)
	}
	if !fine {
		w.unexpected(i)
	}
	return fine
}

// text reads a string that is more than that.
func (w *fitting) text(f *fit, i, end int) bool {
	text := w.data[i:end]
	if f.kind == fitTime && !schema.IsTime(string(text[1:len(text)-1])) {
		w.fail(i, Value, "is not "+schema.TimeNoun)
		return false
	}
	if w.timesOnly || json.Unmarshal(text, reflect.New(f.typ).Interface()) == nil {
		return true
	}
	detail := malformed
	switch f.kind {
	case fitNumber:
		detail = "is not a number"
	case fitTime:
		detail = "is not " + schema.TimeNoun
	case fitBytes:
		detail = "is not base64"
	}
	w.fail(i, Value, detail)
	return false
}

func isFloat(text []byte, bits int) bool {
	_, err := strconv.ParseFloat(string(text), bits)
	return err == nil
}

func isRange(err error) bool { return errors.Is(err, strconv.ErrRange) }
