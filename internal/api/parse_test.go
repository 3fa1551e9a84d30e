package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-01-02T03:04:05Z":             "2026-01-02T03:04:05Z",
		"2026-01-02T03:04:05.123456Z":      "2026-01-02T03:04:05.123456Z",
		"2026-01-02T03:04:05":              "2026-01-02T03:04:05Z",
		"2026-01-02 03:04:05.5":            "2026-01-02T03:04:05.500000Z",
		"2026-01-02T03:04:05+02:00":        "2026-01-02T01:04:05Z",
		"2026-01-02T03:04:05.000001-01:00": "2026-01-02T04:04:05.000001Z",
	} {
		got, err := moment(text)
		if err != nil || stamp(got) != want {
			t.Errorf("moment(%q) = %v, %v; want %s", text, stamp(got), err, want)
		}
	}
	for _, text := range []string{"", "xx", "2026", "2026-13-01T00:00:00Z", "1795409431"} {
		if got, err := moment(text); err == nil {
			t.Errorf("moment(%q) = %v, want an error", text, got)
		}
	}
	if stamp(time.Time{}) != nil {
		t.Error("a time that is unset is not null")
	}
}

func FuzzMoment(f *testing.F) {
	f.Add("2026-01-02T03:04:05.123456Z")
	f.Fuzz(func(t *testing.T, text string) {
		at, err := moment(text)
		if err != nil {
			return
		}
		again, err := moment(stamp(at).(string))
		if err != nil || !again.Equal(at.Truncate(time.Microsecond)) {
			t.Errorf("%q reads as %v and is written as %v", text, at, stamp(at))
		}
	})
}

func FuzzReadWish(f *testing.F) {
	f.Add(`{"display_name": "x", "user_options": {"a": [1]}}`)
	f.Add(`{"profile": "large"}`)
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		w, err := readWish(&call{Request: r})
		if err == nil && w.options != nil && !strings.HasPrefix(strings.TrimSpace(string(w.options)), "{") {
			t.Errorf("%q gives options %s", body, w.options)
		}
	})
}

func FuzzReadActivity(f *testing.F) {
	f.Add(`{"servers": {"": {"last_activity": "2026-01-01T00:00:00Z"}}, "last_activity": null}`)
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		told, err := readReport(&call{Request: r})
		if err != nil {
			return
		}
		limit := time.Now().Add(time.Hour)
		late := told.user.After(limit)
		for _, at := range told.servers {
			late = late || at.After(limit)
		}
		if late || !strings.Contains(body, "last_activity") && !strings.Contains(body, "\\u") {
			t.Errorf("%q passes as %v", body, told)
		}
	})
}

func FuzzReadToken(f *testing.F) {
	for _, seed := range []string{
		`{"note": "x", "expires_in": 60, "scopes": ["self"]}`, `{"expires_in": 1e3}`, `{"expires_in": -9223372036854775808}`, `{"scopes": []}`, `{"note": "\u0000"}`, `[]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		sent, err := readObject(&call{Request: r}, "no object")
		if err != nil {
			return
		}
		req, roles, err := readToken(sent)
		switch {
		case err != nil:
		case req.Expires < 0 || req.Expires%time.Second != 0:
			t.Errorf("%q asks for a life of %s", body, req.Expires)
		case strings.ContainsRune(req.Note, 0):
			t.Errorf("%q asks for a note that cannot be stored", body)
		case len(req.Scopes)+len(roles) == 0 && !req.Bare && strings.Contains(body, `"scopes":[`):
			t.Errorf("%q asks for everything", body)
		}
	})
}
