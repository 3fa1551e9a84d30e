// Command trivial is the least that a hub takes for a single-user server: it answers each GET below its prefix with 1 KiB.
//
// It leaves a file in the folder BENCH_DIR, named after its OAuth client, that holds its process id and its API token, so
// that the benchmark can act as this server and end it.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	fmt.Fprintln(os.Stderr, "trivial:", run(context.Background()))
	os.Exit(1)
}

// run serves until something fails.
func run(ctx context.Context) error {
	u, err := url.Parse(os.Getenv("JUPYTERHUB_SERVICE_URL"))
	if err != nil || u.Host == "" {
		return fmt.Errorf("JUPYTERHUB_SERVICE_URL must be http://HOST:PORT/PREFIX/, not %q", os.Getenv("JUPYTERHUB_SERVICE_URL"))
	}
	if err := tell(os.Getenv("BENCH_DIR"), os.Getenv("JUPYTERHUB_CLIENT_ID"), os.Getenv("JUPYTERHUB_API_TOKEN")); err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", u.Host)
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go serve(c, u.Path)
	}
}

// tell writes the file in one step, so that nobody reads half of it.
func tell(dir, client, token string) error {
	text := fmt.Sprintf("%d %s\n", os.Getpid(), token)
	part := filepath.Join(dir, fmt.Sprintf(".%d", os.Getpid()))
	if err := os.WriteFile(part, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(dir, client))
}

// serve answers the requests of one connection. It ends the connection at anything but a GET or HEAD without a body.
func serve(c net.Conn, prefix string) {
	defer c.Close()
	body := strings.Repeat("0123456789abcde\n", 64)
	found := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	absent := []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		method, rest, _ := bytes.Cut(line, []byte(" "))
		reply := absent
		if bytes.HasPrefix(rest, []byte(prefix)) {
			reply = found
		}
		head := bytes.Equal(method, []byte("HEAD"))
		if !head && !bytes.Equal(method, []byte("GET")) {
			return
		}
		if !skipHeader(in) {
			return
		}
		if head {
			reply = reply[:bytes.Index(reply, []byte("\r\n\r\n"))+4]
		}
		if _, err := c.Write(reply); err != nil {
			return
		}
	}
}

// skipHeader reads up to the empty line; false if there is none or a body follows.
func skipHeader(in *bufio.Reader) bool {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return false
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return true
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("transfer-encoding")) || (bytes.EqualFold(name, []byte("content-length")) && string(bytes.TrimSpace(value)) != "0") {
			return false
		}
	}
}
