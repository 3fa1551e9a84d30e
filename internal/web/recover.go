package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
)

// Recover turns a panic into a 500: JSON below the API's path and an error page elsewhere. The stack goes to the log only.
// When the answer had begun already, the connection is cut, so that nobody takes half an answer for a whole one.
func (v *Renderer) Recover(log *slog.Logger) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rw := &reply{ResponseWriter: w}
			defer func() {
				if p := recover(); p != nil {
					v.panicked(log, rw, r, p)
				}
			}()
			next.ServeHTTP(rw, r)
		})
	}
}

// panicked logs a panic and answers for the handler that did not.
func (v *Renderer) panicked(log *slog.Logger, w *reply, r *http.Request, p any) {
	err, ok := p.(error)
	if ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	log.ErrorContext(r.Context(), "panic in a handler", "method", clip(r.Method, 16), "path", loggedPath(r),
		"panic", clip(fmt.Sprint(p), 1024), "stack", string(debug.Stack()))
	if w.started {
		panic(http.ErrAbortHandler)
	}
	if strings.HasPrefix(r.URL.Path, v.hubPath+"api/") {
		writeError(w, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
		return
	}
	v.errorPage(log, w, r, &ErrorPage{Status: http.StatusInternalServerError})
}
