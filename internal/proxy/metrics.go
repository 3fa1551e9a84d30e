package proxy

import "sync/atomic"

// metrics counts what the proxy does. Counting is one atomic addition; nobody reads before Stats is called.
type metrics struct {
	http, webSocket, hub atomic.Int64
	answers              [6]atomic.Int64 // by the first digit of the status
	failures             atomic.Int64
	active               atomic.Int64
	in, out              atomic.Int64
}

// Stats is what a Handler has done since it was made, and what it does at the moment. It carries no path and no name, so that it
// may be shown to whoever watches the hub.
type Stats struct {
	HTTP, WebSocket, Hub int64    // requests by where they went: to servers, to servers for a WebSocket, to the hub
	Answers              [6]int64 // answers of servers, and the proxy's in their place, by the first digit of the status
	Failures             int64    // requests that a server did not answer: refused, reset or too late
	Active               int64    // requests to servers under way, open WebSockets among them
	BytesIn, BytesOut    int64    // of bodies and WebSockets: to servers and from servers
	WebSockets, Routes   int64    // open WebSockets, and routes in the table
}

// Stats counts. It is safe for concurrent use and takes no lock that a request waits for long.
func (h *Handler) Stats() Stats {
	m := h.metrics
	s := Stats{
		HTTP: m.http.Load(), WebSocket: m.webSocket.Load(), Hub: m.hub.Load(), Failures: m.failures.Load(), Active: m.active.Load(),
		BytesIn: m.in.Load(), BytesOut: m.out.Load(), WebSockets: int64(h.table.sockets.count()), Routes: int64(h.table.Len()),
	}
	for i := range m.answers {
		s.Answers[i] = m.answers[i].Load()
	}
	return s
}

func (m *metrics) answered(status int) {
	if class := status / 100; class >= 1 && class < len(m.answers) {
		m.answers[class].Add(1)
	}
}
