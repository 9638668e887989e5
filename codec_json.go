package tako

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tako-go/tako/internal/fastjson"
	"github.com/tako-go/tako/internal/jsonscan"
)

// JSONConfig says how strict a JSON codec decodes. The zero value refuses what
// parsers disagree about: names that occur twice.
type JSONConfig struct {
	// AllowDuplicateNames lets a name occur more than once in an object; the last
	// one wins, as in encoding/json. Otherwise that is an error, and so are two
	// names for one field of a struct that differ in case.
	AllowDuplicateNames bool
	// DisallowUnknownFields refuses names that no field of a struct has. Otherwise
	// they are skipped.
	DisallowUnknownFields bool
	// MaxDepth is how many arrays and objects may lie in each other; 1000 if 0,
	// and never more than 10000.
	MaxDepth int
	// SafeIntegers refuses integers beyond 2^53-1 and below -(2^53-1), anywhere in
	// the body: many parsers, that of JavaScript among them, round them.
	SafeIntegers bool
}

// DefaultJSONDepth is how many arrays and objects may lie in each other where
// [JSONConfig] does not say.
const DefaultJSONDepth = 1000

// maxJSONDepth is what encoding/json takes.
const maxJSONDepth = 10000

func (c *JSONConfig) options() fastjson.Options {
	depth := c.MaxDepth
	if depth <= 0 {
		depth = DefaultJSONDepth
	}
	return fastjson.Options{DisallowUnknown: c.DisallowUnknownFields, Limits: jsonscan.Limits{
		MaxDepth: min(depth, maxJSONDepth), AllowDuplicates: c.AllowDuplicateNames, SafeIntegers: c.SafeIntegers}}
}

// Decode fills v from one JSON value. Its errors are of type [*Error], with
// status 400; they name the value at fault by a JSON pointer (RFC 6901).
func (c JSONCodec) Decode(data []byte, v any) error {
	o := c.Config.options()
	ok, err := fastjson.Unmarshal(data, v, o)
	switch {
	case ok:
		return nil
	case err != nil:
		return jsonFault(data, err)
	}
	if err := jsonscan.Check(data, o.Limits); err != nil {
		return jsonFault(data, err)
	}
	if err := fastjson.CheckNames(data, v, o); err != nil {
		return jsonFault(data, err)
	}
	if o.DisallowUnknown {
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		err = d.Decode(v)
	} else {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return jsonError(data, v, err)
	}
	if odd := fastjson.FindOddTime(data, v); odd != nil {
		return misfitError(odd, nil)
	}
	return nil
}

// jsonFault words what was found in a text before anything was decoded.
func jsonFault(data []byte, err error) error {
	e := &Error{Status: http.StatusBadRequest, Err: err}
	fault, ok := errors.AsType[*jsonscan.Error](err)
	if !ok {
		e.Detail = "the JSON is malformed"
		return e
	}
	detail := ""
	switch fault.Fault {
	case jsonscan.Duplicate:
		e.Detail, detail = "the JSON has a name twice in one object", "the name occurs twice"
	case jsonscan.Unknown:
		e.Detail, detail = "the JSON has a name that is not known", "the name is not known"
	case jsonscan.Depth:
		e.Detail = "the JSON is nested too deeply"
		return e
	case jsonscan.Range:
		e.Detail, detail = "the JSON has an integer that not every parser can hold", "the integer is beyond 2^53-1"
	case jsonscan.Encoding:
		e.Detail = fmt.Sprintf("the JSON is not UTF-8 at byte %d", fault.Offset)
		return e
	default:
		return jsonSyntax(data, fault, e)
	}
	e.Fields = []FieldError{{In: "body", Name: fault.Pointer, Detail: detail}}
	return e
}

// jsonSyntax takes the words of encoding/json.
func jsonSyntax(data []byte, fault *jsonscan.Error, e *Error) error {
	if jsonscan.Space(data, 0) == len(data) {
		e.Detail = "the request body is empty, JSON is expected"
		return e
	}
	e.Detail = fmt.Sprintf("the JSON is malformed at byte %d", fault.Offset)
	var raw json.RawMessage
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(data, &raw)); ok {
		e.Detail += ": " + syntax.Error()
	}
	return e
}

// jsonError words a failure of encoding/json so that it names no Go type. The place is
// looked for anew: encoding/json does not tell that of all failures, nor the right one of
// those inside a type with methods of its own.
func jsonError(data []byte, v any, err error) error {
	if misfit := fastjson.FindMisfit(data, v); misfit != nil {
		return misfitError(misfit, err)
	}
	e := &Error{Status: http.StatusBadRequest, Detail: "the JSON has a value that cannot be read", Err: err}
	if own, ok := errors.AsType[*Error](err); ok {
		e.Detail = own.Detail // that of an Opt or OneOf
	} else if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		e.Detail = fmt.Sprintf("the JSON has a name that is not known: %.100s", name)
	}
	return e
}

func misfitError(m *fastjson.Misfit, err error) error {
	fields := []FieldError{{In: "body", Name: m.Pointer, Detail: m.Detail}}
	switch m.Part {
	case fastjson.Value:
		return &Error{Status: http.StatusBadRequest, Detail: "the JSON has a value that is not valid", Fields: fields, Err: err}
	case fastjson.Name:
		return &Error{Status: http.StatusBadRequest, Detail: "the JSON has a name of the wrong kind", Fields: fields, Err: err}
	}
	return &Error{Status: http.StatusBadRequest, Detail: "the JSON has a value of the wrong kind", Fields: fields, Err: err}
}
