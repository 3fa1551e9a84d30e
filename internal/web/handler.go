package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"berdlhub/internal/hub"
)

// Handler answers a request or says why it could not. It returns an error only before it has written anything;
// what it returns is a hub.Error, or our own fault.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Middleware wraps a handler.
type Middleware func(http.Handler) http.Handler

// Chain puts middleware around a handler; the first one of the list sees the request first.
func Chain(h http.Handler, list ...Middleware) http.Handler {
	for _, l := range slices.Backward(list) {
		h = l(h)
	}
	return h
}

// errorBody is the body of every failed API call. JupyterHub REST API: errors.
type errorBody struct {
	Status  int     `json:"status"`
	Message *string `json:"message"`
}

// API makes a handler of the REST API: an error becomes a status and JSON with status and message, and is logged.
// A 200 answer whose ETag the client already has becomes a 304.
func API(log *slog.Logger, h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rw := newReply(w, r)
		err := h(rw, r)
		if err == nil || gone(r, err) {
			return
		}
		status, message := explain(err)
		logFailure(log, r, status, err)
		if rw.started {
			return
		}
		setRetry(rw, err)
		writeError(rw, status, message)
	})
}

// explain gives the status of an error and the text that the user may read, which may be empty.
func explain(err error) (int, string) {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, "The request is larger than " + strconv.FormatInt(tooLarge.Limit, 10) + " bytes"
	}
	status := hub.CodeOf(err).Status()
	if status == http.StatusInternalServerError {
		return status, http.StatusText(status)
	}
	return status, hub.MessageOf(err)
}

// writeError writes the JSON of a failure; an empty message becomes null.
func writeError(w http.ResponseWriter, status int, message string) {
	body := errorBody{Status: status}
	if message != "" {
		body.Message = &message
	}
	// The client is told what can be told; a failed write means that it went away.
	_ = JSON(w, status, body)
}

// retryOf gives how long to wait before the next try; 0 when the error does not say.
func retryOf(err error) time.Duration {
	if e, ok := errors.AsType[*hub.Error](err); ok {
		return e.Retry
	}
	return 0
}

// setRetry adds Retry-After in whole seconds, rounded up.
func setRetry(w http.ResponseWriter, err error) {
	if wait := retryOf(err); wait > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(seconds(wait), 10))
	}
}

// seconds rounds up to whole seconds.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}

// gone says that the client went away, so that nobody reads an answer.
func gone(r *http.Request, err error) bool {
	return r.Context().Err() != nil && errors.Is(err, context.Canceled)
}

// logFailure writes the one line about a failed request: our own faults and outages loudly, refusals quietly.
func logFailure(log *slog.Logger, r *http.Request, status int, err error) {
	level := slog.LevelDebug
	switch {
	case status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	log.LogAttrs(r.Context(), level, "request failed",
		slog.String("method", clip(r.Method, 16)), slog.String("path", loggedPath(r)),
		slog.Int("status", status), slog.String("error", clip(err.Error(), 2048)))
}
