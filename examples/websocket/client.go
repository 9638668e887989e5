package main

import (
	"context"
	"errors"

	"github.com/tako-go/tako/stream/ws"
)

// ask sends one message, and returns the answer.
func ask(ctx context.Context, url, text string) (string, error) {
	c, _, err := ws.Dial(ctx, url, nil)
	if err != nil {
		return "", err
	}
	if err := c.Write(ctx, ws.Text, []byte(text)); err != nil {
		return "", errors.Join(err, c.CloseNow())
	}
	_, p, err := c.Read(ctx)
	return string(p), errors.Join(err, c.Close(ws.CodeNormal, ""))
}
