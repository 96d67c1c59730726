// Serves with gorilla, set up as in its echo and chat examples. Ends with its standard input.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/gorilla/websocket"
)

var upgrader = websocket.Upgrader{}

func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if err := conn.WriteMessage(kind, message); err != nil {
			return
		}
	}
}

// A channel and a goroutine that writes for each connection.
type hub struct {
	mutex   sync.Mutex
	inboxes map[*websocket.Conn]chan *websocket.PreparedMessage
}

func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	inbox := make(chan *websocket.PreparedMessage, 256)
	h.mutex.Lock()
	h.inboxes[conn] = inbox
	h.mutex.Unlock()
	go func() {
		for message := range inbox {
			if conn.WritePreparedMessage(message) != nil {
				break
			}
		}
		conn.Close()
	}()
	for {
		kind, data, err := conn.ReadMessage()
		if err != nil {
			break
		}
		message, err := websocket.NewPreparedMessage(kind, data)
		if err != nil {
			break
		}
		h.mutex.Lock()
		for _, each := range h.inboxes {
			each <- message
		}
		h.mutex.Unlock()
	}
	h.mutex.Lock()
	delete(h.inboxes, conn)
	h.mutex.Unlock()
	close(inbox)
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("listening on %v\n", listener.Addr())
	if os.Getenv("WS_BENCH_TRAFFIC") == "broadcast" {
		all := hub{inboxes: make(map[*websocket.Conn]chan *websocket.PreparedMessage)}
		http.HandleFunc("/ws", all.serve)
	} else {
		http.HandleFunc("/ws", echo)
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	panic(http.Serve(listener, nil))
}
