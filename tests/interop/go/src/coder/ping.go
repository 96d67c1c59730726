package main

import (
	"context"
	"fmt"
	"time"

	"lines"

	"nhooyr.io/websocket"
)

const (
	echoes = 100
	pings  = 50
)

// Pings from a ticker beside the messages. Asked for its pongs, the server answers once five of them have arrived, and
// pings no more: this client cannot answer a ping once it has sent its close frame.
func pingServe(ctx context.Context, conn *websocket.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asked, enough := make(chan struct{}), make(chan struct{})
	go func() {
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		stop := (chan struct{})(nil)
		for pongs := 1; ; pongs++ {
			select {
			case <-ctx.Done():
				return
			case <-stop:
				close(enough)
				return
			case <-ticker.C:
			}
			if conn.Ping(ctx) != nil {
				return
			}
			if pongs == 5 {
				stop = asked
			}
		}
	}()
	for {
		kind, payload, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if string(payload) == "pongs?" {
			close(asked)
			go func() {
				select {
				case <-ctx.Done():
				case <-enough:
					_ = conn.Write(ctx, kind, payload)
				}
			}()
			continue
		}
		if err := conn.Write(ctx, kind, payload); err != nil {
			return
		}
	}
}

func pingDial(ctx context.Context, conn *websocket.Conn) error {
	failed := make(chan error, 2)
	go func() {
		for number := 0; number < pings; number++ {
			if err := conn.Ping(ctx); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	go func() {
		for number := 0; number < echoes; number++ {
			if err := conn.Write(ctx, websocket.MessageText, []byte(fmt.Sprintf("message %d", number))); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	for number := 0; number < echoes; number++ {
		if err := expect(ctx, conn, fmt.Sprintf("message %d", number)); err != nil {
			return err
		}
	}
	lines.Say("echoes", echoes)
	// Pings wait for their pongs, and those for a reader.
	answered := make(chan error, 1)
	go func() { answered <- expect(ctx, conn, "pongs?") }()
	for range [2]int{} {
		if err := <-failed; err != nil {
			return err
		}
	}
	lines.Say("pongs", pings)
	if err := conn.Write(ctx, websocket.MessageText, []byte("pongs?")); err != nil {
		return err
	}
	if err := <-answered; err != nil {
		return err
	}
	return goodbye(ctx, conn)
}

func expect(ctx context.Context, conn *websocket.Conn, wanted string) error {
	_, payload, err := conn.Read(ctx)
	if err == nil && string(payload) != wanted {
		err = fmt.Errorf("got %q, not %q", payload, wanted)
	}
	return err
}
