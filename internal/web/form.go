package web

import (
	"errors"
	"fmt"
	"mime"
	"net/http"

	"berdlhub/internal/hub"
)

// FormLimit is the size in bytes that the body of a page's form may have.
const FormLimit = 1 << 20

// ReadForm parses the form of a request, with or without files, in at most FormLimit bytes; r.PostForm is filled afterwards.
// Errors: hub.Invalid for a form that cannot be read, and a wrapped http.MaxBytesError, which becomes a 413.
func ReadForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, FormLimit)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && kind == "multipart/form-data" {
		err = r.ParseMultipartForm(FormLimit)
	} else {
		err = r.ParseForm()
	}
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return fmt.Errorf("read the form: %w", err)
	default:
		return hub.Wrap(hub.Invalid, err, "The form could not be read")
	}
}

// LimitBody ends the reading of request bodies after limit bytes, for every handler beneath it.
func LimitBody(limit int64) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, limit)
			next.ServeHTTP(w, r)
		})
	}
}
