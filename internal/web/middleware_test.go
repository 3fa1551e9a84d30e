package web_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"berdlhub/internal/web"
)

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") }

func TestChainOrder(t *testing.T) {
	var order []string
	mark := func(name string) web.Middleware {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order = append(order, name)
				next.ServeHTTP(w, r)
			})
		}
	}
	web.Chain(http.HandlerFunc(ok), mark("a"), mark("b")).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if strings.Join(order, "") != "ab" {
		t.Errorf("order %v", order)
	}
}

func TestRequestID(t *testing.T) {
	var inside []string
	h := web.RequestID(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		inside = append(inside, web.RequestIDFrom(r.Context()))
	}))
	for range 2 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Request-ID", "forged\nid")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if got := rec.Header().Get("X-Request-ID"); len(got) != 16 || got != inside[len(inside)-1] {
			t.Errorf("header %q, context %v", got, inside)
		}
	}
	if inside[0] == inside[1] {
		t.Error("two requests have one id")
	}
	if web.RequestIDFrom(t.Context()) != "" {
		t.Error("an id outside a request")
	}
}

func TestHeaders(t *testing.T) {
	cfg := web.HeaderConfig{HubPath: "/b/hub/", FormOrigins: []string{"https://narrative.kbase.us"}}
	get := func(m web.Middleware) http.Header {
		rec := httptest.NewRecorder()
		m(http.HandlerFunc(ok)).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
		return rec.Header()
	}
	tests := []struct {
		name   string
		got    http.Header
		header string
		want   string
	}{
		{"api", get(web.APIHeaders(cfg)), "Content-Security-Policy", "frame-ancestors 'none'; report-uri /b/hub/security/csp-report; default-src 'none'"},
		{"api", get(web.APIHeaders(cfg)), "X-JupyterHub-Version", "6.1.1"},
		{"api", get(web.APIHeaders(cfg)), "Access-Control-Allow-Headers", "accept, content-type, authorization"},
		{"api", get(web.APIHeaders(cfg)), "Cache-Control", "no-store"},
		{
			"page", get(web.PageHeaders(cfg)), "Content-Security-Policy",
			"default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; object-src 'none'; " +
				"base-uri 'none'; frame-ancestors 'none'; form-action 'self' https://narrative.kbase.us; report-uri /b/hub/security/csp-report",
		},
		{"page", get(web.PageHeaders(cfg)), "Referrer-Policy", "same-origin"},
		{"page", get(web.PageHeaders(cfg)), "Cross-Origin-Opener-Policy", "same-origin"},
		{"page", get(web.PageHeaders(cfg)), "X-Content-Type-Options", "nosniff"},
	}
	for _, tt := range tests {
		if got := tt.got.Get(tt.header); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.name, tt.header, got, tt.want)
		}
		if strings.Contains(tt.got.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: the policy allows something unsafe", tt.name)
		}
	}
	cfg.Extra = map[string]string{"x-jupyterhub-version": "7", "X-Frame-Options": "DENY"}
	if h := get(web.PageHeaders(cfg)); h.Get("X-JupyterHub-Version") != "7" || h.Get("X-Frame-Options") != "DENY" {
		t.Errorf("extra headers: %v", h)
	}
}

func TestLogHidesSecretsAndIsBounded(t *testing.T) {
	tests := []struct{ target, want, never string }{
		{"/hub/login?next=/x&_xsrf=secret1", "path=/hub/login ", "secret1"},
		{"/hub/api/authorizations/token/secret2", "path=/hub/api/authorizations/token/[masked]", "secret2"},
		{"/hub/" + strings.Repeat("a", 5000), "path=/hub/aaa", strings.Repeat("a", 300)},
		{"/hub/a%0Alevel=ERROR", "path=\"/hub/a%0Alevel", "\nlevel"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: noTime}))
		web.Log(log)(http.HandlerFunc(ok)).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, tt.target, nil))
		got := out.String()
		if !strings.Contains(got, tt.want) || strings.Contains(got, tt.never) || len(got) > 1024 || !strings.Contains(got, "status=200 bytes=4") {
			t.Errorf("%.60s: %s", tt.target, got)
		}
	}
}

func noTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func TestLogHandlerKeepsTheIDBesideAttributesAndGroups(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(web.LogHandler(slog.NewTextHandler(&out, nil))).With("a", 1).WithGroup("g")
	web.RequestID(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		log.InfoContext(r.Context(), "hello")
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if !strings.Contains(out.String(), "request_id=") || !strings.Contains(out.String(), "a=1") {
		t.Error(out.String())
	}
}

func TestRecover(t *testing.T) {
	v := newRenderer(t, web.Config{})
	tests := []struct {
		name, path, kind string
		h                http.HandlerFunc
	}{
		{"page", "/hub/home", "text/html; charset=utf-8", func(http.ResponseWriter, *http.Request) { panic("canary") }},
		{"api", "/hub/api/users", "application/json", func(http.ResponseWriter, *http.Request) { panic(errors.New("canary")) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			log := slog.New(slog.NewTextHandler(&out, nil))
			rec := httptest.NewRecorder()
			v.Recover(log)(tt.h).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, tt.path, nil))
			body := rec.Body.String()
			if rec.Code != 500 || rec.Header().Get("Content-Type") != tt.kind || strings.Contains(body, "canary") || strings.Contains(body, "goroutine") {
				t.Errorf("got %d %v %s", rec.Code, rec.Header(), body)
			}
			if !strings.Contains(out.String(), "canary") || !strings.Contains(out.String(), "middleware_test.go") {
				t.Errorf("log: %s", out.String())
			}
		})
	}
}

func TestRecoverCutsAHalfAnswer(t *testing.T) {
	v := newRenderer(t, web.Config{})
	srv := httptest.NewUnstartedServer(v.Recover(quiet())(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic("late")
	})))
	srv.Config.ErrorLog = slog.NewLogLogger(quiet().Handler(), slog.LevelError)
	srv.Start()
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("half an answer looks whole")
	}
}

// TestWrappersPassFlushThrough: event streams and WebSockets need the connection beneath every wrapper.
func TestWrappersPassFlushThrough(t *testing.T) {
	v := newRenderer(t, web.Config{})
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var flushed error
	h := web.API(quiet(), func(w http.ResponseWriter, _ *http.Request) error {
		flushed = http.NewResponseController(w).Flush()
		return nil
	})
	rec := httptest.NewRecorder()
	web.Chain(h, web.RequestID, v.Recover(log), web.Log(log), web.LimitBody(10)).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	if flushed != nil || !rec.Flushed {
		t.Errorf("flush: %v", flushed)
	}
}

func TestLimitBody(t *testing.T) {
	var err error
	h := web.LimitBody(4)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, err = io.ReadAll(r.Body) }))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader("12345")))
	if _, ok := errors.AsType[*http.MaxBytesError](err); !ok {
		t.Errorf("got %v", err)
	}
}
