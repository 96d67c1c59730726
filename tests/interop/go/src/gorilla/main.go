// Command gorilla is gorilla/websocket as a peer: `gorilla endpoint` takes commands, the other programs are what its
// documentation shows. With -listen they serve, with -dial they are the client and say what they saw.
package main

import (
	"net/http"
	"os"

	"lines"

	"github.com/gorilla/websocket"
)

// A program is a handler for each connection of a server, and a client that ends by itself.
type program struct {
	serve func(*websocket.Conn)
	dial  func(url string) error
}

var programs = map[string]program{
	"chat":    {chatServe, chatDial},
	"discard": {discardServe, discardDial},
	"echo":    {echoServe, echoDial},
	"ping":    {pingServe, pingDial},
	"stream":  {streamServe, streamDial},
}

func main() {
	if len(os.Args) < 2 {
		lines.Fail("usage: gorilla PROGRAM (-listen HOST:PORT | -dial URL)")
	}
	name, options := os.Args[1], lines.Parse(os.Args[2:])
	if name == "endpoint" {
		endpoint(options)
		return
	}
	chosen, known := programs[name]
	switch {
	case !known:
		lines.Fail("there is no program " + name)
	case options.Listen != "":
		upgrader := websocket.Upgrader{}
		handler := func(w http.ResponseWriter, r *http.Request) {
			conn, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			defer conn.Close()
			chosen.serve(conn)
		}
		listener := lines.Listen(options.Listen)
		go func() { lines.Fail(http.Serve(listener, http.HandlerFunc(handler))) }()
		lines.UntilStdinEnds()
	default:
		if err := chosen.dial(options.Dial); err != nil {
			lines.Fail(err)
		}
	}
}

// connect is what every client begins with.
func connect(url string) (*websocket.Conn, error) {
	conn, _, err := websocket.DefaultDialer.Dial(url, nil)
	return conn, err
}
