package web

import (
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Log writes one line per request at debug level: method, path, status, size and time, never the query string or a header.
func Log(log *slog.Logger) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !log.Enabled(r.Context(), slog.LevelDebug) {
				next.ServeHTTP(w, r)
				return
			}
			begin := time.Now()
			rw := &reply{ResponseWriter: w}
			defer func() {
				log.LogAttrs(r.Context(), slog.LevelDebug, "request",
					slog.String("method", clip(r.Method, 16)), slog.String("path", loggedPath(r)),
					slog.Int("status", rw.status), slog.Int64("bytes", rw.bytes), slog.Duration("took", time.Since(begin)))
			}()
			next.ServeHTTP(rw, r)
		})
	}
}

// tokenPath is the one place of the REST API where a token is part of the path.
const tokenPath = "/authorizations/token/"

// loggedPath gives the path of a request as the log may have it: bounded, and without the token that an old API call carries in it.
func loggedPath(r *http.Request) string {
	path := r.URL.EscapedPath()
	if i := strings.Index(path, tokenPath); i >= 0 {
		path = path[:i+len(tokenPath)] + "[masked]"
	}
	return clip(path, 256)
}

// clip bounds a text that came from outside to n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
