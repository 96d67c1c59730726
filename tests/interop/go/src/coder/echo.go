package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"lines"

	"nhooyr.io/websocket"
)

// Whole messages: read one, send it back.
func echoServe(ctx context.Context, conn *websocket.Conn) {
	for {
		kind, payload, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if err := conn.Write(ctx, kind, payload); err != nil {
			return
		}
	}
}

func echoDial(ctx context.Context, conn *websocket.Conn) error {
	for _, text := range []string{"hello", "", "žluťoučký kůň €𝄞", strings.Repeat("x", 126)} {
		if err := echoOne(ctx, conn, websocket.MessageText, []byte(text)); err != nil {
			return err
		}
	}
	for _, length := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
		if err := echoOne(ctx, conn, websocket.MessageBinary, lines.Pattern(length, 7)); err != nil {
			return err
		}
	}
	return goodbye(ctx, conn)
}

func echoOne(ctx context.Context, conn *websocket.Conn, kind websocket.MessageType, payload []byte) error {
	if err := conn.Write(ctx, kind, payload); err != nil {
		return err
	}
	gotKind, got, err := conn.Read(ctx)
	if err != nil {
		return err
	}
	if gotKind != kind || !bytes.Equal(got, payload) {
		return fmt.Errorf("sent %v, %s; got %v, %s", kind, lines.Hash(payload), gotKind, lines.Hash(got))
	}
	if kind == websocket.MessageText {
		lines.Say("text", lines.Text(got))
	} else {
		lines.Say("binary", lines.Hash(got))
	}
	return nil
}

// goodbye runs the closing handshake and says how it ended.
func goodbye(ctx context.Context, conn *websocket.Conn) error {
	if err := conn.Close(websocket.StatusNormalClosure, "done"); err != nil {
		return err
	}
	_, _, err := conn.Read(ctx)
	return farewell(err)
}

// farewell says which code the connection ended with; an end without one is an error.
func farewell(err error) error {
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		return fmt.Errorf("the connection did not end by a closing handshake: %w", err)
	}
	lines.Say("closed", int(closed.Code))
	return nil
}
