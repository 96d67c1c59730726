package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"lines"

	"nhooyr.io/websocket"
)

// connection is what commands act on; dropping it is cancelling what its reader waits for.
type connection struct {
	*websocket.Conn
	drop context.CancelFunc
}

var (
	current connection
	guard   sync.Mutex
)

func endpoint(options lines.Options) {
	if options.Listen != "" {
		accept := websocket.AcceptOptions{Subprotocols: options.Subprotocols}
		handler := func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, &accept)
			if err != nil {
				lines.Say("error", err.Error())
				return
			}
			session(conn, w.Header().Get("Sec-WebSocket-Extensions"))
		}
		listener := lines.Listen(options.Listen)
		go func() { lines.Fail(http.Serve(listener, http.HandlerFunc(handler))) }()
	}
	lines.Commands(carry)
}

// session reports what arrives until the connection has ended.
func session(conn *websocket.Conn, extensions string) {
	ctx, drop := context.WithCancel(context.Background())
	defer drop()
	conn.SetReadLimit(readLimit)
	guard.Lock()
	current = connection{conn, drop}
	guard.Unlock()
	var subprotocol interface{}
	if conn.Subprotocol() != "" {
		subprotocol = conn.Subprotocol()
	}
	lines.Say("open", map[string]interface{}{"subprotocol": subprotocol, "extensions": extensions})
	for {
		kind, payload, err := conn.Read(ctx)
		var closed websocket.CloseError
		switch {
		case errors.As(err, &closed):
			lines.Say("close", []interface{}{closed.Code, closed.Reason})
			return
		case err != nil:
			lines.Say("lost", true)
			return
		case kind == websocket.MessageText:
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
	if conn.Conn == nil {
		return errors.New("there is no connection")
	}
	ctx := context.Background()
	for name, value := range command {
		switch name {
		case "send_text":
			var text string
			if err := json.Unmarshal(value, &text); err != nil {
				return err
			}
			return conn.Write(ctx, websocket.MessageText, []byte(text))
		case "send_text_times":
			var unit string
			var times int
			if err := json.Unmarshal(value, &[]interface{}{&unit, &times}); err != nil {
				return err
			}
			return conn.Write(ctx, websocket.MessageText, []byte(strings.Repeat(unit, times)))
		case "send_binary":
			var numbers [2]int
			if err := json.Unmarshal(value, &numbers); err != nil {
				return err
			}
			return conn.Write(ctx, websocket.MessageBinary, lines.Pattern(numbers[0], numbers[1]))
		case "send_fragments":
			var message struct {
				Kind  string
				Parts []string
			}
			if err := json.Unmarshal(value, &message); err != nil {
				return err
			}
			kind := websocket.MessageBinary
			if message.Kind == "text" {
				kind = websocket.MessageText
			}
			return fragments(ctx, conn.Conn, kind, message.Parts)
		case "close":
			code, reason := websocket.StatusNoStatusRcvd, ""
			if err := json.Unmarshal(value, &[]interface{}{&code, &reason}); err != nil {
				return err
			}
			// It waits for the answer, which the session's reader gets; commands must go on.
			go conn.Close(code, reason)
			return nil
		case "drop":
			conn.drop()
			return nil
		}
	}
	return fmt.Errorf("unknown command %v", command)
}

// fragments writes each part as a frame; an empty one ends the message.
func fragments(ctx context.Context, conn *websocket.Conn, kind websocket.MessageType, parts []string) error {
	writer, err := conn.Writer(ctx, kind)
	if err != nil {
		return err
	}
	for _, part := range parts {
		payload, err := hex.DecodeString(part)
		if err != nil {
			return err
		}
		if _, err := writer.Write(payload); err != nil {
			return err
		}
	}
	return writer.Close()
}

func dial(command lines.Command) error {
	var url string
	var options websocket.DialOptions
	if err := command.Get("connect", &url); err != nil {
		return err
	}
	if err := command.Get("subprotocols", &options.Subprotocols); err != nil {
		return err
	}
	conn, response, err := websocket.Dial(context.Background(), url, &options)
	if err != nil {
		return err
	}
	go session(conn, response.Header.Get("Sec-WebSocket-Extensions"))
	return nil
}
