package spawn

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/proxy"
	"berdlhub/internal/store"
)

// Config is what a Controller is built from. Fields without a default stated must be set.
type Config struct {
	Replica   string // id of this hub process; claims carry it
	BaseURL   string // public path prefix, with both slashes
	APIURL    string // hub API as servers reach it, without a slash at the end
	PublicURL string // absolute public URL with the base path; empty when not known
	Server    Server

	StartTimeout    time.Duration // Spawner.start_timeout; 60 s by default
	HTTPTimeout     time.Duration // Spawner.http_timeout; 30 s by default
	StopTimeout     time.Duration // one attempt to stop; 2 min by default
	RetryAfter      time.Duration // before a stop that did not finish is tried again; 5 s by default
	PollInterval    time.Duration // between looks at running servers; 30 s by default
	ActivityEvery   time.Duration // between collections of the proxy's activity; 10 s by default
	SweepEvery      time.Duration // between searches for strays; 60 s by default
	ClaimTTL        time.Duration // how long a claim lasts without renewal; 10 s by default
	Workers         int           // servers worked on at once by this replica; 64 by default
	ConcurrentLimit int           // concurrent_spawn_limit; 0: none
	ActiveLimit     int           // active_server_limit; 0: none
	RefuseWaiting   bool          // answer 429 instead of queueing a start over ConcurrentLimit
	RetryRange      [2]int        // seconds, spawn_throttle_retry_range; 30 to 60 by default

	NamedServers bool // allow_named_servers
	NamedLimit   int  // named_server_limit_per_user; 0: none
	// RefuseInvalid keeps named servers from starting whose name is not allowed any more: allow_existing_invalid_named_servers.
	RefuseInvalid bool

	// Token derives the API token of a run and the row that stores its hash. Being derived, it can be made again
	// by any replica after a crash, and is the same each time.
	Token func(runID string) (plain hub.Secret, row hub.Token)
	// TokenScopes are the raw scopes of a server's token. Role server by default.
	TokenScopes []string
	// HashSecret hashes an OAuth client's secret for the clients table.
	HashSecret func(plain string) string
	// NewRunID makes an id that is never used twice, safe in names.
	NewRunID func() string
	// AuthState opens what the authenticator stored about a user; nil when nothing is kept.
	AuthState func(ctx context.Context, userID int64) (map[string]any, error)
	// Cookies says which of the platform's cookies may pass to a server.
	Cookies func(k hub.ServerKey, session string) proxy.CookieRule
	// Fault is called with the name of each step before and after it changes the world. Tests kill the process there.
	Fault func(point string)
	// Observe hears how long things take; nil: nobody does.
	Observe Observer
	Log     *slog.Logger
}

func (c *Config) withDefaults() Config {
	d := *c
	dur := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
	}
	dur(&d.StartTimeout, time.Minute)
	dur(&d.HTTPTimeout, 30*time.Second)
	dur(&d.StopTimeout, 2*time.Minute)
	dur(&d.RetryAfter, 5*time.Second)
	dur(&d.PollInterval, 30*time.Second)
	dur(&d.ActivityEvery, 10*time.Second)
	dur(&d.SweepEvery, time.Minute)
	dur(&d.ClaimTTL, 10*time.Second)
	if d.Workers == 0 {
		d.Workers = 64
	}
	if d.RetryRange == [2]int{} {
		d.RetryRange = [2]int{30, 60}
	}
	if d.Server.IP == "" {
		d.Server.IP = "127.0.0.1"
	}
	if d.Server.Port == "" {
		d.Server.Port = "0"
	}
	if len(d.TokenScopes) == 0 {
		d.TokenScopes = []string{"users:activity!user", "access:servers!server"}
	}
	if d.Fault == nil {
		d.Fault = func(string) {}
	}
	if d.Observe == nil {
		d.Observe = silent{}
	}
	if d.AuthState == nil {
		d.AuthState = func(context.Context, int64) (map[string]any, error) { return nil, nil }
	}
	if d.Cookies == nil {
		d.Cookies = func(hub.ServerKey, string) proxy.CookieRule { return proxy.CookieRule{} }
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return d
}

// Controller brings servers to what is wanted. It is safe for concurrent use.
type Controller struct {
	cfg          Config
	db           *store.DB
	table        *proxy.Table
	spawner      hub.Spawner
	provisioners []hub.Provisioner
	probe        *http.Client
	bell         bell
	wake         chan struct{}

	mu      sync.Mutex
	working map[int64]*job      // by server id; guarded by mu
	routes  map[int64]routeMark // what is in the table, by server id; guarded by mu

	dirt      dirt
	pulse     pulse
	collected time.Time // when activity was last collected; guarded by mu
}

