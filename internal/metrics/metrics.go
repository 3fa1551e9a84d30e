// Package metrics counts and times what the hub does and shows it in the text format of Prometheus.
//
// Nothing here carries a name, a path or an address of anybody: every label has a small, fixed set of values. Who observes something
// declares a small interface of its own, which a Registry satisfies; nothing is global.
package metrics

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// ContentType is what the metrics are sent as. JupyterHub's web contract: GET /hub/metrics.
const ContentType = "text/plain; version=1.0.0; charset=utf-8"

// The buckets of what takes long, in seconds: a start or stop of a server, and of the hub itself.
var long = []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 180, 300, 600}

// Config says how the metrics are named. The zero value gives JupyterHub's names.
type Config struct {
	// Prefix stands before the names of JupyterHub's metrics; "": jupyterhub. Those of berdlhub alone begin with berdlhub whatever it is.
	Prefix string
}

// validPrefix is what Prometheus takes as the beginning of a name.
var validPrefix = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)

// Registry holds the metrics of one hub. It is safe for concurrent use; observing takes no lock that a request waits for long.
type Registry struct {
	registry *prometheus.Registry
	prefix   string

	requests       *prometheus.HistogramVec
	starts         *prometheus.HistogramVec
	stops          *prometheus.HistogramVec
	polls          *prometheus.HistogramVec
	routeAdds      *prometheus.HistogramVec
	routeDeletes   *prometheus.HistogramVec
	signIns        *prometheus.HistogramVec
	signOuts       prometheus.Histogram
	routeChecks    prometheus.Histogram
	hubStart       prometheus.Histogram
	serversLoading prometheus.Histogram
	cspReports     prometheus.Counter
	steps          *prometheus.HistogramVec
	claimsLost     prometheus.Counter
}

// New makes the metrics. It returns an error when the prefix cannot begin a name.
func New(cfg Config) (*Registry, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = "jupyterhub"
	}
	if !validPrefix.MatchString(cfg.Prefix) {
		return nil, fmt.Errorf("the metrics prefix %q cannot begin a name: letters, digits, _ and : can, and no digit in front", cfg.Prefix)
	}
	m := &Registry{registry: prometheus.NewRegistry(), prefix: cfg.Prefix}
	m.requests = m.histogram(cfg.Prefix, "request_duration_seconds", "Requests to the hub by route and status.", nil, "method", "handler", "code")
	m.starts = m.histogram(cfg.Prefix, "server_spawn_duration_seconds", "Starts of servers by outcome.", long, "status", "reason")
	m.stops = m.histogram(cfg.Prefix, "server_stop_seconds", "Stops of servers by outcome.", long, "status")
	m.polls = m.histogram(cfg.Prefix, "server_poll_duration_seconds", "Looks at running servers by what was found.", nil, "status")
	m.routeAdds = m.histogram(cfg.Prefix, "proxy_add_duration_seconds", "Additions of routes by outcome.", nil, "status")
	m.routeDeletes = m.histogram(cfg.Prefix, "proxy_delete_duration_seconds", "Removals of routes by outcome.", nil, "status")
	m.signIns = m.histogram(cfg.Prefix, "login_duration_seconds", "Sign-ins by outcome.", nil, "status")
	m.signOuts = m.single(cfg.Prefix, "logout_duration_seconds", "Sign-outs.", nil)
	m.routeChecks = m.single(cfg.Prefix, "check_routes_duration_seconds", "Comparisons of all routes with all running servers.", nil)
	m.hubStart = m.single(cfg.Prefix, "hub_startup_duration_seconds", "Starts of the hub, until it serves.", long)
	m.serversLoading = m.single(cfg.Prefix, "init_spawners_duration_seconds", "Loading of the running servers at the start of the hub.", long)
	m.cspReports = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: cfg.Prefix, Name: "csp_reports_total", Help: "Reports of browsers that a page broke the content security policy.",
	})
	m.steps = m.histogram("berdlhub", "start_step_duration_seconds", "Steps of starts of servers.", long, "step")
	m.claimsLost = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "berdlhub", Name: "claims_lost_total", Help: "Servers that this hub worked on until another one took them over.",
	})
	m.registry.MustRegister(m.cspReports, m.claimsLost,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, status := range []string{"success", "failure"} { // so that a rate can be taken from the first one on
		m.stops.WithLabelValues(status)
		m.signIns.WithLabelValues(status)
		m.routeAdds.WithLabelValues(status)
	}
	m.routeDeletes.WithLabelValues("success")
	m.starts.WithLabelValues("success", "")
	m.polls.WithLabelValues("running")
	return m, nil
}

