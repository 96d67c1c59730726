package main

import (
	"bytes"
	"io"
	"strings"

	"lines"

	"github.com/gorilla/websocket"
)

// Readers and writers: a message goes back while it still arrives, in as much memory as a buffer takes.
func streamServe(conn *websocket.Conn) {
	for {
		kind, reader, err := conn.NextReader()
		if err != nil {
			return
		}
		writer, err := conn.NextWriter(kind)
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

func streamDial(url string) error {
	conn, err := connect(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	messages := []struct {
		kind    int
		payload []byte
	}{
		{websocket.BinaryMessage, lines.Pattern(8<<20, 5)},
		{websocket.TextMessage, []byte(strings.Repeat("€uro𝄞", 50_000))},
		{websocket.TextMessage, nil},
	}
	for _, message := range messages {
		// The echo begins before the message is complete: someone has to read meanwhile.
		written := make(chan error, 1)
		go func() { written <- writeInPieces(conn, message.kind, message.payload) }()
		kind, reader, err := conn.NextReader()
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
		lines.Say(map[int]string{websocket.TextMessage: "text", websocket.BinaryMessage: "binary"}[kind], hash)
	}
	return goodbye(conn)
}

// Pieces of 10,007 bytes: no characters and no buffers end where they do.
func writeInPieces(conn *websocket.Conn, kind int, payload []byte) error {
	writer, err := conn.NextWriter(kind)
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
