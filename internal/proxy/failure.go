package proxy

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// warnEvery is the shortest time between two warnings about one target.
const warnEvery = 10 * time.Second

// What the client reads when its request cannot be relayed. Addresses and causes are for the log.
const (
	sayUnavailable = "The server does not answer. It may be starting, stopping or overloaded: try again in a moment."
	sayBadBody     = "The body of the request broke off or is malformed: send it again."
)

// fail answers in the place of a target that did not. JupyterHub's proxy contract: 503 whatever the cause.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := passageOf(r)
	if p.socket != nil {
		_ = p.socket.Close() // it failed already
	}
	if rw, ok := w.(*relayWriter); ok && rw.hijacked {
		h.cfg.Logger.Debug("a WebSocket could not be set up", "prefix", p.entry.route.Prefix, "err", err)
		return
	}
	switch {
	case r.Context().Err() != nil:
		h.cfg.Logger.Debug("a client went away", "prefix", p.entry.route.Prefix, "err", err)
		w.WriteHeader(http.StatusServiceUnavailable) // read by somebody only if the server is being stopped
		return
	case p.badBody.Load():
		h.cfg.Logger.Debug("a request broke off", "prefix", p.entry.route.Prefix, "err", err)
		w.Header().Set("Connection", "close")
		answer(w, r, p.path, http.StatusBadRequest, sayBadBody)
		return
	}
	h.metrics.failures.Add(1)
	if !errors.Is(err, errClosing) && !errors.Is(err, errRetired) && p.entry.live.mayWarn(warnEvery) {
		h.cfg.Logger.Warn("a server does not answer", "prefix", p.entry.route.Prefix, "target", p.entry.route.Target, "err", err)
	}
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case p.webSocket:
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	case h.cfg.ErrorPage == nil || prefersJSON(r, p.path):
		answer(w, r, p.path, http.StatusServiceUnavailable, sayUnavailable)
	default:
		h.cfg.ErrorPage(w, r, http.StatusServiceUnavailable, err)
	}
}

// prefersJSON says whether a client is a program: it asks below an api, or takes JSON and no pages.
func prefersJSON(r *http.Request, path string) bool {
	accept := strings.ToLower(strings.Join(r.Header["Accept"], ","))
	return strings.Contains(path, "/api/") || strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// answer sends a message in JSON's form of JupyterHub's REST API, or as a line of text.
func answer(w http.ResponseWriter, r *http.Request, path string, status int, message string) {
	body, kind := []byte(message+"\n"), "text/plain; charset=utf-8"
	if prefersJSON(r, path) {
		kind = "application/json"
		body, _ = json.Marshal(map[string]any{"status": status, "message": message}) // cannot fail for these types
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone reads nothing
}

// relayWriter counts answers, and keeps interim ones from setting anything for the browser.
type relayWriter struct {
	http.ResponseWriter
	metrics  *metrics
	passage  *passage
	hijacked bool
}

// Unwrap lets http.ResponseController reach the connection.
func (w *relayWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the status.
func (w *relayWriter) WriteHeader(status int) {
	if status < http.StatusOK {
		dropSettings(w.Header())
	} else {
		w.metrics.answered(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Hijack hands the connection over to the WebSocket of the passage.
func (w *relayWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.hijacked = err == nil
	if s := w.passage.socket; s != nil && err == nil {
		s.attach(conn)
	}
	return conn, buf, err
}
