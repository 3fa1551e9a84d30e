package local

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	lineWindow = time.Minute // the span in which only so many lines are passed on
	lineLimit  = 600         // lines of a program in one window
	lastWords  = time.Second // how long the output of a program that has ended is waited for
)

// output passes on what a program writes, line by line, and no more than the hub's log can bear.
type output struct {
	from    *os.File
	secrets []string
	line    func(string)

	window  time.Time // when it began
	passed  int       // lines in this window
	dropped int       // lines since the limit was reached
}

func newOutput(from *os.File, secrets []string, line func(string)) *output {
	return &output{from: from, secrets: secrets, line: line}
}

// read passes lines on until the last writer is gone, or stop was called.
func (o *output) read() {
	defer o.from.Close()
	lines := bufio.NewReaderSize(o.from, 4*lineBytes)
	for {
		text, err := lines.ReadSlice('\n')
		o.pass(strings.TrimRight(string(text), "\r\n"))
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a line that is too long
			_, err = lines.ReadSlice('\n')
		}
		if err != nil {
			o.confess()
			return
		}
	}
}

// stop ends read soon, even if somebody still holds the other end.
func (o *output) stop() { _ = o.from.SetReadDeadline(time.Now().Add(lastWords)) } // fails only when read has ended

func (o *output) pass(text string) {
	if text == "" {
		return
	}
	if now := time.Now(); now.Sub(o.window) >= lineWindow {
		o.confess()
		o.window, o.passed = now, 0
	}
	if o.passed >= lineLimit {
		o.dropped++
		return
	}
	o.passed++
	text = mask(text, o.secrets) // before it is cut, so that no part of a secret stays
	o.line(strings.ToValidUTF8(text[:min(len(text), lineBytes)], "�"))
}

// confess says how many lines were left out.
func (o *output) confess() {
	if o.dropped > 0 {
		o.line(fmt.Sprintf("(%d more lines were left out: a program has %d in %s)", o.dropped, lineLimit, lineWindow))
		o.dropped = 0
	}
}
