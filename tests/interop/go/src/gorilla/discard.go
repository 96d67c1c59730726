package main

import (
	"fmt"
	"time"

	"lines"

	"github.com/gorilla/websocket"
)

const ticks = 100

// A server that only sends: what arrives is read, because pings and the close frame are among it, and thrown away.
func discardServe(conn *websocket.Conn) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if _, _, err := conn.NextReader(); err != nil {
				return
			}
		}
	}()
	for number := 0; number < ticks; number++ {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(fmt.Sprintf("tick %d", number))); err != nil {
			return
		}
	}
	<-ended
}

func discardDial(url string) error {
	conn, err := connect(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	sent := make(chan error, 1)
	go func() { sent <- sendJunk(conn) }()
	for number := 0; number < ticks; number++ {
		_, payload, err := conn.ReadMessage()
		if err != nil {
			return err
		}
		if wanted := fmt.Sprintf("tick %d", number); string(payload) != wanted {
			return fmt.Errorf("got %q, not %q", payload, wanted)
		}
	}
	lines.Say("ticks", ticks)
	if err := <-sent; err != nil {
		return err
	}
	// The pong proves that the other end has read all of it.
	conn.SetPongHandler(func(payload string) error {
		lines.Say("pong", payload)
		return conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, "done"), time.Now().Add(5*time.Second))
	})
	if err := conn.WriteControl(websocket.PingMessage, []byte("still there?"), time.Now().Add(5*time.Second)); err != nil {
		return err
	}
	_, _, err = conn.ReadMessage()
	return farewell(err)
}

func sendJunk(conn *websocket.Conn) error {
	for number := 0; number < 200; number++ {
		if err := conn.WriteMessage(websocket.BinaryMessage, lines.Pattern(5000, number)); err != nil {
			return err
		}
	}
	return nil
}
