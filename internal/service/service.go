// Package service does what the hub does for services: leads the proxy to those with an address, runs those with a command, and looks
// whether they answer.
//
// Every replica has the routes and looks at the health; a service with a command runs on the one replica that holds its lease.
package service

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/proxy"
	"berdlhub/internal/store"
)

// Config says what services are told and which of them the hub runs. The names in brackets are JupyterHub's.
type Config struct {
	Replica          string
	Alone            bool   // no other hub can use the database, so that no lease is needed
	HubID            string // marks the processes of this hub
	BaseURL          string // public path prefix with both slashes
	APIURL           string // where services reach the API, without a closing slash
	PublicURL        string // with the closing slash; empty: not known
	CookieHostPrefix bool
	CookieOptions    json.RawMessage // [tornado_settings.cookie_options]; nil when empty
	CheckEvery       time.Duration   // between two looks at a service's health [service_check_interval]; 0: never
	Managed          []Managed       // the services that the hub runs
	Environ          []string        // what they inherit of the hub's environment, as NAME=value

	Backoff  time.Duration // pause before the first start again, doubled each time up to a minute; 0: 1 s
	Patience time.Duration // wait after SIGINT, and after SIGTERM; 0: 5 s
	LeaseFor time.Duration // how long a lease lasts; 0: 30 s
	Log      *slog.Logger
}

// Managed is a service that the hub runs: one with a command. The names in brackets are JupyterHub's.
type Managed struct {
	Name          string
	URL           string // where it is to answer; empty: nowhere
	Command       []string
	Cwd           string // empty: where the hub works
	Environment   map[string]string
	User          string // the machine's user that it runs as; empty: as the hub
	Token         hub.Secret
	ClientID      string
	RedirectURI   string
	AllowedScopes []string      // [oauth_client_allowed_scopes]
	Timeout       time.Duration // of one look at its health [timeout]; 0: 5 s
}

// Supervisor does it. Its methods may be called at the same time.
type Supervisor struct {
	cfg    Config
	db     *store.DB
	table  *proxy.Table
	client *http.Client
	wake   chan struct{} // holds one element when services have changed

	known atomic.Pointer[[]*store.Service] // by name; never changed in place

	mu     sync.Mutex
	routes map[string]string  // prefix in the table by service; guarded by mu
	status map[string]*Status // by service; guarded by mu
}

// New builds a Supervisor. Load and Run make it work.
func New(cfg Config, db *store.DB, table *proxy.Table) *Supervisor {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		to        *time.Duration
		otherwise time.Duration
	}{{&cfg.Backoff, time.Second}, {&cfg.Patience, 5 * time.Second}, {&cfg.LeaseFor, 30 * time.Second}} {
		if *d.to == 0 {
			*d.to = d.otherwise
		}
	}
	m := &Supervisor{
		cfg: cfg, db: db, table: table, wake: make(chan struct{}, 1), routes: map[string]string{}, status: map[string]*Status{},
		client: &http.Client{
			Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	m.known.Store(&[]*store.Service{})
	for _, s := range cfg.Managed {
		m.status[s.Name] = &Status{Command: slices.Clone(s.Command), Since: time.Now()}
	}
	return m
}

// Prefix is where a service answers behind the proxy, for example /services/whoami/.
func Prefix(base, name string) string { return base + "services/" + url.PathEscape(name) + "/" }

// Run keeps routes, processes and health up to date until the context ends; then it stops the processes.
func (m *Supervisor) Run(ctx context.Context) error {
	cancel := m.db.Subscribe(func(c store.Change) {
		if c.Kind == store.ChangeAll || c.Kind == store.ChangeAccess && c.ID == 0 {
			select {
			case m.wake <- struct{}{}:
			default:
			}
		}
	})
	defer cancel()
	if err := m.Load(ctx); err != nil { // what changed before the subscription
		return err
	}
	var wg sync.WaitGroup
	for _, s := range m.cfg.Managed {
		wg.Go(func() { m.supervise(ctx, s) })
	}
	wg.Go(func() { m.follow(ctx) })
	wg.Go(func() { m.checkAll(ctx) })
	wg.Wait()
	return nil
}

// follow reads the services again when they may have changed.
func (m *Supervisor) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		}
		for err := m.Load(ctx); err != nil && ctx.Err() == nil; err = m.Load(ctx) {
			m.cfg.Log.WarnContext(ctx, "could not read the services", "err", err)
			if !sleep(ctx, 5*time.Second) {
				return
			}
		}
	}
}

// Load reads the services and makes the proxy's routes follow them.
func (m *Supervisor) Load(ctx context.Context) error {
	all, err := m.db.Services(ctx)
	if err != nil {
		return fmt.Errorf("read the services: %w", err)
	}
	m.known.Store(&all)
	m.route(ctx, all)
	return nil
}

// Services gives all services by name, from memory. They must not be changed.
func (m *Supervisor) Services() []*store.Service { return *m.known.Load() }

// sleep waits, and says whether the context still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