// job is a claimed server that this replica works on.
type job struct {
	runID  string
	cancel context.CancelCauseFunc
}

// errAskedToStop ends a start whose server is no longer wanted.
var errAskedToStop = errors.New("asked to stop")

// New builds a Controller. It starts nothing; Run does.
func New(cfg Config, db *store.DB, table *proxy.Table, spawner hub.Spawner, provisioners ...hub.Provisioner) *Controller {
	transport := &http.Transport{MaxIdleConns: 1, DisableKeepAlives: true, Proxy: nil}
	return &Controller{
		cfg: cfg.withDefaults(), db: db, table: table, spawner: spawner, provisioners: provisioners,
		probe: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		bell:  bell{rings: map[any]map[chan struct{}]bool{}},
		wake:  make(chan struct{}, 1), working: map[int64]*job{}, routes: map[int64]routeMark{},
		dirt: dirt{servers: map[int64]bool{}, users: map[int64]bool{}},
	}
}

// Load puts the routes of all ready servers into the proxy's table. Call it before serving, so that running
// servers are reachable from the first request on.
func (c *Controller) Load(ctx context.Context) error {
	return c.syncAll(ctx)
}

// Run works until the context ends, then waits for the steps under way to reach a stored state.
// Running servers are left alone: another replica, or the next start, goes on with them.
func (c *Controller) Run(ctx context.Context) error {
	unsubscribe := c.db.Subscribe(c.changed)
	defer unsubscribe()
	if err := c.syncAll(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() { c.dispatch(ctx, &wg) })
	wg.Go(func() { c.every(ctx, "poll", c.cfg.PollInterval, c.pollAll) })
	wg.Go(func() { c.every(ctx, "sweep", c.cfg.SweepEvery, c.sweep) })
	wg.Go(func() { c.every(ctx, "", c.cfg.ActivityEvery, c.collectActivity) })
	if w, ok := c.spawner.(hub.Watcher); ok {
		wg.Go(func() { c.watch(ctx, w) })
	}
	wg.Wait()
	return c.collectActivity(context.WithoutCancel(ctx))
}

// changed hears of every committed change on any replica. It must not block.
func (c *Controller) changed(ch store.Change) {
	c.dirt.add(ch)
	switch ch.Kind {
	case store.ChangeEvent:
		c.bell.ring(ch.RunID)
	case store.ChangeServer:
		c.bell.ring(ch.ID)
		c.nudge()
	case store.ChangeAll:
		c.bell.ringAll()
		c.nudge()
	case store.ChangeAccess:
		c.nudge()
	case store.ChangeToken, store.ChangeActivity:
	}
}

func (c *Controller) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// dispatch claims work whenever something changed, and once a second for what other replicas left.
func (c *Controller) dispatch(ctx context.Context, wg *sync.WaitGroup) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := c.round(ctx, wg); err == nil {
			c.pulse.beat()
		} else if ctx.Err() == nil {
			c.cfg.Log.ErrorContext(ctx, "could not look for work", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-tick.C:
		}
	}
}

