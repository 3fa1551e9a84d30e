package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"sync"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/secret"
	"berdlhub/internal/store"
)

// Config is what an Auth is built from. Fields without a default stated must be set.
type Config struct {
	BaseURL      string // public path prefix with both slashes; "/" by default
	PublicURL    string // absolute public URL; empty when not known
	Cookies      secret.CookieSecret
	CookieMaxAge time.Duration // how long a sign-in lasts; 14 days by default
	HostPrefix   bool          // cookie_host_prefix_enabled
	CookieSecure bool          // cookies are for https only, whatever the request came by
	SameSite     http.SameSite // of all cookies; Lax by default
	Keyring      *secret.Keyring
	KeepState    bool // enable_auth_state; needs Keyring

	RefreshAge time.Duration // Authenticator.auth_refresh_age; 300 s by default, negative: never
	Grace      time.Duration // how long a sign-in outlives an authenticator that does not answer; 4 h by default

	AllowAll        bool
	Allowed         []string
	Admins          []string
	Blocked         []string
	AllowExisting   bool
	ManageGroups    bool // a user's groups are what the authenticator says, if it says any
	UsernamePattern string
	UsernameMap     map[string]string

	TrustedDownstream []netip.Prefix // proxies in front whose X-Forwarded-For is believed
	Custom            scope.Custom
	// ActivityResolution is how far apart two notes of a user's activity are; 30 s by default.
	ActivityResolution time.Duration
	Now                func() time.Time
	// Observe hears of sign-ins and sign-outs; nil: nobody does.
	Observe Observer
	Log     *slog.Logger
}

// Observer hears how sign-ins and sign-outs went and how long they took. Its methods must not block.
type Observer interface {
	SignedIn(ok bool, took time.Duration)
	SignedOut(took time.Duration)
}

// silent is an Observer that is not there.
type silent struct{}

func (silent) SignedIn(bool, time.Duration) {}
func (silent) SignedOut(time.Duration)      {}

// Auth knows who is asking. It is safe for concurrent use.
type Auth struct {
	cfg           Config
	pattern       *regexp.Regexp // nil: every name
	db            *store.DB
	authenticator hub.Authenticator
	cache         *cache
	activity      activity
	refreshes     refreshes
	background    sync.WaitGroup
	life          context.Context // ends refreshes that outlive their request
	end           context.CancelFunc
}

// New builds an Auth. Errors name the setting that cannot be.
func New(cfg Config, db *store.DB, a hub.Authenticator) (*Auth, error) {
	if cfg.KeepState && cfg.Keyring == nil {
		return nil, errors.New("enable_auth_state needs a key: set JUPYTERHUB_CRYPT_KEY or CryptKeeper.keys (for example the output of `openssl rand -hex 32`)")
	}
	cfg = cfg.withDefaults()
	if cfg.Observe == nil {
		cfg.Observe = silent{}
	}
	auth := &Auth{cfg: cfg, db: db, authenticator: a, cache: newCache(), activity: activity{pending: map[activityKey]time.Time{}, noted: map[activityKey]time.Time{}}, refreshes: refreshes{flights: map[int64]*flight{}, tried: map[int64]attempt{}}}
	if cfg.UsernamePattern != "" {
		pattern, err := regexp.Compile("^(?:" + cfg.UsernamePattern + ")")
		if err != nil {
			return nil, fmt.Errorf("setting Authenticator.username_pattern is not a regular expression: %w", err)
		}
		auth.pattern = pattern
	}
	auth.life, auth.end = context.WithCancel(context.Background())
	return auth, nil
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.CookieMaxAge, 14*24*time.Hour)
	def(&c.RefreshAge, 300*time.Second)
	def(&c.Grace, 4*time.Hour)
	def(&c.ActivityResolution, 30*time.Second)
	if c.BaseURL == "" {
		c.BaseURL = "/"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Run keeps the caches true and writes activity until the context ends, then waits for what is under way.
func (a *Auth) Run(ctx context.Context) error {
	unsubscribe := a.db.Subscribe(a.cache.changed)
	defer unsubscribe()
	a.cache.clear()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	for {
		select {
		case <-ctx.Done():
			a.end()
			a.background.Wait()
			return a.flush(context.WithoutCancel(ctx))
		case <-tick.C:
			if err := a.flush(ctx); err != nil {
				a.cfg.Log.WarnContext(ctx, "could not store activity", "err", err)
			}
		case <-hourly.C:
			if err := a.db.PurgeExpired(ctx, a.cfg.Now()); err != nil {
				a.cfg.Log.WarnContext(ctx, "could not purge expired tokens and codes", "err", err)
			}
		}
	}
}

// StateOf opens what the authenticator stored about a user; nil when nothing is kept or it cannot be read.
func (a *Auth) StateOf(ctx context.Context, userID int64) (map[string]any, error) {
	u, err := a.db.UserByID(ctx, userID)
	if err != nil {
		return nil, err
	}
	return a.openState(ctx, u), nil
}

func (a *Auth) openState(ctx context.Context, u *hub.User) map[string]any {
	if a.cfg.Keyring == nil || u.AuthState == nil {
		return nil
	}
	plain, stale, err := a.cfg.Keyring.Open(u.AuthState)
	if err == nil && stale && a.cfg.KeepState {
		a.reseal(ctx, u, plain)
	}
	if err != nil {
		a.cfg.Log.WarnContext(ctx, "stored auth state cannot be read with the configured keys", "user", u.Name, "err", err)
		return nil
	}
	var state map[string]any
	if err := json.Unmarshal(plain, &state); err != nil {
		a.cfg.Log.WarnContext(ctx, "stored auth state is not JSON", "user", u.Name)
		return nil
	}
	return state
}

// reseal stores an auth state that was sealed with another than the first key. A failure is no harm: the next reader tries again.
func (a *Auth) reseal(ctx context.Context, u *hub.User, plain []byte) {
	sealed, err := a.cfg.Keyring.Seal(plain)
	if err == nil {
		err = a.db.ReplaceAuthState(ctx, u.ID, u.AuthState, sealed)
	}
	if err != nil {
		a.cfg.Log.WarnContext(ctx, "could not seal a stored auth state with the first key", "user", u.Name, "err", err)
	}
}

// seal gives the bytes to store for an auth state; nil when none is kept.
func (a *Auth) seal(state map[string]any) ([]byte, error) {
	if !a.cfg.KeepState || state == nil {
		return nil, nil
	}
	plain, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("encode auth state: %w", err)
	}
	return a.cfg.Keyring.Seal(plain)
}
