package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"lines"

	"github.com/gorilla/websocket"
)

const (
	echoes = 100
	pings  = 50
)

// Pings from a ticker beside the messages: control frames may be written from anywhere. Asked for its pongs, the server
// answers once five of them have arrived.
func pingServe(conn *websocket.Conn) {
	var pongs int32
	enough := make(chan struct{})
	conn.SetPongHandler(func(string) error {
		if atomic.AddInt32(&pongs, 1) == 5 {
			close(enough)
		}
		return nil
	})
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
				if conn.WriteControl(websocket.PingMessage, []byte("tick"), time.Now().Add(time.Second)) != nil {
					return
				}
			}
		}
	}()
	// One writer: the answer about pongs must not wait in the loop that reads them.
	replies := make(chan []byte, echoes)
	go func() {
		for {
			select {
			case <-ended:
				return
			case reply := <-replies:
				if string(reply) == "pongs?" {
					select {
					case <-ended:
						return
					case <-enough:
					}
				}
				if conn.WriteMessage(websocket.TextMessage, reply) != nil {
					return
				}
			}
		}
	}()
	for {
		_, payload, err := conn.ReadMessage()
		if err != nil {
			return
		}
		replies <- payload
	}
}

func pingDial(url string) error {
	conn, err := connect(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	pongs := 0
	conn.SetPongHandler(func(payload string) error {
		if wanted := fmt.Sprint(pongs); payload != wanted {
			return fmt.Errorf("pong %q, not %q", payload, wanted)
		}
		pongs++
		return nil
	})
	failed := make(chan error, 2)
	go func() {
		for number := 0; number < pings; number++ {
			if err := conn.WriteControl(websocket.PingMessage, []byte(fmt.Sprint(number)), time.Now().Add(5*time.Second)); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	go func() {
		for number := 0; number < echoes; number++ {
			if err := conn.WriteMessage(websocket.TextMessage, []byte(fmt.Sprintf("message %d", number))); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	for number := 0; number < echoes; number++ {
		if err := expect(conn, fmt.Sprintf("message %d", number)); err != nil {
			return err
		}
	}
	lines.Say("echoes", echoes)
	for range [2]int{} {
		if err := <-failed; err != nil {
			return err
		}
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte("pongs?")); err != nil {
		return err
	}
	if err := expect(conn, "pongs?"); err != nil {
		return err
	}
	// Pongs travel in order, and this answer was asked for behind the last ping.
	lines.Say("pongs", pongs)
	return goodbye(conn)
}

func expect(conn *websocket.Conn, wanted string) error {
	_, payload, err := conn.ReadMessage()
	if err == nil && string(payload) != wanted {
		err = fmt.Errorf("got %q, not %q", payload, wanted)
	}
	return err
}
