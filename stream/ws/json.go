package ws

import (
	"bytes"
	"context"
	"fmt"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/wsframe"
)

// ReadJSON reads the next message and decodes it, as strictly as [tako.JSONCodec], and checks it
// as the body of a typed handler: the rules in its tags, the router's formats and validator, and its
// method Validate. A message that is wrong is an error of type [*tako.Error], 400 or 422, after which the socket may be used
// on. Other errors are those of [Conn.Read].
func ReadJSON[T any](ctx context.Context, c *Conn) (v T, err error) {
	_, readErr := c.message(ctx, func(ev wsframe.Event) { err = c.decode(ctx, ev.Data, &v) })
	if readErr != nil {
		err = readErr
	}
	return v, err
}

// WriteJSON sends v as text, by [Conn.Write].
func WriteJSON(ctx context.Context, c *Conn, v any) error {
	return encode(v, func(p []byte) error { return c.Write(ctx, Text, p) })
}

// SendJSON sends v as text, by [Conn.Send].
func SendJSON(c *Conn, v any) error {
	return encode(v, func(p []byte) error { return c.Send(Text, p) })
}

// PrepareJSON makes a message for many of v.
func PrepareJSON(v any) (p *Prepared, err error) {
	err = encode(v, func(text []byte) error {
		p = Prepare(Text, text)
		return nil
	})
	return p, err
}

func encode(v any, use func(p []byte) error) error {
	buf := newBuffer(0)
	defer buf.free()
	text := bytes.NewBuffer(buf.b)
	if err := (tako.JSONCodec{}).Encode(text, v); err != nil {
		return fmt.Errorf("ws: encode message: %w", err)
	}
	buf.b = text.Bytes()
	return use(buf.b)
}

// decode decodes a message and checks it.
func (c *Conn) decode(ctx context.Context, data []byte, v any) error {
	if err := (tako.JSONCodec{}).Decode(data, v); err != nil {
		return err
	}
	return c.rules.Check(ctx, v, data)
}
