package jwt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// account is looked up by its Validate method, which may fail in many ways.
type account struct {
	Fault string `json:"fault"`
}

type statusError int

func (e statusError) Error() string   { return "hidden status" }
func (e statusError) HTTPStatus() int { return int(e) }

var errNoAccount = errors.New("no such account, hidden")

var faults = map[string]error{
	"account": errNoAccount,
	"absent":  fmt.Errorf("%w: %w", errNoAccount, tako.ErrAbsent),
	"dial":    fmt.Errorf("load hidden: %w", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}),
	"errno":   syscall.ECONNRESET,
	"file":    &fs.PathError{Op: "open", Path: "hidden", Err: fs.ErrNotExist},
	"gone":    fmt.Errorf("%w: %w", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}, tako.ErrAbsent),
	"query":   &url.Error{Op: "Get", URL: "http://hidden", Err: errors.New("refused")},
	"parse":   &url.Error{Op: "parse", URL: "http://hid den", Err: url.InvalidHostError(" ")},
	"cidr":    &net.ParseError{Type: "CIDR address", Text: "hidden"},
	"late":    fmt.Errorf("hidden: %w", context.DeadlineExceeded),
	"status":  statusError(429),
	"401":     statusError(401),
	"banned":  tako.Forbidden("this account is banned"),
	"bare":    &tako.Error{Status: 401, Err: tako.ErrAbsent},
}

func (a *account) Validate(context.Context) error { return faults[a.Fault] }

// A refusal is a 401 even if it says that something is absent, and what is no verdict on
// the token is not blamed on it.
func TestCA15ErrorsOfValidate(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Log(slog.New(slog.DiscardHandler))
	tako.Supply(r, verifier(t, nil))
	var failed error
	r.OnError(func(_ *tako.Context, err error) error {
		failed = err
		return err
	})
	tako.Get(r, "/must", func(context.Context, Claims[account]) (tako.NoContent, error) { return tako.NoContent{}, nil })
	tako.Get(r, "/may", func(context.Context, struct {
		Auth tako.Optional[Claims[account]]
	}) (tako.NoContent, error) {
		return tako.NoContent{}, nil
	})
	srv := takotest.New(t, r)
	for fault, status := range map[string]int{"": 204, "account": 401, "absent": 401, "dial": 500, "errno": 500, "file": 500,
		"query": 500, "parse": 401, "cidr": 401, "gone": 500, "late": 503, "status": 429, "401": 401, "banned": 403, "bare": 401} {
		token := sign(t, testKey(ES256), claims(map[string]any{"fault": fault}))
		for _, path := range []string{"/must", "/may"} {
			failed = nil
			got := srv.Get(path, authorization("Bearer "+token))
			assert.Equal(t, got.StatusCode, status, path, " ", fault)
			if strings.Contains(got.Text, "hidden") {
				t.Errorf("%s: the client sees %s", fault, got.Text)
			}
			want := ""
			if status == 401 {
				want = `Bearer realm="restricted", error="invalid_token"`
				assert.ErrorIs(t, failed, ErrInvalid, fault)
			}
			assert.Equal(t, got.Header.Get("WWW-Authenticate"), want, path, " ", fault)
			assert.Equal(t, errors.Is(failed, tako.ErrAbsent), false, fault, " is absent")
		}
		if fault == "account" || fault == "absent" {
			assert.ErrorIs(t, failed, errNoAccount, "the cause is kept for logs")
		}
	}
}

// What a handler refuses was given, whatever the cause says.
func TestCA15RefuseOfSomethingAbsent(t *testing.T) {
	t.Parallel()
	e := Claims[account]{}.Refuse(fmt.Errorf("no account: %w", tako.ErrAbsent))
	assert.Equal(t, errors.Is(e, tako.ErrAbsent), false)
	assert.ErrorIs(t, e, ErrInvalid)
	assert.Equal(t, e.Header.Get("WWW-Authenticate"), `Bearer realm="restricted", error="invalid_token"`)
}
