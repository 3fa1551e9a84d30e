package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func testConn(t *testing.T, handler http.HandlerFunc) (*conn, *atomic.Int32) {
	t.Helper()
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { opened.Add(1); return ctx }
	server.Start()
	c := &conn{address: server.Listener.Addr().String(), timeout: 10 * time.Second}
	t.Cleanup(func() { c.shut(); server.Close() })
	return c, &opened
}

// TestConnFraming lets the client meet each framing that a server may choose, one after the other on one connection.
func TestConnFraming(t *testing.T) {
	long := strings.Repeat("long ", 5000)
	c, opened := testConn(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/length":
			fmt.Fprint(w, "with a length")
		case "/chunked":
			fmt.Fprint(w, long[:9000])
			_ = http.NewResponseController(w).Flush()
			fmt.Fprint(w, long[9000:])
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/close":
			w.Header().Set("Connection", "close")
			fmt.Fprint(w, "last")
		case "/echo":
			w.WriteHeader(http.StatusCreated)
			_, _ = io.Copy(w, r.Body)
		}
	})
	for _, want := range []struct {
		method, path, send, body string
		status, opened           int
	}{
		{"GET", "/length", "", "with a length", 200, 1},
		{"GET", "/chunked", "", long, 200, 1},
		{"GET", "/empty", "", "", 204, 1},
		{"POST", "/echo", "said", "said", 201, 1},
		{"GET", "/close", "", "last", 200, 1},
		{"GET", "/length", "", "with a length", 200, 2},
	} {
		a, err := c.want(t.Context(), want.status, want.method, want.path, "", []byte(want.send))
		if err != nil {
			t.Fatal(err)
		}
		if string(a.body) != want.body || int(opened.Load()) != want.opened {
			t.Errorf("%s: body %.40q, %d connections; want %.40q, %d", want.path, a.body, opened.Load(), want.body, want.opened)
		}
	}
}

func TestConnOpensAgain(t *testing.T) {
	c, opened := testConn(t, func(http.ResponseWriter, *http.Request) {})
	for range 2 {
		if _, err := c.want(t.Context(), 200, "GET", "/", "", nil); err != nil {
			t.Fatal(err)
		}
		_ = c.net.(*net.TCPConn).CloseWrite() // the server closes too
		_, _ = c.in.Peek(1)
	}
	if opened.Load() != 2 {
		t.Errorf("%d connections, want 2", opened.Load())
	}
}

func TestConnOther(t *testing.T) {
	c, _ := testConn(t, http.NotFound)
	if _, err := c.want(t.Context(), 200, "GET", "/", "", nil); !errors.Is(err, errOther) || !strings.Contains(err.Error(), "404") {
		t.Errorf("error %v, want one that says 404", err)
	}
}

func TestAnswerHeader(t *testing.T) {
	c, _ := testConn(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/there?code=1")
		w.Header().Add("Set-Cookie", `a="1|2"; Path=/; HttpOnly`)
		w.Header().Add("Set-Cookie", "b=x=y")
	})
	a, err := c.want(t.Context(), 200, "GET", "/", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	jar := map[string]string{}
	a.cookies(jar)
	if len(jar) != 2 || jar["a"] != `"1|2"` || jar["b"] != "x=y" {
		t.Errorf("cookies %q", jar)
	}
	if got := a.value("location"); got != "/there?code=1" {
		t.Errorf("Location %q", got)
	}
}
