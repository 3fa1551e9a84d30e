package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"berdlhub/internal/proxy"
)

// echoTarget answers WebSocket messages with themselves, and other requests with a word.
func echoTarget(t testing.TB) proxy.Route {
	return target(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			_, _ = io.WriteString(w, "plain")
			return
		}
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"v1.kernel.websocket.jupyter.org"}, InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		conn.SetReadLimit(-1)
		for {
			kind, data, err := conn.Read(context.WithoutCancel(r.Context()))
			if err != nil || conn.Write(context.WithoutCancel(r.Context()), kind, data) != nil {
				return
			}
		}
	})
}

func dialSocket(t testing.TB, base string) *websocket.Conn {
	t.Helper()
	conn, res, err := websocket.Dial(t.Context(), base+"/user/ada/api/kernels/1/channels?session_id=a;b", &websocket.DialOptions{
		Subprotocols: []string{"v1.kernel.websocket.jupyter.org"}, HTTPHeader: http.Header{"Cookie": {"jupyterhub-hub-login=S"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Body != nil {
		_ = res.Body.Close()
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(-1)
	return conn
}

func echo(t testing.TB, conn *websocket.Conn, message string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := conn.Read(t.Context()); err != nil || string(got) != message {
		t.Fatalf("%d bytes come back as %d, %v", len(message), len(got), err)
	}
}

func TestWebSocket(t *testing.T) {
	h := newHouse(t, proxy.Config{}, echoTarget(t))
	before := h.table.Activity()[0].Last
	conn := dialSocket(t, h.URL)
	if conn.Subprotocol() != "v1.kernel.websocket.jupyter.org" {
		t.Errorf("the protocol is %q", conn.Subprotocol())
	}
	if !h.table.Activity()[0].Last.Equal(before) {
		t.Error("connecting counts as use")
	}
	for _, message := range []string{"", "hello", strings.Repeat("x", 1<<20)} {
		echo(t, conn, message)
		if last := h.table.Activity()[0].Last; !last.After(before) {
			t.Error("a message does not count as use")
		} else {
			before = last
		}
	}
	if err := conn.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		t.Errorf("the closing words do not pass: %v", err)
	}
}

// upgradeTarget switches to a WebSocket and hands the bare connection over.
func upgradeTarget(t testing.TB, talk func(conn *net.TCPConn, client io.Reader)) proxy.Route {
	return target(t, func(w http.ResponseWriter, r *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSet-Cookie: jupyterhub-hub-login=evil\r\nX-Own: "+r.Header.Get("Cookie")+"\r\n\r\nfirst ")
		talk(conn.(*net.TCPConn), buf)
	})
}

func upgrade(t testing.TB, h *house) (conn *net.TCPConn, head string) {
	t.Helper()
	c, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprint(c, "GET /user/ada/ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nCookie: jupyterhub-hub-login=S; a=1\r\n\r\n")
	one := make([]byte, 1)
	for !strings.HasSuffix(head, "\r\n\r\n") {
		if _, err := c.Read(one); err != nil {
			t.Fatalf("%v after %q", err, head)
		}
		head += string(one)
	}
	return c.(*net.TCPConn), head
}

func TestHalfCloseByTheClient(t *testing.T) {
	h := newHouse(t, proxy.Config{}, upgradeTarget(t, func(conn *net.TCPConn, client io.Reader) {
		said, _ := io.ReadAll(client) // ends only when the client's half has ended
		fmt.Fprintf(conn, "you said %s", said)
	}))
	conn, head := upgrade(t, h)
	if !strings.HasPrefix(head, "HTTP/1.1 101 ") || strings.Contains(head, "evil") || !strings.Contains(head, "X-Own: a=1\r\n") {
		t.Errorf("the head is %q", head)
	}
	fmt.Fprint(conn, "hello")
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "first you said hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestHalfCloseByTheServer(t *testing.T) {
	heard := make(chan string, 1)
	h := newHouse(t, proxy.Config{}, upgradeTarget(t, func(conn *net.TCPConn, client io.Reader) {
		_ = conn.CloseWrite()
		said, _ := io.ReadAll(client)
		heard <- string(said)
	}))
	conn, _ := upgrade(t, h)
	if got, err := io.ReadAll(conn); err != nil || string(got) != "first " {
		t.Errorf("got %q, %v", got, err)
	}
	fmt.Fprint(conn, "last words")
	_ = conn.CloseWrite()
	if got := <-heard; got != "last words" {
		t.Errorf("the server heard %q", got)
	}
}

func TestRefusedUpgradeIsRelayed(t *testing.T) {
	h := newHouse(t, proxy.Config{}, target(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not you", http.StatusForbidden)
	}))
	answer := exchange(t, h.addr, "GET /user/ada/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 403 ") || !strings.HasSuffix(answer, "not you\n") {
		t.Errorf("got %q", answer)
	}
}

func TestSocketsEndWithTheirRoute(t *testing.T) {
	for name, change := range map[string]func(*proxy.Table) error{
		"deleted": func(t *proxy.Table) error { t.Delete("/user/ada/"); return nil },
		"new target": func(t *proxy.Table) error {
			return t.Set(proxy.Route{Prefix: "/user/ada/", Target: "http://127.0.0.1:1"})
		},
		"replaced": func(t *proxy.Table) error { _, err := t.Replace(nil); return err },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, proxy.Config{}, echoTarget(t))
			conn := dialSocket(t, h.URL)
			echo(t, conn, "hello")
			route := h.table.Routes()[0]
			route.Cookies.Session = "new"
			if err := h.table.Set(route); err != nil {
				t.Fatal(err)
			}
			echo(t, conn, "still here")
			if err := change(h.table); err != nil {
				t.Fatal(err)
			}
			if _, _, err := conn.Read(t.Context()); err == nil {
				t.Error("the socket goes on without its route")
			}
		})
	}
}

