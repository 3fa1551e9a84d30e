package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"berdlhub/internal/hub"
)

// fields are the members of a JSON object that was sent.
type fields map[string]json.RawMessage

// readObject reads a body that is a JSON object. No body, and null, count as no object: JupyterHub REST API, body.
// Errors: Invalid for what is no JSON, Invalid with the given words for another kind of value, an http.MaxBytesError for too much.
func readObject(c *call, otherwise string) (fields, error) {
	text, err := readBody(c)
	if err != nil || len(text) == 0 {
		return nil, err
	}
	var out fields
	if json.Unmarshal(text, &out) != nil {
		return nil, hub.Errorf(hub.Invalid, "%s", otherwise)
	}
	return out, nil
}

// readBody gives the body, which is empty or JSON in UTF-8; PostgreSQL stores no other text.
func readBody(c *call) ([]byte, error) {
	text, err := io.ReadAll(c.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, err
	case err != nil:
		return nil, hub.Wrap(hub.Invalid, err, "The body of the request could not be read")
	}
	if text = bytes.TrimSpace(text); len(text) > 0 && (!json.Valid(text) || !utf8.Valid(text)) {
		return nil, hub.Errorf(hub.Invalid, "Invalid JSON in body of request")
	}
	return text, nil
}

// has says that a field was sent and is not null.
func (f fields) has(name string) bool {
	v, sent := f[name]
	return sent && string(v) != "null"
}

// read reads a field into a value that stays as it is when the field was not sent; false when it is of another type.
func (f fields) read(name string, into any) bool {
	return !f.has(name) || json.Unmarshal(f[name], into) == nil
}

// plainText reads a field that must be a text that can be stored.
func (f fields) plainText(name string) (*string, bool) {
	var text string
	if !f.has(name) || !f.read(name, &text) || !plain(text) {
		return nil, false
	}
	return &text, true
}

// plain says that a text can be stored and shown: UTF-8 without NUL, which PostgreSQL refuses.
func plain(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// clip cuts what somebody sent, for use in a message.
func clip(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
