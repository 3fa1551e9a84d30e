package proxy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"berdlhub/internal/proxy"
)

// logText is a log that several goroutines may write to.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// deadTarget gives an address at which nobody listens.
func deadTarget(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// eventually waits for what another goroutine is about to do.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

func TestDeadTarget(t *testing.T) {
	var log logText
	dead := deadTarget(t)
	alive := target(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "alive") })
	alive.Prefix = "/user/bob/"
	h := newHouse(t, proxy.Config{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		ErrorPage: func(w http.ResponseWriter, _ *http.Request, status int, err error) {
			w.WriteHeader(status)
			if err != nil {
				_, _ = io.WriteString(w, "<p>page")
			}
		},
	}, proxy.Route{Prefix: "/user/ada/", Target: dead}, alive)

	res, body := get(t, h.URL+"/user/ada/lab?token=SECRET", "Accept", "text/html,*/*", "Cookie", "x=SECRET")
	if res.StatusCode != 503 || body != "<p>page" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a browser gets %d %q %v", res.StatusCode, body, res.Header)
	}
	for path, accept := range map[string]string{"/user/ada/api/kernels": "text/html", "/user/ada/x": "application/json"} {
		res, body := get(t, h.URL+path, "Accept", accept)
		var said struct {
			Status  int
			Message string
		}
		if err := json.Unmarshal([]byte(body), &said); err != nil || res.StatusCode != 503 || said.Status != 503 || said.Message == "" {
			t.Errorf("%s: %d %q, %v", path, res.StatusCode, body, err)
		}
		if strings.Contains(body, "127.0.0.1") {
			t.Errorf("the answer names the target: %q", body)
		}
	}
	upgrade := exchange(t, h.addr, "GET /user/ada/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if !strings.HasPrefix(upgrade, "HTTP/1.1 503 ") || !strings.HasSuffix(upgrade, "\r\n\r\n") || !strings.Contains(upgrade, "Content-Length: 0\r\n") {
		t.Errorf("a WebSocket gets %q", upgrade)
	}
	if _, body := get(t, h.URL+"/user/bob/"); body != "alive" {
		t.Errorf("another's server says %q", body)
	}
	if text := log.String(); strings.Count(text, "a server does not answer") != 1 || strings.Contains(text, "SECRET") {
		t.Errorf("the log says %s", text)
	}
	for deadline := time.Now().Add(5 * time.Second); h.handler.Stats().Active > 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond) // the answer is here before the last request is counted out
	}
	if s := h.handler.Stats(); s.Failures != 4 || s.Routes != 2 || s.WebSockets != 0 || s.Active != 0 || s.HTTP != 4 || s.WebSocket != 1 || s.BytesOut != 5 {
		t.Errorf("the proxy counts %+v", s)
	}
}

func TestTargetThatBreaksOff(t *testing.T) {
	for name, answer := range map[string]string{
		"closes": "", "garbage": "SSH-2.0-OpenSSH\r\n", "other protocol": "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
	} {
		route, _ := rawTarget(t, answer)
		h := newHouse(t, proxy.Config{}, route)
		if res, body := get(t, h.URL+"/user/ada/"); res.StatusCode != 503 || !strings.Contains(body, "does not answer") {
			t.Errorf("%s: %d %q", name, res.StatusCode, body)
		}
	}
	route, _ := rawTarget(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
	h := newHouse(t, proxy.Config{}, route)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/user/ada/", nil)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looks whole")
	}
}

func TestSilentTarget(t *testing.T) {
	done := make(chan struct{})
	route := target(t, func(http.ResponseWriter, *http.Request) { <-done })
	h := newHouse(t, proxy.Config{ResponseHeaderTimeout: 20 * time.Millisecond}, route)
	if res, _ := get(t, h.URL+"/user/ada/"); res.StatusCode != 503 {
		t.Errorf("got %d", res.StatusCode)
	}
	close(done)
}

