package web

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // an ETag's form is part of the protocol; it guards nothing
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"berdlhub/internal/hub"
)

// JSON writes v with a status. A 200 carries an ETag, a quoted hex SHA-1 of the body, so that API can answer 304.
// JupyterHub REST API: response headers.
func JSON(w http.ResponseWriter, status int, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	return RawJSON(w, status, bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}

// RawJSON is JSON for a body that has been encoded.
func RawJSON(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusOK {
		w.Header().Set("ETag", etag(body))
	}
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// etag gives the quoted hex SHA-1 of a body.
func etag(body []byte) string {
	sum := sha1.Sum(body) //nolint:gosec // see the import
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// ReadJSON reads a body of at most max bytes into v. An empty body leaves v as it is: the API takes it as no model.
// Errors: hub.Invalid for anything but one JSON value, and a wrapped http.MaxBytesError, which becomes a 413, for a longer body.
func ReadJSON(r *http.Request, limit int64, v any) error {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return fmt.Errorf("read the body of the request: %w", err)
		}
		return hub.Wrap(hub.Invalid, err, "The body of the request could not be read")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		return hub.Wrap(hub.Invalid, err, "Invalid JSON in body of request")
	}
	return nil
}
