package main

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"lines"

	"github.com/gorilla/websocket"
)

const (
	members     = 3
	perMember   = 20
	queueLength = 256
)

// A member of the room: a queue that its own writer empties. One that does not keep up is thrown out.
type member struct {
	conn  *websocket.Conn
	queue chan []byte
}

// The hub owns the list of members; everyone else asks it.
type hub struct {
	joins, leaves chan *member
	posts         chan []byte
}

var room = func() *hub {
	h := &hub{make(chan *member), make(chan *member), make(chan []byte)}
	go h.run()
	return h
}()

func (h *hub) run() {
	present := map[*member]bool{}
	remove := func(m *member) {
		if present[m] {
			delete(present, m)
			close(m.queue)
		}
	}
	for {
		select {
		case m := <-h.joins:
			present[m] = true
		case m := <-h.leaves:
			remove(m)
		case post := <-h.posts:
			for m := range present {
				select {
				case m.queue <- post:
				default:
					remove(m)
				}
			}
		}
	}
}

func chatServe(conn *websocket.Conn) {
	m := &member{conn, make(chan []byte, queueLength)}
	room.joins <- m
	go m.write()
	defer func() { room.leaves <- m }()
	conn.SetReadLimit(512)
	for {
		_, payload, err := conn.ReadMessage()
		if err != nil {
			return
		}
		room.posts <- payload
	}
}

func (m *member) write() {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		_ = m.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
		select {
		case post, open := <-m.queue:
			if !open {
				_ = m.conn.WriteMessage(websocket.CloseMessage, nil)
				return
			}
			if m.conn.WriteMessage(websocket.TextMessage, post) != nil {
				return
			}
		case <-ticker.C:
			if m.conn.WriteMessage(websocket.PingMessage, nil) != nil {
				return
			}
		}
	}
}

func chatDial(url string) error {
	var conns []*websocket.Conn
	for number := 0; number < members; number++ {
		conn, err := connect(url)
		if err != nil {
			return err
		}
		defer conn.Close()
		conns = append(conns, conn)
		// Who reads their own words is in the room; the others read them too.
		joined := fmt.Sprintf("%d joined", number)
		if err := conn.WriteMessage(websocket.TextMessage, []byte(joined)); err != nil {
			return err
		}
		for _, each := range conns {
			if err := expect(each, joined); err != nil {
				return err
			}
		}
	}
	heard := make([][]string, members)
	failed := make(chan error, 2*members)
	var talk sync.WaitGroup
	for number, conn := range conns {
		number, conn := number, conn
		talk.Add(2)
		go func() {
			defer talk.Done()
			for count := 0; count < perMember; count++ {
				if err := conn.WriteMessage(websocket.TextMessage, []byte(fmt.Sprintf("%d: %d", number, count))); err != nil {
					failed <- err
					return
				}
			}
		}()
		go func() {
			defer talk.Done()
			for len(heard[number]) < members*perMember {
				_, payload, err := conn.ReadMessage()
				if err != nil {
					failed <- err
					return
				}
				heard[number] = append(heard[number], string(payload))
			}
		}()
	}
	talk.Wait()
	close(failed)
	for err := range failed {
		return err
	}
	for number := range conns {
		if !reflect.DeepEqual(heard[number], heard[0]) {
			return fmt.Errorf("member %d and member 0 heard the posts in another order", number)
		}
		if err := inOrder(heard[0], number); err != nil {
			return err
		}
	}
	lines.Say("heard by each", len(heard[0]))
	for _, conn := range conns {
		if err := goodbye(conn); err != nil {
			return err
		}
	}
	return nil
}

// inOrder checks that one member's posts were heard as they were sent.
func inOrder(heard []string, number int) error {
	next := 0
	for _, post := range heard {
		if strings.HasPrefix(post, fmt.Sprintf("%d: ", number)) {
			if post != fmt.Sprintf("%d: %d", number, next) {
				return fmt.Errorf("post %q came where number %d was due", post, next)
			}
			next++
		}
	}
	if next != perMember {
		return fmt.Errorf("of member %d, %d posts were heard", number, next)
	}
	return nil
}