func TestClientThatGoesAway(t *testing.T) {
	var log logText
	arrived, gone := make(chan struct{}), make(chan struct{})
	h := newHouse(t, proxy.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, target(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(gone)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"/user/ada/", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-arrived; cancel() }()
	if res, err := http.DefaultTransport.RoundTrip(req); !errors.Is(err, context.Canceled) {
		res.Body.Close()
		t.Fatalf("the client reads %v", err)
	}
	<-gone // the server learns of it
	if log.String() != "" {
		t.Errorf("the log says %s", log.String())
	}
}

func TestBrokenRequestBody(t *testing.T) {
	h := newHouse(t, proxy.Config{}, target(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	answer := exchange(t, h.addr, "POST /user/ada/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
		t.Errorf("got %q", answer)
	}
}

func TestNoGoroutineIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("use", func(t *testing.T) {
		h := newHouse(t, proxy.Config{}, echoTarget(t), proxy.Route{Prefix: "/user/dead/", Target: deadTarget(t)})
		for range 20 {
			client := &http.Transport{}
			for _, path := range []string{"/user/ada/x", "/user/dead/x", "/hub/"} {
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+path, nil)
				if res, err := client.RoundTrip(req); err == nil {
					res.Body.Close()
				}
			}
			client.CloseIdleConnections()
			_ = dialSocket(t, h.URL).CloseNow()
		}
	})
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	eventually(t, "goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}

func TestRequestsThatReadTwoWays(t *testing.T) {
	route, heads := rawTarget(t, okAnswer)
	h := newHouse(t, proxy.Config{}, route)
	const end = "Connection: close\r\n\r\n"
	for name, request := range map[string]string{
		"two hosts":               "GET /user/ada/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n" + end,
		"no host":                 "GET /user/ada/ HTTP/1.1\r\n" + end,
		"two lengths":             "POST /user/ada/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + end + "xx",
		"length and garbage":      "POST /user/ada/ HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n" + end + "x",
		"unknown coding":          "POST /user/ada/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n" + end + "0\r\n\r\n",
		"two codings":             "POST /user/ada/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" + end + "0\r\n\r\n",
		"space before the colon":  "GET /user/ada/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n" + end,
		"control in the path":     "GET /user/ada/\x01 HTTP/1.1\r\nHost: h\r\n" + end,
		"zero byte in a header":   "GET /user/ada/ HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n" + end,
		"zero byte in the path":   "GET /user/ada/\x00 HTTP/1.1\r\nHost: h\r\n" + end,
		"broken percent in path":  "GET /user/ada/%zz HTTP/1.1\r\nHost: h\r\n" + end,
		"space in the path":       "GET /user/ada/a b HTTP/1.1\r\nHost: h\r\n" + end,
		"continued header":        "GET /user/ada/ HTTP/1.1\r\n Host: h\r\n" + end,
		"carriage return in head": "GET /user/ada/ HTTP/1.1\r\nHost: h\r\nX: a\rY: b\r\n" + end,
		"connect":                 "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: h\r\n" + end,
	} {
		answer := exchange(t, h.addr, request)
		if !strings.HasPrefix(answer, "HTTP/1.1 4") && !strings.HasPrefix(answer, "HTTP/1.1 501 ") {
			t.Errorf("%s is answered %q", name, answer)
		}
		select {
		case head := <-heads:
			t.Errorf("%s reaches the server: %q", name, head)
		default:
		}
	}
}

func TestRequestsThatAreMadePlain(t *testing.T) {
	route, heads := rawTarget(t, okAnswer)
	h := newHouse(t, proxy.Config{}, route)
	for _, c := range []struct{ name, request, want, not string }{
		{"length and chunks", "POST /user/ada/ HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nGET /user/bob/ HTTP/1.1\r\nHost: h\r\n\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length"},
		{"absolute form", "GET http://other/user/ada/x?y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /user/ada/x?y HTTP/1.1\r\nHost: other\r\n", "http://"},
		{"h2c", "GET /user/ada/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", "GET /user/ada/", "pgrade"},
		{"h2c unannounced", "GET /user/ada/ HTTP/1.1\r\nHost: h\r\nUpgrade: h2c, websocket\r\nHTTP2-Settings: A\r\nConnection: upgrade, close\r\n\r\n", "GET /user/ada/", "ttp2"},
		{"websocket by POST", "POST /user/ada/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n", "POST /user/ada/", "pgrade"},
		{"hop by hop", "GET /user/ada/ HTTP/1.1\r\nHost: h\r\nConnection: close, X-Private\r\nX-Private: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nProxy-Authorization: x\r\n\r\n", "GET /user/ada/", "X-Private|Keep-Alive|Proxy-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := exchange(t, h.addr, c.request)
			if !strings.HasPrefix(answer, "HTTP/1.1 200 ") || strings.Count(answer, "HTTP/1.1") != 1 {
				t.Fatalf("answered %q", answer)
			}
			head := <-heads
			if !strings.Contains(head, c.want) {
				t.Errorf("%q is not in %q", c.want, head)
			}
			for word := range strings.SplitSeq(c.not, "|") {
				if strings.Contains(head, word) {
					t.Errorf("%q is in %q", word, head)
				}
			}
		})
	}
}
