package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"lines"

	"github.com/gorilla/websocket"
)

// Whole messages: read one, send it back.
func echoServe(conn *websocket.Conn) {
	for {
		kind, payload, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if err := conn.WriteMessage(kind, payload); err != nil {
			return
		}
	}
}

func echoDial(url string) error {
	conn, err := connect(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, text := range []string{"hello", "", "žluťoučký kůň €𝄞", strings.Repeat("x", 126)} {
		if err := echoOne(conn, websocket.TextMessage, []byte(text)); err != nil {
			return err
		}
	}
	for _, length := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
		if err := echoOne(conn, websocket.BinaryMessage, lines.Pattern(length, 7)); err != nil {
			return err
		}
	}
	return goodbye(conn)
}

func echoOne(conn *websocket.Conn, kind int, payload []byte) error {
	if err := conn.WriteMessage(kind, payload); err != nil {
		return err
	}
	gotKind, got, err := conn.ReadMessage()
	if err != nil {
		return err
	}
	if gotKind != kind || !bytes.Equal(got, payload) {
		return fmt.Errorf("sent kind %d, %s; got kind %d, %s", kind, lines.Hash(payload), gotKind, lines.Hash(got))
	}
	if kind == websocket.TextMessage {
		lines.Say("text", lines.Text(got))
	} else {
		lines.Say("binary", lines.Hash(got))
	}
	return nil
}

// goodbye begins the closing handshake and says how it ended.
func goodbye(conn *websocket.Conn) error {
	frame := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "done")
	if err := conn.WriteControl(websocket.CloseMessage, frame, time.Now().Add(5*time.Second)); err != nil {
		return err
	}
	for {
		if _, _, err := conn.NextReader(); err != nil {
			return farewell(err)
		}
	}
}

// farewell says which code the connection ended with; an end without one is an error.
func farewell(err error) error {
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code == websocket.CloseAbnormalClosure {
		return fmt.Errorf("the connection did not end by a closing handshake: %w", err)
	}
	lines.Say("closed", closed.Code)
	return nil
}
