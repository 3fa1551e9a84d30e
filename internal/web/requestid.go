package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"

	"berdlhub/internal/hub"
)

type requestIDKey struct{}

// RequestID gives every request an id: in its context, in the header X-Request-ID of the answer, and through LogHandler in the log.
// An id that comes in with the request is not taken over: it could be anything. The context can be told who asks, by hub.SetActor.
func RequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var raw [8]byte
		_, _ = rand.Read(raw[:]) // never fails, see its documentation
		id := hex.EncodeToString(raw[:])
		w.Header().Set("X-Request-ID", id)
		next.ServeHTTP(w, r.WithContext(hub.ForActor(context.WithValue(r.Context(), requestIDKey{}, id))))
	})
}

// RequestIDFrom gives the id of the request that a context belongs to; empty outside a request.
func RequestIDFrom(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// logHandler adds the request id to the records of a request.
type logHandler struct{ slog.Handler }

// LogHandler makes a log handler that adds request_id to every record that is written with the context of a request.
func LogHandler(h slog.Handler) slog.Handler { return logHandler{h} }

// Handle adds the id and passes the record on.
func (h logHandler) Handle(ctx context.Context, rec slog.Record) error {
	if id := RequestIDFrom(ctx); id != "" {
		rec = rec.Clone()
		rec.AddAttrs(slog.String("request_id", id))
	}
	if err := h.Handler.Handle(ctx, rec); err != nil {
		return fmt.Errorf("write a log record: %w", err)
	}
	return nil
}

// WithAttrs keeps the id-adding handler around the one with attributes.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the id-adding handler around the one with a group.
func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.Handler.WithGroup(name)}
}
