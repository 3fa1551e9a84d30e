package jupyterhub_test

import (
	"encoding/json"
	"testing"
	"time"

	"berdlhub/internal/store/jupyterhub"
)

func TestParseJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"b": 1, "a": [true, null]}`:                                       `{"a":[true,null],"b":1}`,
		`{"x": {"__jupyterhub_bytes__": true, "data": "aGVs\nbG8=\n"}}`:     `{"x":"hello"}`,
		`[{"__jupyterhub_bytes__": true, "data": "/wA="}]`:                  `["/wA="]`,
		`{"n": NaN, "i": [Infinity, -Infinity], "s": "NaN \" Infinity \\"}`: `{"i":[null,null],"n":null,"s":"NaN \" Infinity \\"}`,
		`{"__jupyterhub_bytes__": false, "data": "aGVsbG8="}`:               `{"__jupyterhub_bytes__":false,"data":"aGVsbG8="}`,
		`12345678901234567890`:                                              `12345678901234567890`,
		`"<a&b>"`:                                                           `"<a&b>"`,
	} {
		if got, err := jupyterhub.ParseJSON(text); err != nil || string(got) != want {
			t.Errorf("%s is %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{``, `{`, `{} {}`, "\"\x00\"", "\"\xff\"", `{"__jupyterhub_bytes__": true}`, `{"__jupyterhub_bytes__": true, "data": "%"}`, `1e999`} {
		if got, err := jupyterhub.ParseJSON(text); err == nil {
			t.Errorf("%q is %s, want an error", text, got)
		}
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 3, 1, 10, 20, 30, 120000000, time.UTC)
	for _, text := range []string{"2026-03-01 10:20:30.120000", "2026-03-01 10:20:30.12", "2026-03-01T10:20:30.12", "2026-03-01T11:20:30.12+01:00"} {
		if got, err := jupyterhub.ParseTime(text); err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s is %s (%v)", text, got, err)
		}
	}
	for _, text := range []string{"", "soon", "infinity", "0001-01-01 00:00:00", "2026-13-01 00:00:00"} {
		if got, err := jupyterhub.ParseTime(text); err == nil {
			t.Errorf("%q is %s, want an error", text, got)
		}
	}
}

// FuzzParseJSON: what is read is JSON, and reading it again changes nothing.
func FuzzParseJSON(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a": NaN}`, `{"__jupyterhub_bytes__": true, "data": "aGVsbG8="}`, `[1, -Infinity, "x\"NaN"]`, `"\ud800"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := jupyterhub.ParseJSON(text)
		if err != nil {
			return
		}
		if !json.Valid(first) {
			t.Fatalf("%q is read as %q", text, first)
		}
		if second, err := jupyterhub.ParseJSON(string(first)); err != nil || string(second) != string(first) {
			t.Fatalf("%q is read as %q, and that as %q (%v)", text, first, second, err)
		}
	})
}