// round looks at what changed and claims what waits.
func (c *Controller) round(ctx context.Context, wg *sync.WaitGroup) error {
	if err := c.refresh(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	free := c.cfg.Workers - len(c.working)
	c.mu.Unlock()
	if free <= 0 {
		return nil
	}
	claimed, err := c.db.ClaimWork(ctx, c.cfg.Replica, c.cfg.ClaimTTL, time.Now(), free, c.cfg.ConcurrentLimit)
	if err != nil {
		return err
	}
	for _, srv := range claimed {
		wg.Go(func() { c.work(ctx, srv) })
	}
	return nil
}

// work holds the claim of one server, takes its steps and gives the claim back.
func (c *Controller) work(ctx context.Context, srv *hub.Server) {
	jobCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.mu.Lock()
	if c.working[srv.ID] != nil {
		c.mu.Unlock()
		return
	}
	c.working[srv.ID] = &job{runID: srv.RunID, cancel: cancel}
	c.mu.Unlock()

	var keeper sync.WaitGroup
	keepCtx, stopKeeping := context.WithCancel(ctx)
	keeper.Go(func() { c.keepClaim(keepCtx, srv, cancel) })
	log := c.cfg.Log.With("user", srv.Key.User, "server", srv.Key.Server, "run", srv.RunID)

	retry := c.bring(jobCtx, srv, log)

	stopKeeping()
	keeper.Wait()
	c.mu.Lock()
	delete(c.working, srv.ID)
	c.mu.Unlock()
	after, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	if err := c.db.ReleaseClaim(after, srv.ID, c.cfg.Replica, time.Now().Add(retry)); err != nil && !errors.Is(err, store.ErrLostClaim) {
		log.WarnContext(after, "could not give a claim back", "err", err)
	}
	c.nudge()
}

// keepClaim renews the claim until the context ends; a claim that is lost cancels the work.
func (c *Controller) keepClaim(ctx context.Context, srv *hub.Server, lost context.CancelCauseFunc) {
	tick := time.NewTicker(c.cfg.ClaimTTL / 3)
	defer tick.Stop()
	until := time.Now().Add(c.cfg.ClaimTTL)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := c.db.RenewClaim(ctx, srv.ID, c.cfg.Replica, srv.RunID, time.Now().Add(c.cfg.ClaimTTL))
		switch {
		case err == nil:
			until = time.Now().Add(c.cfg.ClaimTTL)
		case errors.Is(err, store.ErrLostClaim), time.Now().After(until):
			c.cfg.Observe.ClaimLost()
			lost(store.ErrLostClaim)
			return
		}
	}
}

// bring takes the steps that lead to what is wanted and says how long to wait before the next try; 0 when it is reached.
func (c *Controller) bring(ctx context.Context, srv *hub.Server, log *slog.Logger) time.Duration {
	switch {
	case srv.Wanted == hub.WantRunning && srv.Phase == hub.Starting:
		err := c.start(ctx, srv)
		switch {
		case err == nil:
			c.cfg.Observe.Started("success", "", time.Since(srv.Requested))
			return 0
		case errors.Is(context.Cause(ctx), store.ErrLostClaim), errors.Is(err, store.ErrLostClaim):
			return 0
		case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errAskedToStop):
			return 0 // the hub ends; the next claim goes on
		}
		return c.abandon(context.WithoutCancel(ctx), srv, err, log)
	case srv.Wanted == hub.WantStopped:
		return c.finish(ctx, srv, log)
	default:
		return 0
	}
}

// abandon turns a start that failed into a stop with the reason, and takes the stop's steps.
func (c *Controller) abandon(ctx context.Context, srv *hub.Server, cause error, log *slog.Logger) time.Duration {
	reason, status := explain(cause)
	result, why := outcome(cause)
	c.cfg.Observe.Started(result, why, time.Since(srv.Requested))
	log.WarnContext(ctx, "start failed", "err", cause)
	next, err := c.db.UpdateClaimed(ctx, srv.ID, c.cfg.Replica, func(s *hub.Server) error {
		if s.Wanted == hub.WantRunning {
			s.Reason, s.FailStatus = reason, status
		}
		s.Wanted, s.Phase = hub.WantStopped, hub.Stopping
		return nil
	})
	if err != nil {
		log.ErrorContext(ctx, "could not turn a failed start round", "err", err)
		return time.Second
	}
	return c.finish(ctx, next, log)
}

// finish takes the steps of a stop; an error is tried again with back-off.
func (c *Controller) finish(ctx context.Context, srv *hub.Server, log *slog.Logger) time.Duration {
	begin := time.Now()
	err := c.stop(ctx, srv)
	if !errors.Is(err, store.ErrLostClaim) && ctx.Err() == nil {
		c.cfg.Observe.Stopped(err == nil, time.Since(begin))
	}
	if err == nil || errors.Is(err, store.ErrLostClaim) || ctx.Err() != nil {
		return 0
	}
	log.ErrorContext(ctx, "stop did not finish; it will be tried again", "err", err)
	c.say(ctx, srv.RunID, hub.Event{Progress: 100, Level: hub.Problem, Message: "Stopping did not finish and will be tried again: " + forUser(err)})
	return c.cfg.RetryAfter
}

// explain gives the words for a user and the HTTP status of a failed start.
func explain(err error) (string, int) {
	if errors.Is(err, errAskedToStop) {
		return "Spawn cancelled", 0
	}
	return forUser(err), hub.CodeOf(err).Status()
}

func forUser(err error) string {
	if m := hub.MessageOf(err); m != "" {
		return m
	}
	return "something went wrong inside the hub; its log has the details"
}
