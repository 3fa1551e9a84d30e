package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/web"
)

const (
	// probePatience bounds one question to a part of the hub.
	probePatience = 3 * time.Second
	// probeFresh is how long an answer is shown again, so that asking for the health burdens nobody.
	probeFresh = 5 * time.Second
	// roundPatience is how long the loop that brings servers forward may be silent; it goes round every second.
	roundPatience = 30 * time.Second
	// feedPatience is how long the connection that hears other hubs may be silent; it gives a sign of life every 20 s.
	feedPatience = time.Minute
)

var errShuttingDown = hub.Errorf(hub.Unavailable, "the hub is being stopped")

// probe asks one part of the hub whether it works. Its errors have words that anybody may read.
type probe struct {
	name  string
	vital bool // without it the hub cannot do its work at all
	ask   func(ctx context.Context) error
}

// finding is what a probe found. It is a part of the answer to hub/health?deep.
type finding struct {
	OK           bool    `json:"ok"`
	Milliseconds float64 `json:"milliseconds"`
	Problem      string  `json:"problem,omitempty"` // what does not work and what to do
}

// health remembers what the probes found a few seconds ago.
type health struct {
	probes []probe
	log    *slog.Logger

	mu    sync.Mutex
	at    time.Time          // guarded by mu
	found map[string]finding // guarded by mu
}

// probes lists what the hub depends on. Parts that cannot say how they are have none.
func (a *App) probes(authenticator hub.Authenticator) []probe {
	all := []probe{
		{"database", true, a.db.Ping},
		{"controller", true, a.probeController},
		{"proxy", true, func(context.Context) error { return a.notClosing() }},
	}
	if a.db.MultiHub() {
		all = append(all, probe{"changes", false, a.probeFeed})
	}
	if p, ok := authenticator.(hub.Prober); ok {
		all = append(all, probe{"authenticator", false, p.Probe})
	}
	if p, ok := a.spawner.(hub.Prober); ok {
		all = append(all, probe{"spawner", false, p.Probe})
	}
	return all
}

func (a *App) notClosing() error {
	if a.closing.Load() {
		return errShuttingDown
	}
	return nil
}

func (a *App) probeController(context.Context) error {
	last := a.spawn.LastRound()
	if last.IsZero() {
		last = a.begun
	}
	if time.Since(last) > roundPatience {
		return hub.Errorf(hub.Unavailable, "servers are not brought forward since %s: look into the hub's log, and restart the hub if nothing is wrong with the database",
			last.UTC().Format(time.RFC3339))
	}
	return nil
}

func (a *App) probeFeed(context.Context) error {
	if last := a.db.LastHeard(); time.Since(last) > feedPatience {
		return hub.Errorf(hub.Unavailable, "nothing is heard of other hubs since %s: look at the database and the network in between", last.UTC().Format(time.RFC3339))
	}
	return nil
}

// look asks all probes at once, or gives what they found just before.
func (h *health) look(ctx context.Context) map[string]finding {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.found != nil && time.Since(h.at) < probeFresh {
		return h.found
	}
	// Whoever asks first may go away; the answer is for the others too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probePatience)
	defer cancel()
	found := make(map[string]finding, len(h.probes))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, p := range h.probes {
		wg.Go(func() {
			begin := time.Now()
			err := p.ask(ctx)
			if err != nil {
				h.log.WarnContext(ctx, "a part of the hub does not work", "part", p.name, "err", err)
			}
			f := finding{OK: err == nil, Milliseconds: float64(time.Since(begin).Microseconds()) / 1000, Problem: problem(ctx, err)}
			mu.Lock()
			defer mu.Unlock()
			found[p.name] = f
		})
	}
	wg.Wait()
	h.found, h.at = found, time.Now() // of the end: what took long isn't old at once
	return found
}

// problem gives the words of an error for whoever reads them, which may be anybody.
func problem(ctx context.Context, err error) string {
	if err == nil {
		return ""
	}
	if text := hub.MessageOf(err); text != "" {
		return text
	}
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		return "no answer within " + probePatience.String()
	}
	return "it does not work; the hub's log says more"
}

// showHealth says whether the hub can do its work. JupyterHub's web contract: 200 and nothing else, for GET and HEAD; else 503 with words.
// With ?deep it says of every part how it is, as JSON; a part that the hub can do without for a while does not make it a 503.
func (a *App) showHealth(w http.ResponseWriter, r *http.Request) error {
	found := a.health.look(r.Context())
	if err := a.notClosing(); err != nil { // also within the seconds that an answer is remembered
		found = map[string]finding{"proxy": {Problem: problem(r.Context(), err)}}
	}
	status, words := http.StatusOK, ""
	for _, p := range a.health.probes {
		if f, ok := found[p.name]; ok && !f.OK && p.vital {
			status = http.StatusServiceUnavailable
			words += p.name + ": " + f.Problem + "\n"
		}
	}
	if r.URL.Query().Has("deep") {
		return web.JSON(w, status, map[string]any{"ok": status == http.StatusOK, "parts": found})
	}
	if status != http.StatusOK {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(words)) // a client that is gone reads nothing
		return nil
	}
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(status)
	return nil
}
