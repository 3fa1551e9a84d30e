package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"berdlhub/internal/proxy"
)

// house is a proxy with a hub, over real HTTP on loopback.
type house struct {
	*httptest.Server
	table   *proxy.Table
	handler *proxy.Handler
	addr    string
}

func newHouse(t testing.TB, cfg proxy.Config, routes ...proxy.Route) *house {
	t.Helper()
	table := proxy.NewTable()
	for _, r := range routes {
		if err := table.Set(r); err != nil {
			t.Fatal(err)
		}
	}
	if cfg.Hub == nil {
		cfg.Hub = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "hub %s %s", r.RequestURI, r.Header.Get("X-Forwarded-Proto")+r.Header.Get("X-Forwarded-User"))
		})
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Fingerprint = fingerprintOf
	h := &house{table: table, handler: proxy.New(cfg, table)}
	h.Server = httptest.NewServer(h.handler)
	h.addr = h.Listener.Addr().String()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := h.handler.Close(ctx); err != nil {
			t.Error(err)
		}
		h.Server.Close()
	})
	return h
}

// target starts a server and gives the route of ada to it.
func target(t testing.TB, serve http.HandlerFunc) proxy.Route {
	t.Helper()
	s := httptest.NewServer(serve)
	t.Cleanup(s.Close)
	return proxy.Route{Prefix: "/user/ada/", Target: s.URL, Cookies: adaRule}
}

// rawTarget is a server that keeps the head of a request as the bytes that came and answers with fixed bytes.
func rawTarget(t testing.TB, answer string) (proxy.Route, <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heads, done := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			heads <- readHead(conn)
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return proxy.Route{Prefix: "/user/ada/", Target: "http://" + l.Addr().String(), Cookies: adaRule}, heads
}

func readHead(r io.Reader) string {
	var head strings.Builder
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		head.WriteString(line)
		if err != nil || line == "\r\n" {
			return head.String()
		}
	}
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

// exchange sends bytes and reads until the other side closes.
func exchange(t testing.TB, addr, request string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("read the answer of %q: %v", request, err)
	}
	return string(answer)
}

