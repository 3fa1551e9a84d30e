package web

import (
	"net/http"
	"strings"
	"time"
)

// Observe tells of every request what it was and how long it took: its method, the pattern of the route below base that served it,
// empty when none did, and the status. A pattern has no names and no tokens in it. It stands outside of Recover, which gives a panic its
// status, and inside of whatever makes a new request, because only then it learns the pattern.
func Observe(base string, tell func(method, route string, status int, took time.Duration)) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			begin := time.Now()
			rw := &reply{ResponseWriter: w}
			defer func() {
				status := rw.status
				switch {
				case status != 0:
				case r.Context().Err() != nil:
					status = 499 // the client went away before there was an answer
				default:
					status = http.StatusOK
				}
				tell(r.Method, routeOf(r.Pattern, base), status, time.Since(begin))
			}()
			next.ServeHTTP(rw, r)
		})
	}
}

// routeOf gives a pattern of http.ServeMux without its method and the base path.
func routeOf(pattern, base string) string {
	if i := strings.IndexByte(pattern, ' '); i >= 0 {
		pattern = strings.TrimSpace(pattern[i+1:])
	}
	if rest, ok := strings.CutPrefix(pattern, base); ok {
		return "/" + rest
	}
	return ""
}
