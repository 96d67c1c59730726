package main

import (
	"context"
	"fmt"

	"lines"

	"nhooyr.io/websocket"
)

const ticks = 20

// A server that only sends and expects nothing: a message to it ends the connection with 1008.
func closeReadServe(ctx context.Context, conn *websocket.Conn) {
	ctx = conn.CloseRead(ctx)
	for number := 0; number < ticks; number++ {
		if err := conn.Write(ctx, websocket.MessageText, []byte(fmt.Sprintf("tick %d", number))); err != nil {
			return
		}
	}
	<-ctx.Done()
}

func closeReadDial(ctx context.Context, conn *websocket.Conn) error {
	for number := 0; number < ticks; number++ {
		_, payload, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		if wanted := fmt.Sprintf("tick %d", number); string(payload) != wanted {
			return fmt.Errorf("got %q, not %q", payload, wanted)
		}
	}
	lines.Say("ticks", ticks)
	ended := make(chan error, 1)
	go func() {
		_, _, err := conn.Read(ctx)
		ended <- err
	}()
	if err := conn.Ping(ctx); err != nil {
		return err
	}
	lines.Say("pong", true)
	if err := conn.Write(ctx, websocket.MessageText, []byte("are you listening?")); err != nil {
		return err
	}
	return farewell(<-ended)
}
