// Package lines is how the Go peers are told what to do and report what happens: one JSON object a line.
package lines

import (
	"bufio"
	"crypto/sha1"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
)

// Longer texts are reported by length and hash.
const short = 64

var out sync.Mutex

// Say reports an event.
func Say(name string, value interface{}) {
	line, err := json.Marshal(map[string]interface{}{name: value})
	if err != nil {
		panic(err)
	}
	out.Lock()
	defer out.Unlock()
	fmt.Printf("%s\n", line)
}

// Command is what one line asks for, under its name, and whatever comes with it.
type Command map[string]json.RawMessage

// Get reads the value under a name into a variable.
func (c Command) Get(name string, into interface{}) error {
	return json.Unmarshal(c[name], into)
}

// Commands calls carry for each line of standard input, and reports what goes wrong.
func Commands(carry func(Command) error) {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var command Command
		if err = json.Unmarshal(line, &command); err == nil {
			err = carry(command)
		}
		if err != nil {
			Say("error", err.Error())
		}
	}
}

// Pattern is the payload that send_binary means.
func Pattern(length, seed int) []byte {
	payload := make([]byte, length)
	for index := range payload {
		payload[index] = byte((seed + index) % 251)
	}
	return payload
}

// Hash describes bytes by their number and their SHA-1.
func Hash(payload []byte) string {
	return fmt.Sprintf("%d bytes, sha1 %x", len(payload), sha1.Sum(payload))
}

// Text describes a text: short ones as they are.
func Text(payload []byte) string {
	if len(payload) <= short {
		return string(payload)
	}
	return Hash(payload)
}

// HashOf reads to the end and describes what it read.
func HashOf(reader io.Reader) (string, error) {
	hash := sha1.New()
	count, err := io.Copy(hash, reader)
	return fmt.Sprintf("%d bytes, sha1 %x", count, hash.Sum(nil)), err
}

// Options are the flags of the endpoint and of every program.
type Options struct {
	Listen, Dial string
	Subprotocols []string
}

type list []string

func (l *list) String() string           { return strings.Join(*l, ",") }
func (l *list) Set(element string) error { *l = append(*l, element); return nil }

// Parse reads the flags that follow the program's name.
func Parse(args []string) Options {
	var options Options
	flags := flag.NewFlagSet("peer", flag.ExitOnError)
	flags.StringVar(&options.Listen, "listen", "", "serve on HOST:PORT")
	flags.StringVar(&options.Dial, "dial", "", "be the client of this URL")
	flags.Var((*list)(&options.Subprotocols), "subprotocol", "a subprotocol the server speaks; may be repeated")
	_ = flags.Parse(args)
	return options
}

// Listen binds the address and says which port it got.
func Listen(address string) net.Listener {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		Fail(err)
	}
	Say("listening", listener.Addr().(*net.TCPAddr).Port)
	return listener
}

// UntilStdinEnds waits for whoever started this program to be done with it.
func UntilStdinEnds() {
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// Fail ends the program.
func Fail(why interface{}) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
