package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"lines"

	"github.com/gorilla/websocket"
)

var (
	current *websocket.Conn
	guard   sync.Mutex
)

func endpoint(options lines.Options) {
	if options.Listen != "" {
		upgrader := websocket.Upgrader{Subprotocols: options.Subprotocols, EnableCompression: true}
		handler := func(w http.ResponseWriter, r *http.Request) {
			conn, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				lines.Say("error", err.Error())
				return
			}
			extensions := ""
			if strings.Contains(r.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate") {
				extensions = "permessage-deflate"
			}
			session(conn, extensions)
		}
		listener := lines.Listen(options.Listen)
		go func() { lines.Fail(http.Serve(listener, http.HandlerFunc(handler))) }()
	}
	lines.Commands(carry)
}

// session reports what arrives until the connection has ended.
func session(conn *websocket.Conn, extensions string) {
	guard.Lock()
	current = conn
	guard.Unlock()
	answer := conn.PingHandler()
	conn.SetPingHandler(func(payload string) error {
		lines.Say("ping", payload)
		return answer(payload)
	})
	conn.SetPongHandler(func(payload string) error {
		lines.Say("pong", payload)
		return nil
	})
	var subprotocol interface{}
	if conn.Subprotocol() != "" {
		subprotocol = conn.Subprotocol()
	}
	lines.Say("open", map[string]interface{}{"subprotocol": subprotocol, "extensions": extensions})
	for {
		kind, payload, err := conn.ReadMessage()
		var closed *websocket.CloseError
		switch {
		case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure:
			conn.Close()
			lines.Say("close", []interface{}{closed.Code, closed.Text})
			return
		case err != nil:
			conn.Close()
			lines.Say("lost", true)
			return
		case kind == websocket.TextMessage:
			lines.Say("text", lines.Text(payload))
		default:
			lines.Say("binary", lines.Hash(payload))
		}
	}
}

func carry(command lines.Command) error {
	if _, found := command["connect"]; found {
		return dial(command)
	}
	guard.Lock()
	conn := current
	guard.Unlock()
	if conn == nil {
		return errors.New("there is no connection")
	}
	for name, value := range command {
		switch name {
		case "send_text":
			var text string
			if err := json.Unmarshal(value, &text); err != nil {
				return err
			}
			return conn.WriteMessage(websocket.TextMessage, []byte(text))
		case "send_text_times":
			var unit string
			var times int
			if err := json.Unmarshal(value, &[]interface{}{&unit, &times}); err != nil {
				return err
			}
			return conn.WriteMessage(websocket.TextMessage, []byte(strings.Repeat(unit, times)))
		case "send_binary":
			var numbers [2]int
			if err := json.Unmarshal(value, &numbers); err != nil {
				return err
			}
			return conn.WriteMessage(websocket.BinaryMessage, lines.Pattern(numbers[0], numbers[1]))
		case "ping":
			var payload string
			if err := json.Unmarshal(value, &payload); err != nil {
				return err
			}
			return conn.WriteControl(websocket.PingMessage, []byte(payload), time.Now().Add(time.Second))
		case "close":
			code, reason := websocket.CloseNoStatusReceived, ""
			if err := json.Unmarshal(value, &[]interface{}{&code, &reason}); err != nil {
				return err
			}
			return conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
		case "drop":
			return conn.Close()
		}
	}
	return fmt.Errorf("unknown command %v", command)
}

func dial(command lines.Command) error {
	var url string
	dialer := websocket.Dialer{EnableCompression: true}
	if err := command.Get("connect", &url); err != nil {
		return err
	}
	if err := command.Get("subprotocols", &dialer.Subprotocols); err != nil {
		return err
	}
	conn, response, err := dialer.Dial(url, nil)
	if err != nil {
		return err
	}
	go session(conn, response.Header.Get("Sec-WebSocket-Extensions"))
	return nil
}
