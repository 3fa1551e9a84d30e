package web

import (
	"net/http"
	"strings"
)

// reply knows whether an answer has begun, and turns a 200 into a 304 when the client has the same content already.
type reply struct {
	http.ResponseWriter
	match   string // If-None-Match of a GET or HEAD
	changes bool   // the method is another one, whose answer has no tag
	started bool
	dropped bool // a 304: the body is not sent
	status  int
	bytes   int64
}

func newReply(w http.ResponseWriter, r *http.Request) *reply {
	rw := &reply{ResponseWriter: w}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		rw.match = r.Header.Get("If-None-Match")
	} else {
		rw.changes = true
	}
	return rw
}

// Unwrap lets http.ResponseController reach the connection: flushing and taking over work through this writer.
func (w *reply) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the status, or 304 when the client's copy is the same.
func (w *reply) WriteHeader(status int) {
	if w.started {
		return
	}
	if status >= 200 { // 1xx come before the answer
		w.started = true
		if w.changes {
			w.Header().Del("ETag")
		}
		if status == http.StatusNoContent {
			w.Header().Del("Content-Type")
		}
		if status == http.StatusOK && sameTag(w.match, w.Header().Get("ETag")) {
			status, w.dropped = http.StatusNotModified, true
			w.Header().Del("Content-Length")
			w.Header().Del("Content-Type")
		}
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body; nothing of it after a 304.
func (w *reply) Write(p []byte) (int, error) {
	if !w.started {
		w.WriteHeader(http.StatusOK)
	}
	if w.dropped {
		return len(p), nil
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// sameTag compares an If-None-Match list with a tag; weak and strong tags count as the same, as RFC 9110 has it for this header.
func sameTag(list, tag string) bool {
	if list == "" || tag == "" {
		return false
	}
	tag = strings.TrimPrefix(tag, "W/")
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if part == "*" || part == tag {
			return true
		}
	}
	return false
}
