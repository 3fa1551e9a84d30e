package proxy

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what the proxy does. The series carry no path and no name, so their number does not grow.
type metrics struct {
	http, webSocket, hub prometheus.Counter
	answers              [6]prometheus.Counter // by the first digit of the status
	failures             prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, t *Table, log *slog.Logger) *metrics {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "berdlhub_proxy_requests_total", Help: "Requests by where they went: http and websocket to servers, hub to the hub.",
	}, []string{"to"})
	answers := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "berdlhub_proxy_answers_total", Help: "Answers of servers, and the proxy's in their place, by class of status.",
	}, []string{"class"})
	m := &metrics{
		http: requests.WithLabelValues("http"), webSocket: requests.WithLabelValues("websocket"), hub: requests.WithLabelValues("hub"),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "berdlhub_proxy_target_failures_total", Help: "Requests that a server did not answer: refused, reset or too late.",
		}),
	}
	for i, class := range []string{"", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		if class != "" {
			m.answers[i] = answers.WithLabelValues(class)
		}
	}
	if reg == nil {
		return m
	}
	for _, c := range []prometheus.Collector{
		requests, answers, m.failures,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "berdlhub_proxy_routes", Help: "Routes in the table.",
		}, func() float64 { return float64(t.Len()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "berdlhub_proxy_websockets", Help: "Open WebSockets.",
		}, func() float64 { return float64(t.sockets.count()) }),
	} {
		if err := reg.Register(c); err != nil {
			log.Error("a metric of the proxy cannot be registered", "err", err)
		}
	}
	return m
}

func (m *metrics) answered(status int) {
	if class := status / 100; class >= 1 && class < len(m.answers) {
		m.answers[class].Inc()
	}
}
