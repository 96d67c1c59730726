package main

import (
	"bytes"
	"context"
	"io"
	"strings"

	"lines"

	"nhooyr.io/websocket"
)

// Readers and writers: a message goes back while it still arrives.
func streamServe(ctx context.Context, conn *websocket.Conn) {
	for {
		kind, reader, err := conn.Reader(ctx)
		if err != nil {
			return
		}
		writer, err := conn.Writer(ctx, kind)
		if err != nil {
			return
		}
		if _, err := io.Copy(writer, reader); err != nil {
			return
		}
		if err := writer.Close(); err != nil {
			return
		}
	}
}

func streamDial(ctx context.Context, conn *websocket.Conn) error {
	messages := []struct {
		kind    websocket.MessageType
		payload []byte
	}{
		{websocket.MessageBinary, lines.Pattern(8<<20, 5)},
		{websocket.MessageText, []byte(strings.Repeat("€uro𝄞", 50_000))},
		{websocket.MessageText, nil},
	}
	for _, message := range messages {
		// The echo begins before the message is complete: someone has to read meanwhile.
		written := make(chan error, 1)
		go func() { written <- writeInPieces(ctx, conn, message.kind, message.payload) }()
		kind, reader, err := conn.Reader(ctx)
		if err != nil {
			return err
		}
		hash, err := lines.HashOf(reader)
		if err != nil {
			return err
		}
		if err := <-written; err != nil {
			return err
		}
		lines.Say(map[websocket.MessageType]string{websocket.MessageText: "text", websocket.MessageBinary: "binary"}[kind], hash)
	}
	return goodbye(ctx, conn)
}

// Pieces of 10,007 bytes: no characters and no buffers end where they do.
func writeInPieces(ctx context.Context, conn *websocket.Conn, kind websocket.MessageType, payload []byte) error {
	writer, err := conn.Writer(ctx, kind)
	if err != nil {
		return err
	}
	for rest := bytes.NewReader(payload); rest.Len() > 0; {
		if _, err := io.CopyN(writer, rest, 10_007); err != nil && err != io.EOF {
			return err
		}
	}
	return writer.Close()
}
