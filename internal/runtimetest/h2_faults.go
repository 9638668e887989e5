package runtimetest

import (
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/tako-go/tako"
)

// The faults of servers that speak HTTP/2: frames of theirs are lost or changed on
// the way to the client, or their bounds are off.

// hidden keeps from the client what is wrong, and that the connection has ended.
var hidden = fault{name: "refusal-hidden", deaf: true, frames: func(f http2.Frame) bool {
	switch f := f.(type) {
	case *http2.RSTStreamFrame, *http2.GoAwayFrame:
		return true
	case *http2.MetaHeadersFrame:
		return f.PseudoValue("status") >= "400"
	}
	return false
}}

// recoded changes the codes of errors.
var recoded = fault{name: "code-changed", frames: func(f http2.Frame) bool {
	switch f := f.(type) {
	case *http2.RSTStreamFrame:
		f.ErrCode = 0xff
	case *http2.GoAwayFrame:
		f.ErrCode = 0xff
	}
	return false
}}

// unanswered swallows responses.
var unanswered = fault{name: "answer-swallowed", frames: func(f http2.Frame) bool {
	_, head := f.(*http2.MetaHeadersFrame)
	return head
}}

// withheld swallows the credit for bodies.
var withheld = fault{name: "window-kept", frames: func(f http2.Frame) bool {
	_, update := f.(*http2.WindowUpdateFrame)
	return update
}}

// fieldAdded puts a field into every response.
func fieldAdded(name, value string) fault {
	return fault{name: name + "-added", frames: func(f http2.Frame) bool {
		if head, ok := f.(*http2.MetaHeadersFrame); ok {
			head.Fields = append(head.Fields, hpack.HeaderField{Name: name, Value: value})
		}
		return false
	}}
}

// lost hides types of frame.
func lost(name string, types ...http2.FrameType) fault {
	return fault{name: name, frames: func(f http2.Frame) bool {
		for _, t := range types {
			if f.Header().Type == t {
				return true
			}
		}
		return false
	}}
}

// http2Fault changes the settings of the server.
func http2Fault(name string, f func(*tako.HTTP2Config)) fault { return fault{name: name, http2: f} }

var (
	unboundedResets   = http2Fault("resets-unbounded", func(h *tako.HTTP2Config) { h.Resets = 1 << 30 })
	unboundedControls = http2Fault("controls-unbounded", func(h *tako.HTTP2Config) { h.Controls = 1 << 30 })
	noHTTP2           = http2Fault("off", func(h *tako.HTTP2Config) { h.Off = true })
)

// shows reports whether a fault can be noticed over p. Those that take connections
// over, and those in the letters of HTTP/1.1, cannot over HTTP/2; those in its frames
// only there.
func (f *fault) shows(p Protocol) bool {
	switch {
	case f.frames != nil || f.http2 != nil:
		return p.http2()
	case !p.streams():
		return true
	}
	return !strings.HasPrefix(f.name, "connection-")
}

func http2Cases() (all []testCase) {
	for _, group := range [][]testCase{resetCases(), floodCases(), fieldSizeCases(), compressionCases(), windowCases(), malformedCases(),
		lengthCases(), frameCases(), phaseCases(), sharedPortCases(), http2LimitCases(), fairCases(), streamDrainCases(), streamGoneCases()} {
		all = append(all, group...)
	}
	return all
}
