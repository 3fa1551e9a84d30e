package app

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/metrics"
	"berdlhub/internal/scope"
	"berdlhub/internal/web"
)

// maxPolicyReport bounds a browser's report in bytes; it is read only so that the connection can be used again.
const maxPolicyReport = 64 << 10

// watch connects the metrics with what is asked when they are read. The parts of the hub must exist.
func (a *App) watch() {
	a.metrics.Read(metrics.Sources{
		Counts: a.counts, Ping: a.db.Ping, Proxy: a.proxyStats, Claims: a.spawn.Claims,
		Heard: func() map[string]time.Time {
			return map[string]time.Time{"changes": a.db.LastHeard(), "controller": a.spawn.LastRound()}
		},
		Log: func(ctx context.Context, err error) {
			a.log.WarnContext(ctx, "the metrics lack what the database holds", "err", err)
		},
	})
}

func (a *App) counts(ctx context.Context) (metrics.Counts, error) {
	c, err := a.db.Count(ctx, time.Now())
	if err != nil {
		return metrics.Counts{}, err
	}
	return metrics.Counts{
		Users: c.Users, Active: map[string]int{"24h": c.ActiveDay, "7d": c.ActiveWeek, "30d": c.ActiveMonth},
		Running: c.Servers[hub.Ready], Queued: c.Servers[hub.Queued], Starting: c.Servers[hub.Starting], Stopping: c.Servers[hub.Stopping],
	}, nil
}

func (a *App) proxyStats() metrics.Proxy {
	s := a.proxy.Stats()
	return metrics.Proxy{
		Requests: map[string]int64{"http": s.HTTP, "websocket": s.WebSocket, "hub": s.Hub},
		Answers:  map[string]int64{"1xx": s.Answers[1], "2xx": s.Answers[2], "3xx": s.Answers[3], "4xx": s.Answers[4], "5xx": s.Answers[5]},
		Failures: s.Failures, Active: s.Active, BytesIn: s.BytesIn, BytesOut: s.BytesOut, WebSockets: s.WebSockets, Routes: s.Routes,
		Connections: a.connections.Load(),
	}
}

// countConnections keeps the number of clients' connections. One that became a WebSocket's is the proxy's from then on.
func countConnections(open *atomic.Int64) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		case http.StateActive, http.StateIdle:
		}
	}
}

// readMetrics shows the metrics. JupyterHub's web contract, GET /hub/metrics: scope read:metrics, by cookie or token, unless
// authenticate_prometheus is false.
func (a *App) readMetrics(who *auth.Auth) web.Handler {
	show := a.metrics.Handler()
	return func(w http.ResponseWriter, r *http.Request) error {
		if a.cfg.Hub.AuthenticatePrometheus {
			p, err := who.FromRequest(w, r)
			if err != nil {
				return err
			}
			if err := auth.Require(p, scope.Anything(), "read:metrics"); err != nil {
				return err
			}
		}
		show.ServeHTTP(w, r)
		return nil
	}
}

// policyReport counts a browser's report that a page broke the content security policy. Anybody can send one, so nothing of it is kept.
func (a *App) policyReport(w http.ResponseWriter, r *http.Request) {
	_, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxPolicyReport))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	a.metrics.PolicyReport()
}