func TestCloseEndsSockets(t *testing.T) {
	h := newHouse(t, proxy.Config{}, echoTarget(t))
	conn := dialSocket(t, h.URL)
	echo(t, conn, "hello")
	if err := h.handler.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.Read(t.Context()); err == nil {
		t.Error("the socket is open")
	}
	answer := exchange(t, h.addr, "GET /user/ada/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 503 ") {
		t.Errorf("a new socket gets %q", answer)
	}
	if _, body := get(t, h.URL+"/user/ada/"); body != "plain" {
		t.Errorf("a request gets %q", body)
	}
}

// A server that has said its last word leaves only the client's side, which must end with the route all the same.
func TestHalfClosedSocketEndsWithItsRoute(t *testing.T) {
	for name, end := range map[string]func(*house) error{
		"deleted": func(h *house) error { h.table.Delete("/user/ada/"); return nil },
		"closed":  func(h *house) error { return h.handler.Close(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, proxy.Config{}, upgradeTarget(t, func(conn *net.TCPConn, client io.Reader) {
				_ = conn.CloseWrite()
				_, _ = io.Copy(io.Discard, client)
			}))
			conn, _ := upgrade(t, h)
			if got, err := io.ReadAll(conn); err != nil || string(got) != "first " {
				t.Fatalf("got %q, %v", got, err)
			}
			if err := end(h); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the client's side is closed", func() bool {
				_, err := conn.Write([]byte("x"))
				return err != nil
			})
		})
	}
}

func TestCloseCutsWhatDoesNotEnd(t *testing.T) {
	over := make(chan struct{})
	h := newHouse(t, proxy.Config{}, upgradeTarget(t, func(*net.TCPConn, io.Reader) { <-over }))
	defer close(over)
	conn, _ := upgrade(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.handler.Close(ctx); err == nil || !strings.Contains(err.Error(), "cut 1 WebSockets") {
		t.Errorf("Close says %v", err)
	}
	if _, err := io.ReadAll(conn); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the client reads %v", err)
	}
}
