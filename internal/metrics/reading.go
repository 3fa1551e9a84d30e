package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// patience bounds what a scrape waits for the database.
	patience = 2 * time.Second
	// fresh is how long the counts of the database are shown again, so that scraping cannot burden it.
	fresh = 5 * time.Second
)

// Counts are numbers that stand in the database. They are the same on every replica of a hub.
type Counts struct {
	Users    int
	Active   map[string]int // users by period: 24h, 7d, 30d
	Running  int            // servers that are ready
	Queued   int            // servers that wait for their turn to start
	Starting int
	Stopping int
}

// Proxy is what the proxy has done and does.
type Proxy struct {
	Requests           map[string]int64 // by where they went: http, websocket, hub
	Answers            map[string]int64 // by class of status: 2xx
	Failures           int64
	Active             int64 // requests under way
	BytesIn, BytesOut  int64
	WebSockets, Routes int64
	Connections        int64 // of clients to the public address
}

// Sources are asked when the metrics are read. A nil one shows nothing.
type Sources struct {
	Counts func(context.Context) (Counts, error)
	Ping   func(context.Context) error // asks whether the database answers
	Proxy  func() Proxy
	Claims func() int                  // servers that this hub works on
	Heard  func() map[string]time.Time // when each change feed or loop was last heard, by a fixed name
	Log    func(ctx context.Context, err error)
}

// Read adds what is asked at each reading. Call it once, before Handler serves.
func (m *Registry) Read(from Sources) {
	m.registry.MustRegister(newReading(m.prefix, from))
}

// reading asks the sources at each scrape.
type reading struct {
	from Sources
	desc map[string]*prometheus.Desc

	mu     sync.Mutex
	counts Counts    // guarded by mu
	at     time.Time // of counts; guarded by mu
	known  bool      // guarded by mu
}

func newReading(prefix string, from Sources) *reading {
	r := &reading{from: from, desc: map[string]*prometheus.Desc{}}
	add := func(namespace, name, help string, labels ...string) {
		r.desc[name] = prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	add(prefix, "running_servers", "Servers that are ready.")
	add(prefix, "total_users", "Users.")
	add(prefix, "active_users", "Users who were active within a period.", "period")
	add("berdlhub", "servers", "Servers that are neither stopped nor failed, by phase.", "phase")
	add("berdlhub", "start_queue_length", "Servers that wait for their turn to start.")
	add("berdlhub", "claims_held", "Servers that this hub works on.")
	add("berdlhub", "watch_age_seconds", "Time since a feed of changes or a loop was last heard.", "watch")
	add("berdlhub", "database_up", "1 when the database answered this reading, else 0.")
	add("berdlhub", "database_ping_seconds", "How long the database took to answer this reading.")
	add("berdlhub", "proxy_requests_total", "Requests by where they went: http and websocket to servers, hub to the hub.", "to")
	add("berdlhub", "proxy_answers_total", "Answers of servers, and the proxy's in their place, by class of status.", "class")
	add("berdlhub", "proxy_target_failures_total", "Requests that a server did not answer: refused, reset or too late.")
	add("berdlhub", "proxy_active_requests", "Requests to servers under way, open WebSockets among them.")
	add("berdlhub", "proxy_bytes_total", "Bytes of bodies and WebSockets: in to servers, out from servers.", "direction")
	add("berdlhub", "proxy_websockets", "Open WebSockets.")
	add("berdlhub", "proxy_routes", "Routes in the table.")
	add("berdlhub", "proxy_connections", "Connections of clients to the public address.")
	return r
}

// Describe names everything that Collect may give.
func (r *reading) Describe(to chan<- *prometheus.Desc) {
	for _, d := range r.desc {
		to <- d
	}
}

// Collect asks the sources.
func (r *reading) Collect(to chan<- prometheus.Metric) {
	gauge := func(name string, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(r.desc[name], prometheus.GaugeValue, value, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r.collectDatabase(ctx, gauge)
	if r.from.Claims != nil {
		gauge("claims_held", float64(r.from.Claims()))
	}
	if r.from.Heard != nil {
		for watch, at := range r.from.Heard() {
			if !at.IsZero() {
				gauge("watch_age_seconds", max(0, time.Since(at).Seconds()), watch)
			}
		}
	}
	if r.from.Proxy != nil {
		r.collectProxy(to, gauge)
	}
}

// collectDatabase gives what stands in the database, and whether it answers. When it does not, the counts are left out: old ones
// would look like new ones.
func (r *reading) collectDatabase(ctx context.Context, gauge func(string, float64, ...string)) {
	if r.from.Ping != nil {
		begin := time.Now()
		err := r.from.Ping(ctx)
		up := 1.0
		if err != nil {
			up = 0
		}
		gauge("database_up", up)
		gauge("database_ping_seconds", time.Since(begin).Seconds())
	}
	if r.from.Counts == nil {
		return
	}
	counts, ok := r.count(ctx)
	if !ok {
		return
	}
	gauge("running_servers", float64(counts.Running))
	gauge("total_users", float64(counts.Users))
	for period, n := range counts.Active {
		gauge("active_users", float64(n), period)
	}
	for phase, n := range map[string]int{"queued": counts.Queued, "starting": counts.Starting, "ready": counts.Running, "stopping": counts.Stopping} {
		gauge("servers", float64(n), phase)
	}
	gauge("start_queue_length", float64(counts.Queued))
}

func (r *reading) count(ctx context.Context) (Counts, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known && time.Since(r.at) < fresh {
		return r.counts, true
	}
	counts, err := r.from.Counts(ctx)
	r.known = err == nil
	if err != nil {
		if r.from.Log != nil {
			r.from.Log(ctx, err)
		}
		return Counts{}, false
	}
	r.counts, r.at = counts, time.Now()
	return counts, true
}

func (r *reading) collectProxy(to chan<- prometheus.Metric, gauge func(string, float64, ...string)) {
	counter := func(name string, value int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(r.desc[name], prometheus.CounterValue, float64(value), labels...)
	}
	p := r.from.Proxy()
	for where, n := range p.Requests {
		counter("proxy_requests_total", n, where)
	}
	for class, n := range p.Answers {
		counter("proxy_answers_total", n, class)
	}
	counter("proxy_target_failures_total", p.Failures)
	counter("proxy_bytes_total", p.BytesIn, "in")
	counter("proxy_bytes_total", p.BytesOut, "out")
	gauge("proxy_active_requests", float64(p.Active))
	gauge("proxy_websockets", float64(p.WebSockets))
	gauge("proxy_routes", float64(p.Routes))
	gauge("proxy_connections", float64(p.Connections))
}
