// Package app builds the hub from its configuration, starts it and stops it. It is the only place that knows everything.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"berdlhub/internal/config"
	"berdlhub/internal/hub"
	"berdlhub/internal/metrics"
	"berdlhub/internal/proxy"
	"berdlhub/internal/secret"
	"berdlhub/internal/service"
	"berdlhub/internal/spawn"
	"berdlhub/internal/store"
)

const (
	// drain is how long a stopping hub waits for answers under way.
	drain = 5 * time.Second
	// undoTimeout bounds everything that a stopping hub does, in all.
	undoTimeout = 30 * time.Second
)

// Options are what the configuration does not say.
type Options struct {
	Log *slog.Logger
	// Fault is called at each step of a server's life; tests kill the process there. nil: nothing.
	Fault func(point string)
	// Spawner takes the place of the configured one in tests. nil: the configured one.
	Spawner hub.Spawner
	// Now is the clock of sign-ins and tokens in tests. nil: the real one.
	Now func() time.Time
}

// App is a whole hub: built by New, run by Run.
type App struct {
	cfg     *config.Config
	log     *slog.Logger
	replica string
	undo    []func(context.Context) error // in the order of building; run backwards

	db      *store.DB
	table   *proxy.Table
	spawn   *spawn.Controller
	service *service.Supervisor
	public  net.Listener
	private net.Listener
	spawner hub.Spawner
	metrics *metrics.Registry
	health  *health
	begun   time.Time     // when the start of the hub began
	loading time.Duration // how long loading the running servers took
	closing atomic.Bool   // the hub ends
	// connections counts those of clients to the public address.
	connections atomic.Int64
	front       http.Handler // the hub without the proxy
	proxy       *proxy.Handler
	workers     []func(context.Context) error
	quit        chan *bool // somebody asks the hub to end through the API; whether servers end with it, nil: as the configuration says
}

// New builds a hub: opens the database, brings it up to date, and listens. Nothing is served before Run.
// Errors name the setting or the outside party that is at fault.
func New(ctx context.Context, cfg *config.Config, opts Options) (*App, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	host, _ := os.Hostname()
	a := &App{cfg: cfg, log: opts.Log, replica: host + "-" + secret.NewRunID(), table: proxy.NewTable(), quit: make(chan *bool, 1), begun: time.Now()}
	var err error
	if a.metrics, err = metrics.New(metrics.Config{Prefix: cfg.Hub.MetricsPrefix}); err != nil {
		return nil, err
	}
	if err := a.build(ctx, opts); err != nil {
		return nil, errors.Join(err, a.stop(ctx))
	}
	return a, nil
}

// URL is where a browser finds the hub, for example http://127.0.0.1:8000/.
func (a *App) URL() string {
	host, port, err := net.SplitHostPort(a.public.Addr().String())
	if err != nil {
		return a.public.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + a.cfg.Hub.BaseURL
}

// Run serves until the context ends or a part of the hub fails, then stops everything in reverse order.
// Single-user servers go on running unless cleanup_servers was set to true.
func (a *App) Run(ctx context.Context) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	failed := make(chan error, len(a.workers)+2)
	var wg sync.WaitGroup
	for _, worker := range a.workers {
		wg.Go(func() {
			if err := worker(work); err != nil && work.Err() == nil {
				failed <- err
			}
		})
	}
	servers := []*http.Server{a.server(slashed(a.cfg.Hub.BaseURL, a.proxy)), a.server(a.front)}
	servers[0].ConnState = countConnections(&a.connections)
	for i, l := range []net.Listener{a.public, a.private} {
		wg.Go(func() {
			if err := servers[i].Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve on %s: %w", l.Addr(), err)
			}
		})
	}
	a.metrics.HubStarted(time.Since(a.begun), a.loading)
	a.log.InfoContext(ctx, "hub is ready", "url", a.URL(), "replica", a.replica)
	var err error
	cleanup := a.cfg.Hub.CleanupServers
	select {
	case <-ctx.Done():
	case err = <-failed:
	case servers := <-a.quit:
		if servers != nil {
			cleanup = *servers
		}
	}
	err = errors.Join(err, a.shutDown(context.WithoutCancel(ctx), servers, cleanup))
	stopWork()
	wg.Wait()
	return errors.Join(err, a.stop(context.WithoutCancel(ctx)))
}

// askQuit ends the hub as soon as the answer to who asks is out. JupyterHub REST API: POST /shutdown.
func (a *App) askQuit(servers *bool) {
	select {
	case a.quit <- servers:
	default: // it ends already
	}
}

// shutDown stops servers if that is wanted, then takes no more requests and waits a little for those under way.
func (a *App) shutDown(ctx context.Context, servers []*http.Server, cleanup bool) error {
	a.closing.Store(true)
	var err error
	if cleanup {
		err = a.stopServers(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	err = errors.Join(err, a.proxy.Close(ctx))
	var wg sync.WaitGroup
	for _, s := range servers {
		wg.Go(func() {
			if s.Shutdown(ctx) != nil {
				_ = s.Close() // the time is up: whoever is still connected comes back to the next hub
			}
		})
	}
	wg.Wait()
	return err
}

// stopServers stops every server. JupyterHub.cleanup_servers.
func (a *App) stopServers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, undoTimeout)
	defer cancel()
	active, err := a.db.ActiveServers(ctx)
	if err != nil {
		return err
	}
	for _, srv := range active {
		if _, err := a.spawn.Stop(ctx, srv.Key, "Stopped because the hub was stopped."); err != nil {
			return err
		}
	}
	for _, srv := range active {
		if _, err := a.spawn.WaitStopped(ctx, srv.Key); err != nil && hub.CodeOf(err) != hub.NotFound {
			return fmt.Errorf("stop the server of %s: %w", srv.Key, err)
		}
	}
	return nil
}

// stop undoes what was built, last first.
func (a *App) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	var all error
	for _, undo := range slices.Backward(a.undo) {
		all = errors.Join(all, undo(ctx))
	}
	a.undo = nil
	return all
}

// server gives an HTTP server with limits on what a stranger can hold open; answers may take as long as they need.
func (a *App) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}