func do(t testing.TB, req *http.Request, err error) (*http.Response, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func get(t testing.TB, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	return do(t, req, err)
}

func TestRequestLineIsUnchanged(t *testing.T) {
	route, heads := rawTarget(t, okAnswer)
	h := newHouse(t, proxy.Config{}, route)
	for _, line := range []string{
		"/user/ada/", "/user/ada", "/user/ada//x//", "/user/ada/../bob/./", "/user/ada/a%2fb%2F%20%e9", "/user/%61da/@:;,=+$&",
		"/user/ada/x?", "/user/ada/x?a=1;b=2&c=%zz&%&d=a+b&&", "/user/ada/x??/#x", "/user/ada/\"<>|^`{}\\", "/user/ada/\xc3\xa9\xff?\xff",
		"/user/ada/x?q=http://a/b",
	} {
		answer := exchange(t, h.addr, "GET "+line+" HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n")
		if !strings.HasSuffix(answer, "\r\n\r\nok") {
			t.Errorf("%q is answered %q", line, answer)
			continue
		}
		if got, _, _ := strings.Cut(<-heads, "\r\n"); got != "GET "+line+" HTTP/1.1" {
			t.Errorf("%q arrives as %q", line, got)
		}
	}
}

func TestRootRouteKeepsDoubleSlashes(t *testing.T) {
	route, heads := rawTarget(t, okAnswer)
	route.Prefix = "/"
	h := newHouse(t, proxy.Config{}, route)
	for _, line := range []string{"//x/y?z", "//%2f//..", "/hubx"} {
		exchange(t, h.addr, "GET "+line+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if got, _, _ := strings.Cut(<-heads, "\r\n"); got != "GET "+line+" HTTP/1.1" {
			t.Errorf("%q arrives as %q", line, got)
		}
	}
}

func TestWhatTheHubGets(t *testing.T) {
	route, _ := rawTarget(t, okAnswer)
	root, _ := rawTarget(t, okAnswer)
	root.Prefix = "/"
	h := newHouse(t, proxy.Config{BasePath: "/b/"}, route)
	for _, path := range []string{"/", "/user/bob/", "/user/ad", "/b/hub/x//y", "/b/hub"} {
		if _, body := get(t, h.URL+path); body != "hub "+path+" " {
			t.Errorf("%s: %q", path, body)
		}
	}
	if err := h.table.Set(root); err != nil {
		t.Fatal(err)
	}
	for path, hub := range map[string]bool{"/b/hub/": true, "/b/hub": true, "/b/h%75b/x": true, "/b/hub/../../user/ada/": true, "/b/hubs": false, "/hub/": false, "/b%2Fhub/": false} {
		answer := exchange(t, h.addr, "GET "+path+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if got := strings.Contains(answer, "hub "+path); got != hub {
			t.Errorf("%s reaches the hub: %v, want %v", path, got, hub)
		}
	}
}

func TestStrangersForwardingHeadersStayOutside(t *testing.T) {
	forgedHeaders := "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\n" +
		"X-Forwarded-User: root\r\nX_Forwarded_User: root\r\nX-Real-Ip: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Remote-User: root\r\n" +
		"x-username: root\r\nRemote_User: root\r\nX-Scheme: https\r\nConnection: close, X-Forwarded-Port\r\n\r\n"
	for _, c := range []struct {
		name               string
		trusted            []netip.Prefix
		want, not, hubSays string
	}{
		{"stranger", nil, "X-Forwarded-For: 127.0.0.1|X-Forwarded-Proto: http|X-Forwarded-Port: 8443|X-Forwarded-Host: h:8443", "6.6.6.6|evil|https", "hub /hub/ "},
		{"trusted", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "X-Forwarded-For: 6.6.6.6,127.0.0.1|X-Forwarded-Proto: https,http|X-Forwarded-Port: 1,8443|X-Forwarded-Host: evil", "for=", "hub /hub/ https"},
	} {
		t.Run(c.name, func(t *testing.T) {
			route, heads := rawTarget(t, okAnswer)
			h := newHouse(t, proxy.Config{TrustedNetworks: c.trusted}, route)
			exchange(t, h.addr, "GET /user/ada/ HTTP/1.1\r\nHost: h:8443\r\n"+forgedHeaders)
			head := <-heads
			for line := range strings.SplitSeq(c.want, "|") {
				if strings.Count(head, line+"\r\n") != 1 {
					t.Errorf("%q is not once in %q", line, head)
				}
			}
			for _, word := range append(strings.Split(c.not, "|"), "root", "Real-Ip", "Forwarded:", "X-Scheme") {
				if strings.Contains(head, word) {
					t.Errorf("%q is in %q", word, head)
				}
			}
			if answer := exchange(t, h.addr, "GET /hub/ HTTP/1.1\r\nHost: h\r\n"+forgedHeaders); !strings.HasSuffix(answer, "\r\n"+c.hubSays) {
				t.Errorf("the hub got %q", answer)
			}
		})
	}
}

func TestCookiesOnTheWire(t *testing.T) {
	h := newHouse(t, proxy.Config{}, target(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</x>; rel=preload")
		w.Header().Set("Set-Cookie", "jupyterhub-hub-login=early")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Set-Cookie", "jupyterhub-hub-login=evil; Path=/hub/")
		w.Header().Add("Set-Cookie", "mine=1; Path=/user/ada/")
		fmt.Fprint(w, r.Header.Values("Cookie"))
	}))
	res, body := get(t, h.URL+"/user/ada/x", "Cookie", "jupyterhub-hub-login=S; kbase_session=BOB; a=1", "Cookie", "jupyterhub-user-bob=S; b=2")
	if body != "[a=1; b=2]" {
		t.Errorf("the server got %s", body)
	}
	if got := res.Header.Values("Set-Cookie"); !slices.Equal(got, []string{"mine=1; Path=/user/ada/"}) {
		t.Errorf("the browser got %q", got)
	}
	raw := exchange(t, h.addr, "GET /user/ada/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nCookie: jupyterhub-hub-login=S\r\n\r\n")
	if !strings.HasPrefix(raw, "HTTP/1.1 103 ") || strings.Contains(raw, "hub-login") || !strings.HasSuffix(raw, "[]") {
		t.Errorf("the browser got %q", raw)
	}
}

func TestEventsPassOneByOne(t *testing.T) {
	next := make(chan struct{})
	h := newHouse(t, proxy.Config{}, target(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "events") {
			w.Header().Set("Content-Type", "text/event-stream")
		} else {
			w.Header().Set("Content-Length", "27")
		}
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}))
	for _, path := range []string{"events", "known-length"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/user/ada/"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(res.Body)
		for i := range 3 {
			if line, err := lines.ReadString('\n'); line != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("event %d is %q, %v", i, line, err)
			}
			_, _ = lines.ReadString('\n')
			next <- struct{}{} // the server says no more before this event has arrived
		}
		res.Body.Close()
	}
}