func (m *Registry) histogram(namespace, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(h)
	return h
}

func (m *Registry) single(namespace, name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return h
}

// methods are those that a request is counted under; a stranger's own words are not.
var methods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "OPTIONS": true}

// Request counts an answered request. route is the pattern that matched, never a path; "" when none did.
func (m *Registry) Request(method, route string, status int, took time.Duration) {
	if !methods[method] {
		method = "other"
	}
	if route == "" {
		route = "unknown"
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Started counts an ended start of a server. JupyterHub's life cycle: status is success, failure or error; reason is why, "" for success.
func (m *Registry) Started(status, reason string, took time.Duration) {
	m.starts.WithLabelValues(status, reason).Observe(took.Seconds())
}

// Step counts a step of a start.
func (m *Registry) Step(step string, took time.Duration) {
	m.steps.WithLabelValues(step).Observe(took.Seconds())
}

// Stopped counts a stop of a server, or a try that did not finish.
func (m *Registry) Stopped(ok bool, took time.Duration) {
	m.stops.WithLabelValues(outcome(ok)).Observe(took.Seconds())
}

// Polled counts a look at a server: status is running, stopped or unknown.
func (m *Registry) Polled(status string, took time.Duration) {
	m.polls.WithLabelValues(status).Observe(took.Seconds())
}

// Routed counts a route that was added to the proxy's table.
func (m *Registry) Routed(ok bool, took time.Duration) {
	m.routeAdds.WithLabelValues(outcome(ok)).Observe(took.Seconds())
}

// Unrouted counts a route that was removed from the proxy's table.
func (m *Registry) Unrouted(took time.Duration) {
	m.routeDeletes.WithLabelValues(outcome(true)).Observe(took.Seconds())
}

// RoutesChecked counts a comparison of all routes with all running servers.
func (m *Registry) RoutesChecked(took time.Duration) { m.routeChecks.Observe(took.Seconds()) }

// ClaimLost counts a server that another hub took over while this one worked on it.
func (m *Registry) ClaimLost() { m.claimsLost.Inc() }

// SignedIn counts a sign-in.
func (m *Registry) SignedIn(ok bool, took time.Duration) {
	m.signIns.WithLabelValues(outcome(ok)).Observe(took.Seconds())
}

// SignedOut counts a sign-out.
func (m *Registry) SignedOut(took time.Duration) { m.signOuts.Observe(took.Seconds()) }

// PolicyReport counts a browser's report that a page broke the content security policy.
func (m *Registry) PolicyReport() { m.cspReports.Inc() }

// HubStarted counts the start of the hub: in all, and for loading the running servers.
func (m *Registry) HubStarted(took, loading time.Duration) {
	m.hubStart.Observe(took.Seconds())
	m.serversLoading.Observe(loading.Seconds())
}

func outcome(ok bool) string {
	if ok {
		return "success"
	}
	return "failure"
}

// Handler writes all metrics. It asks nobody who he is.
func (m *Registry) Handler() http.Handler {
	inner := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, DisableCompression: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plain := r.Clone(r.Context())
		plain.Header.Del("Accept") // the text format only, whatever a scraper would also take
		inner.ServeHTTP(&textWriter{ResponseWriter: w}, plain)
	})
}

// textWriter sends the text format under JupyterHub's name for it.
type textWriter struct {
	http.ResponseWriter
	begun bool
}

// WriteHeader sets the content type of an answer that went well.
func (w *textWriter) WriteHeader(status int) {
	if !w.begun && status == http.StatusOK {
		w.Header().Set("Content-Type", ContentType)
	}
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (w *textWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}
