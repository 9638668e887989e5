// Package protobuf reads and writes request and response bodies in the binary
// format of Protocol Buffers, by google.golang.org/protobuf. Values are pointers to
// generated messages.
//
//	r.Codec(protobuf.Codec{})                // besides JSON, for every typed route
//	tako.WithCodec(protobuf.Codec{})         // for one
//	in struct{ Body protobuf.Body[*pb.User] } // for one body, nothing to be registered
//
// Once the codec is registered, a client that asks for Protocol Buffers from a
// route whose result is no message gets a 500: use it for groups or routes whose
// results are.
package protobuf

import (
	"fmt"
	"io"
	"reflect"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/codecbody"
	"google.golang.org/protobuf/proto"
)

// DefaultMaxDepth is how many messages may lie in each other where a [Codec] does
// not say.
const DefaultMaxDepth = 100

// Codec is a [tako.Codec] for application/protobuf, application/x-protobuf and
// every type with the suffix +protobuf. Required fields that are missing, and text
// that is not UTF-8 where the syntax forbids it, are refused; fields that are not
// known are kept, as the format wants it. Its zero value is ready; it is used by
// many goroutines at once.
type Codec struct {
	// MaxDepth is how many messages and groups may lie in each other;
	// [DefaultMaxDepth] if 0.
	MaxDepth int
	// DiscardUnknown drops fields that are not known.
	DiscardUnknown bool
}

var _ tako.Codec = Codec{}

var mediaTypes = []string{"application/protobuf", "application/x-protobuf", "+protobuf"}

// MediaTypes returns application/protobuf, application/x-protobuf and every type
// with the suffix +protobuf.
func (Codec) MediaTypes() []string { return mediaTypes }

// AcceptsEmpty tells that a body without a byte is a message: one without fields.
func (Codec) AcceptsEmpty() bool { return true }

// Encode writes v, a message or a pointer to a pointer to one.
func (Codec) Encode(w io.Writer, v any) error {
	m, err := message(v, false)
	if err != nil {
		return err
	}
	body, err := proto.Marshal(m)
	if err == nil {
		_, err = w.Write(body)
	}
	return err
}

// Decode fills v, a message or a pointer to a pointer to one. Malformed data is
// 400; a v that is no message is 500.
func (c Codec) Decode(data []byte, v any) error {
	m, err := message(v, true)
	if err != nil {
		return tako.Wrap(500, err)
	}
	options := proto.UnmarshalOptions{RecursionLimit: c.MaxDepth, DiscardUnknown: c.DiscardUnknown}
	if options.RecursionLimit <= 0 {
		options.RecursionLimit = DefaultMaxDepth
	}
	if err := options.Unmarshal(data, m); err != nil {
		return codecbody.Malformed("the Protocol Buffers message is malformed, lacks a required field or is nested too deeply", err)
	}
	return nil
}

var messageType = reflect.TypeFor[proto.Message]()

// message returns the message that v is or points to. With fill, a nil pointer
// gets a message.
func message(v any, fill bool) (proto.Message, error) {
	if m, ok := v.(proto.Message); ok && !reflect.ValueOf(v).IsNil() {
		return m, nil
	}
	at := reflect.ValueOf(v)
	if at.Kind() != reflect.Pointer || at.IsNil() || !isMessage(at.Type().Elem()) {
		return nil, fmt.Errorf("protobuf: %T is no proto.Message", v)
	}
	at = at.Elem()
	if at.IsNil() {
		if !fill {
			return nil, fmt.Errorf("protobuf: the message is nil: %T", v)
		}
		at.Set(reflect.New(at.Type().Elem()))
	}
	return at.Interface().(proto.Message), nil
}

// isMessage reports whether t is a pointer to a generated message.
func isMessage(t reflect.Type) bool { return t.Kind() == reflect.Pointer && t.Implements(messageType) }
