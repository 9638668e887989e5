package jsonpatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/tako-go/tako"
)

// The limits of what a patch may do.
const (
	// MaxOperations is how many operations a JSON Patch may have.
	MaxOperations = 1000
	// MaxCopied is how many bytes of JSON the copy operations of a JSON Patch may
	// add together.
	MaxCopied = 1 << 20
	// MaxResult is how large the JSON may be that a patch makes.
	MaxResult = 8 << 20
)

// Apply changes *v as the patch says, all of it or nothing. v is encoded as JSON,
// patched, decoded, and checked as [tako.CheckValue] does. Its errors have a
// status, after RFC 5789, section 2.2: 409 if the patch does not fit the state of
// *v, which is a test that fails or a path that does not exist; 422 if what it
// makes is no valid T, has members that T does not know, or is over a limit.
//
// Members that T does not show in JSON are those of a blank T afterwards: copy them
// over.
func (p *Patch[T]) Apply(ctx context.Context, v *T) error {
	if p.c == nil {
		return tako.Wrap(http.StatusInternalServerError, errors.New("jsonpatch: the patch was not read from a request"))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var before bytes.Buffer
	if err := (tako.JSONCodec{}).Encode(&before, v); err != nil {
		return tako.Wrap(http.StatusInternalServerError, err)
	}
	after, err := p.patched(before.Bytes())
	if err != nil {
		return err
	}
	if len(after) > MaxResult {
		return tako.Unprocessable("the patch makes more than %d bytes of JSON", MaxResult)
	}
	var made T
	strict := tako.JSONCodec{Config: tako.JSONConfig{DisallowUnknownFields: true}}
	if err := strict.Decode(after, &made); err != nil {
		return invalid(err)
	}
	if err := tako.CheckValue(p.c, &made, after); err != nil {
		return err
	}
	*v = made
	return nil
}

// patched returns what the patch makes of a text.
func (p *Patch[T]) patched(text []byte) ([]byte, error) {
	before, err := tree(text)
	if err != nil {
		return nil, tako.Wrap(http.StatusInternalServerError, err)
	}
	if p.list == nil {
		return p.mergedInto(before)
	}
	d := document{root: before}
	for i := range p.operations {
		if err := d.apply(&p.operations[i]); err != nil {
			return nil, misfit(err)
		}
	}
	if deeper(d.root, tako.DefaultJSONDepth) {
		return nil, misfit(errDeep)
	}
	return encode(d.root)
}

func (p *Patch[T]) mergedInto(before any) ([]byte, error) {
	changes, err := tree(p.merge)
	if err != nil {
		return nil, tako.Wrap(http.StatusInternalServerError, err) // it was checked when it was read
	}
	return encode(merged(before, changes))
}

// misfit gives the failure of an operation its status.
func misfit(err error) error {
	detail := "the patch does not fit: a path does not exist"
	switch {
	case errors.Is(err, errCopied), errors.Is(err, errMoved):
		return &tako.Error{Status: http.StatusUnprocessableEntity, Detail: "the patch copies too much", Err: err}
	case errors.Is(err, errDeep):
		return &tako.Error{Status: http.StatusUnprocessableEntity, Detail: "the patch makes a value that is nested too deeply", Err: err}
	case errors.Is(err, errTest):
		detail = "the patch does not fit: a test has failed"
	}
	return &tako.Error{Status: http.StatusConflict, Detail: detail, Err: err}
}

// tree decodes a text, keeping numbers as they are.
func tree(text []byte) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err := d.Decode(&v)
	return v, err
}

func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	if err := (tako.JSONCodec{}).Encode(&text, &v); err != nil {
		return nil, tako.Wrap(http.StatusInternalServerError, err)
	}
	return text.Bytes(), nil
}

// invalid makes a 422 of the error of a decoder.
func invalid(err error) error {
	e := &tako.Error{Status: http.StatusUnprocessableEntity, Detail: "the patch makes a value that is not valid", Err: err}
	if from, ok := errors.AsType[*tako.Error](err); ok {
		e.Detail += ": " + from.Detail
		e.Fields = from.Fields
	}
	return e
}
