package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// conn is one keep-alive connection of a client that costs little: it writes a request in one piece and reads an answer
// into memory that it uses again. It is made for servers that behave; for one goroutine at a time.
type conn struct {
	address string
	timeout time.Duration // for one request
	net     net.Conn
	in      *bufio.Reader
	out     []byte
	answer  answer
}

// answer is a server's answer. It is valid until the next request on its connection.
type answer struct {
	status int
	header []byte // the header's lines, each ended by \n
	body   []byte
	close  bool
	length int // -1: chunked or until the end
	chunks bool
}

// errOther is in errors of answers that are not what was asked for.
var errOther = errors.New("unexpected answer")

// do sends a request and reads the answer. header holds whole lines, each ended by \r\n. A connection that the server has
// closed since the last request is opened again, once.
func (c *conn) do(ctx context.Context, method, path, header string, body []byte) (*answer, error) {
	fresh := c.net == nil
	err := c.try(ctx, method, path, header, body)
	if err != nil && !fresh && (errors.Is(err, io.EOF) || isReset(err)) {
		err = c.try(ctx, method, path, header, body)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return &c.answer, nil
}

// want is do for a request that has one good answer.
func (c *conn) want(ctx context.Context, status int, method, path, header string, body []byte) (*answer, error) {
	a, err := c.do(ctx, method, path, header, body)
	if err != nil {
		return nil, err
	}
	if a.status != status {
		return nil, fmt.Errorf("%s %s: %w: status %d instead of %d: %.200s", method, path, errOther, a.status, status, a.body)
	}
	return a, nil
}

func (c *conn) try(ctx context.Context, method, path, header string, body []byte) error {
	if err := c.send(ctx, method, path, header, body); err != nil {
		c.shut()
		return err
	}
	if err := c.receive(); err != nil {
		c.shut()
		return err
	}
	if c.answer.close {
		c.shut()
	}
	return nil
}

// send opens the connection if there is none, and writes the request.
func (c *conn) send(ctx context.Context, method, path, header string, body []byte) error {
	if c.net == nil {
		d := net.Dialer{Timeout: c.timeout}
		n, err := d.DialContext(ctx, "tcp", c.address)
		if err != nil {
			return err
		}
		c.net, c.in = n, bufio.NewReaderSize(n, 8<<10)
	}
	if err := c.net.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return err
	}
	b := c.out[:0]
	b = append(b, method...)
	b = append(append(append(b, ' '), path...), " HTTP/1.1\r\nHost: "...)
	b = append(append(append(b, c.address...), "\r\n"...), header...)
	if len(body) > 0 || method == "POST" {
		b = strconv.AppendInt(append(b, "Content-Length: "...), int64(len(body)), 10)
		b = append(b, "\r\n"...)
	}
	c.out = append(append(b, "\r\n"...), body...)
	_, err := c.net.Write(c.out)
	return err
}

func (c *conn) shut() {
	if c.net != nil {
		_ = c.net.Close()
		c.net = nil
	}
}

// receive reads an answer.
func (c *conn) receive() error {
	if err := c.head(); err != nil {
		return err
	}
	a := &c.answer
	switch {
	case a.status == 204 || a.status == 304:
		return nil
	case a.chunks:
		return c.readChunks()
	case a.length >= 0:
		return c.readBody(a.length)
	default:
		rest, err := io.ReadAll(c.in)
		a.body, a.close = append(a.body, rest...), true
		return err
	}
}

// head reads the status line and the header.
func (c *conn) head() error {
	a := &c.answer
	*a = answer{header: a.header[:0], body: a.body[:0], length: -1}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return fmt.Errorf("%w: status line %.40q", errOther, line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return fmt.Errorf("%w: status line %.40q", errOther, line)
	}
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		a.header = append(a.header, line...)
		if err := a.note(line); err != nil {
			return err
		}
	}
}

// note keeps what a header line says about the framing.
func (a *answer) note(line []byte) (err error) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimSpace(value)
	switch {
	case bytes.EqualFold(name, []byte("content-length")):
		if a.length, err = strconv.Atoi(string(value)); err != nil || a.length < 0 {
			return fmt.Errorf("%w: Content-Length %.40q", errOther, value)
		}
	case bytes.EqualFold(name, []byte("transfer-encoding")):
		a.chunks = bytes.EqualFold(value, []byte("chunked"))
	case bytes.EqualFold(name, []byte("connection")):
		a.close = bytes.EqualFold(value, []byte("close"))
	}
	return nil
}

// readBody appends n bytes to the body.
func (c *conn) readBody(n int) error {
	a := &c.answer
	at := len(a.body)
	a.body = append(a.body, make([]byte, n)...)
	_, err := io.ReadFull(c.in, a.body[at:])
	return err
}

func (c *conn) readChunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil || n < 0 {
			return fmt.Errorf("%w: chunk length %.40q", errOther, line)
		}
		if err := c.readBody(int(n)); err != nil {
			return err
		}
		if _, err := c.in.Discard(2); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}

// value is the value of the first header line of that name, empty if there is none.
func (a *answer) value(name string) string {
	for line := range bytes.Lines(a.header) {
		if key, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(key, []byte(name)) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// cookies adds the cookies that the answer sets to jar, as name to raw value.
func (a *answer) cookies(jar map[string]string) {
	for line := range bytes.Lines(a.header) {
		key, value, _ := bytes.Cut(line, []byte(":"))
		if !bytes.EqualFold(key, []byte("set-cookie")) {
			continue
		}
		pair, _, _ := bytes.Cut(value, []byte(";"))
		if name, v, ok := bytes.Cut(bytes.TrimSpace(pair), []byte("=")); ok {
			jar[string(name)] = string(v)
		}
	}
}

// isReset says whether the other end was found gone.
func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}
