package extract

import (
	"net/http"
	"unsafe"

	"github.com/tako-go/tako"
)

// RawHeader is the first value of one field of the request as bytes, without a
// copy. It is read-only and borrowed until the handler returns: what is to be
// kept or changed is copied first. N tells the name, as for [Header]; its own kind
// does not matter. A field that is absent is 422 and matches [tako.ErrAbsent].
type RawHeader[N HeaderName] struct {
	// Value is the value; appending to it copies it.
	Value []byte
}

// Extract looks the field up.
func (h *RawHeader[N]) Extract(c *tako.Context) error {
	name, problem := headerName[N]()
	if problem != "" {
		return misuse("%s", problem)
	}
	value := c.RequestHeader(name)
	if value == "" {
		return missing("header", name)
	}
	h.Value = unsafe.Slice(unsafe.StringData(value), len(value))
	return nil
}

// Describe records the parameter.
func (h *RawHeader[N]) Describe(op *tako.Operation, field string) {
	name, problem := headerName[N]()
	if problem != "" {
		op.AddProblem(field + ": " + problem)
		return
	}
	op.AddParam(tako.Param{In: "header", Name: name, Type: stringType, Required: true})
	op.AddFailure(http.StatusUnprocessableEntity, "the header "+name+" is missing")
}

// EncodeRequest adds the field.
func (h *RawHeader[N]) EncodeRequest(req *http.Request) error {
	name, problem := headerName[N]()
	if problem != "" {
		return misuse("%s", problem)
	}
	req.Header.Set(name, string(h.Value))
	return nil
}
