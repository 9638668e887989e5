package extract

import (
	"fmt"
	"net/http"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/credentials"
)

// missing is for a parameter that has to be there: 422, as for a field that is
// required.
func missing(in, name string) *tako.Error {
	return &tako.Error{Status: http.StatusUnprocessableEntity, Detail: in + " parameter " + name + " is required",
		Fields: []tako.FieldError{{In: in, Name: name, Detail: "is required", Rule: "required"}}, Err: tako.ErrAbsent}
}

// invalid is 400 for a parameter that does not parse; detail completes the
// sentence that begins with its name.
func invalid(in, name, detail string) *tako.Error {
	return &tako.Error{Status: http.StatusBadRequest, Detail: in + " parameter " + name + " " + detail,
		Fields: []tako.FieldError{{In: in, Name: name, Detail: detail}}}
}

// missingBody is 400 for a request without a body, as for JSON.
func missingBody() *tako.Error {
	return &tako.Error{Status: http.StatusBadRequest, Detail: "the request body is missing", Err: tako.ErrAbsent}
}

// present returns err without [tako.ErrAbsent] in its chain, for what was read from a
// request that has it: [tako.Optional] must not take it for absent.
func present(err error) error { return credentials.Hide(err, tako.ErrAbsent) }

// misuse is 500 for a mistake of the program. Nothing of the text is sent.
func misuse(format string, args ...any) *tako.Error {
	return &tako.Error{Status: http.StatusInternalServerError, Err: fmt.Errorf("extract: "+format, args...)}
}
