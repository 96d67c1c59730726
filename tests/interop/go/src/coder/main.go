// Command coder is coder/websocket as a peer, under the name that Debian's package still has: `coder endpoint` takes
// commands, the other programs are what its documentation shows. With -listen they serve, with -dial they are the
// client and say what they saw.
package main

import (
	"context"
	"net/http"
	"os"
	"time"

	"lines"

	"nhooyr.io/websocket"
)

// A program is a handler for each connection of a server, and a client that ends by itself.
type program struct {
	serve func(context.Context, *websocket.Conn)
	dial  func(context.Context, *websocket.Conn) error
}

var programs = map[string]program{
	"close-read": {closeReadServe, closeReadDial},
	"echo":       {echoServe, echoDial},
	"ping":       {pingServe, pingDial},
	"stream":     {streamServe, streamDial},
}

// The default of 32 KiB is too small for these sessions.
const readLimit = 64 << 20

func main() {
	if len(os.Args) < 2 {
		lines.Fail("usage: coder PROGRAM (-listen HOST:PORT | -dial URL)")
	}
	name, options := os.Args[1], lines.Parse(os.Args[2:])
	if name == "endpoint" {
		endpoint(options)
		return
	}
	chosen, known := programs[name]
	// No program takes longer: a context bounds whatever is asked of the connection.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	switch {
	case !known:
		lines.Fail("there is no program " + name)
	case options.Listen != "":
		handler := func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer conn.Close(websocket.StatusInternalError, "the handler has returned")
			conn.SetReadLimit(readLimit)
			chosen.serve(ctx, conn)
		}
		listener := lines.Listen(options.Listen)
		go func() { lines.Fail(http.Serve(listener, http.HandlerFunc(handler))) }()
		lines.UntilStdinEnds()
	default:
		conn, _, err := websocket.Dial(ctx, options.Dial, nil)
		if err != nil {
			lines.Fail(err)
		}
		conn.SetReadLimit(readLimit)
		if err := chosen.dial(ctx, conn); err != nil {
			lines.Fail(err)
		}
	}
}
