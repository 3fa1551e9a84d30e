package web_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/web"
)

func fails(err error) web.Handler {
	return func(http.ResponseWriter, *http.Request) error { return err }
}

func TestErrorsBecomeStatusAndJSON(t *testing.T) {
	secretCause := errors.New("dial tcp 10.0.0.7: refused")
	tests := []struct {
		name, body, retry, level string
		err                      error
		status                   int
	}{
		{name: "invalid", err: hub.Errorf(hub.Invalid, "bad %s", "limit"), status: 400, body: `{"status":400,"message":"bad limit"}`, level: "DEBUG"},
		{name: "no text", err: hub.Errorf(hub.NotFound, ""), status: 404, body: `{"status":404,"message":null}`, level: "DEBUG"},
		{name: "wrapped", err: fmt.Errorf("outer: %w", hub.Errorf(hub.Forbidden, "no")), status: 403, body: `{"status":403,"message":"no"}`, level: "DEBUG"},
		{
			name: "outage", err: &hub.Error{Code: hub.Unavailable, Message: "KBase does not answer", Err: secretCause, Retry: 1500 * time.Millisecond},
			status: 503, body: `{"status":503,"message":"KBase does not answer"}`, retry: "2", level: "WARN",
		},
		{name: "unknown", err: secretCause, status: 500, body: `{"status":500,"message":"Internal Server Error"}`, level: "ERROR"},
		{name: "internal", err: hub.Errorf(hub.Internal, "row 7 is broken"), status: 500, body: `{"status":500,"message":"Internal Server Error"}`, level: "ERROR"},
		{
			name: "too large", err: fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 9}), status: 413,
			body: `{"status":413,"message":"The request is larger than 9 bytes"}`, level: "DEBUG",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			log := slog.New(web.LogHandler(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
			rec := httptest.NewRecorder()
			web.RequestID(web.API(log, fails(tt.err))).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/hub/api/x?token=hidden", nil))
			if rec.Code != tt.status || rec.Body.String() != tt.body || rec.Header().Get("Retry-After") != tt.retry {
				t.Errorf("got %d %s, Retry-After %q", rec.Code, rec.Body, rec.Header().Get("Retry-After"))
			}
			line := out.String()
			if strings.Count(line, "\n") != 1 || !strings.Contains(line, "level="+tt.level) || !strings.Contains(line, "request_id="+rec.Header().Get("X-Request-Id")) {
				t.Errorf("log: %s", line)
			}
			if strings.Contains(line, "hidden") {
				t.Error("the query string is in the log")
			}
		})
	}
}

func TestAPIAfterTheClientLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rec := httptest.NewRecorder()
	rec.Code = 0
	web.API(quiet(), fails(fmt.Errorf("query: %w", context.Canceled))).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
	if rec.Code != 0 {
		t.Errorf("answered %d to nobody", rec.Code)
	}
}

func TestAPIErrorAfterTheAnswerBegan(t *testing.T) {
	rec := httptest.NewRecorder()
	web.API(quiet(), func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "half")
		return errors.New("broken")
	}).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	if rec.Code != 200 || rec.Body.String() != "half" {
		t.Errorf("got %d %q", rec.Code, rec.Body)
	}
}

func TestETag(t *testing.T) {
	h := web.API(quiet(), func(w http.ResponseWriter, _ *http.Request) error {
		return web.JSON(w, http.StatusOK, map[string]string{"a": "<b>"})
	})
	sum := sha1.Sum([]byte(`{"a":"<b>"}`))
	tag := `"` + hex.EncodeToString(sum[:]) + `"`
	ask := func(method, match string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/", nil)
		if match != "" {
			r.Header.Set("If-None-Match", match)
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec
	}
	first := ask(http.MethodGet, "")
	got := first.Header().Get("ETag")
	if first.Body.String() != `{"a":"<b>"}` || got != tag {
		t.Fatalf("got %s with ETag %s", first.Body, got)
	}
	tests := []struct {
		method, match string
		status        int
	}{
		{http.MethodGet, got, 304},
		{http.MethodGet, `"other", W/` + got, 304},
		{http.MethodGet, "*", 304},
		{http.MethodGet, `"other"`, 200},
		{http.MethodPost, got, 200},
	}
	for _, tt := range tests {
		rec, want := ask(tt.method, tt.match), got
		if tt.method == http.MethodPost {
			want = "" // what a change answers is nothing to ask for again
		}
		if rec.Code != tt.status || rec.Code == 304 && rec.Body.Len() > 0 || rec.Header().Get("ETag") != want {
			t.Errorf("%s with %s: %d %q", tt.method, tt.match, rec.Code, rec.Body)
		}
	}
}

func TestJSONOfAFailureHasNoETag(t *testing.T) {
	rec := httptest.NewRecorder()
	if err := web.JSON(rec, http.StatusCreated, 1); err != nil || rec.Header().Get("ETag") != "" || rec.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%v %v", err, rec.Header())
	}
	if err := web.JSON(rec, http.StatusOK, func() {}); err == nil {
		t.Error("a function became JSON")
	}
}

func TestReadJSON(t *testing.T) {
	tests := []struct {
		name, body, message string
		status              int
	}{
		{name: "object", body: `{"note":"x"}`},
		{name: "empty", body: ""},
		{name: "blank", body: " \n"},
		{name: "not JSON", body: "note=x", status: 400, message: "Invalid JSON in body of request"},
		{name: "two values", body: "{} {}", status: 400, message: "Invalid JSON in body of request"},
		{name: "wrong type", body: `{"note":7}`, status: 400, message: "Invalid JSON in body of request"},
		{name: "too large", body: `{"note":"` + strings.Repeat("x", 100) + `"}`, status: 413, message: "The request is larger than 64 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			web.API(quiet(), func(w http.ResponseWriter, r *http.Request) error {
				var v struct{ Note string }
				return web.ReadJSON(r, 64, &v)
			}).ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tt.body)))
			if tt.status == 0 {
				if rec.Body.Len() > 0 {
					t.Errorf("got %s", rec.Body)
				}
				return
			}
			var got struct {
				Status  int
				Message string
			}
			if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Code != tt.status || got.Message != tt.message {
				t.Errorf("got %d %s (%v)", rec.Code, rec.Body, err)
			}
		})
	}
}

func TestReadForm(t *testing.T) {
	multipart := "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n"
	tests := []struct {
		name, kind, body, want string
		status                 int
	}{
		{"urlencoded", "application/x-www-form-urlencoded", "a=1", "1", 200},
		{"multipart", "multipart/form-data; boundary=b", multipart, "1", 200},
		{"broken", "application/x-www-form-urlencoded", "a=%zz", "", 400},
		{"broken multipart", "multipart/form-data; boundary=b", "--b\r\nnothing", "", 400},
		{"too large", "application/x-www-form-urlencoded", "a=" + strings.Repeat("x", web.FormLimit), "", 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.kind)
			rec := httptest.NewRecorder()
			web.API(quiet(), func(w http.ResponseWriter, r *http.Request) error {
				if err := web.ReadForm(w, r); err != nil {
					return err
				}
				_, err := io.WriteString(w, r.PostFormValue("a"))
				return err
			}).ServeHTTP(rec, r)
			if rec.Code != tt.status || tt.status == 200 && rec.Body.String() != tt.want {
				t.Errorf("got %d %s", rec.Code, rec.Body)
			}
		})
	}
}