func TestChunksBothWaysAtOnce(t *testing.T) {
	h := newHouse(t, proxy.Config{}, target(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(w, "echo %s\n", lines.Text())
			_ = rc.Flush()
		}
	}))
	body, say := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/user/ada/", body)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(say, "one\n") }()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || lines.Text() != "echo one" {
		t.Fatalf("got %q, %v", lines.Text(), lines.Err())
	}
	_ = say.Close()
	if lines.Scan() || lines.Err() != nil {
		t.Fatalf("after the end: %q, %v", lines.Text(), lines.Err())
	}
}

func TestBigBodies(t *testing.T) {
	const size = 64 << 20
	h := newHouse(t, proxy.Config{}, target(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Read", fmt.Sprint(n, err))
		_, _ = io.CopyN(w, zeros{}, size)
	}))
	for _, length := range []int64{size, -1} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, h.URL+"/user/ada/f", io.LimitReader(zeros{}, size))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		if n != size || err != nil || res.Header.Get("X-Read") != fmt.Sprint(size, " <nil>") {
			t.Errorf("length %d: read %d, %v; the server read %s", length, n, err, res.Header.Get("X-Read"))
		}
		res.Body.Close()
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestTrailersBothWays(t *testing.T) {
	h := newHouse(t, proxy.Config{}, target(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum, Set-Cookie")
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Sum")+r.Trailer.Get("X-Forwarded-User")+r.Trailer.Get("Cookie"))
		w.Header().Set("Set-Cookie", "jupyterhub-hub-login=evil")
		w.Header().Set(http.TrailerPrefix+"X-Late", "late")
	}))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/user/ada/", io.LimitReader(zeros{}, 100))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = -1
	req.Trailer = http.Header{"X-Sum": {"42"}, "X-Forwarded-User": {"root"}, "Cookie": {"jupyterhub-hub-login=S"}}
	res, body := do(t, req, nil)
	if len(body) != 100 || res.Trailer.Get("X-Sum") != "42" || res.Trailer.Get("X-Late") != "late" || res.Trailer.Get("Set-Cookie") != "" {
		t.Errorf("%d bytes, trailers %v", len(body), res.Trailer)
	}
}

func TestExpectContinue(t *testing.T) {
	h := newHouse(t, proxy.Config{}, target(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "no") {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		_, _ = io.Copy(w, r.Body)
	}))
	conn, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprint(conn, "POST /user/ada/yes HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
	if head := readHead(conn); !strings.HasPrefix(head, "HTTP/1.1 100 ") {
		t.Fatalf("got %q", head)
	}
	fmt.Fprint(conn, "hello")
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") || !strings.HasSuffix(string(answer), "hello") {
		t.Errorf("got %q, %v", answer, err)
	}
	refused := exchange(t, h.addr, "POST /user/ada/no HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(refused, "HTTP/1.1 417 ") {
		t.Errorf("got %q", refused)
	}
}

func TestActivity(t *testing.T) {
	var status atomic.Int64
	h := newHouse(t, proxy.Config{}, target(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(int(status.Load()))
	}))
	for _, c := range []struct {
		status int
		body   string
		stamps bool
	}{{200, "", true}, {204, "", true}, {302, "", false}, {404, "", false}, {500, "", false}, {404, "data", true}, {304, "", false}} {
		status.Store(int64(c.status))
		before := h.table.Activity()[0].Last
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/user/ada/x", strings.NewReader(c.body))
		do(t, req, err)
		if got := h.table.Activity()[0].Last.After(before); got != c.stamps {
			t.Errorf("status %d with body %q stamps: %v", c.status, c.body, got)
		}
	}
	before := h.table.Activity()[0].Last
	get(t, h.URL+"/hub/")
	if !h.table.Activity()[0].Last.Equal(before) {
		t.Error("a request to the hub stamps a route")
	}
}

func BenchmarkRequest(b *testing.B) {
	answer := bytes.Repeat([]byte("x"), 1024)
	h := newHouse(b, proxy.Config{}, target(b, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		for pb.Next() {
			res, err := client.Get(h.URL + "/user/ada/api/x")
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	})
}
