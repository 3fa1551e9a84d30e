package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"berdlhub/internal/api"
	"berdlhub/internal/auth"
	"berdlhub/internal/cull"
	"berdlhub/internal/hub"
	"berdlhub/internal/kbase"
	"berdlhub/internal/local"
	"berdlhub/internal/oauth"
	"berdlhub/internal/pages"
	"berdlhub/internal/proxy"
	"berdlhub/internal/scope"
	"berdlhub/internal/secret"
	"berdlhub/internal/spawn"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// A newer session of KBase that a browser brings is noticed.
var _ auth.SessionReader = (*kbase.Authenticator)(nil)

// build makes every part, lowest first, and registers how each is undone the moment it exists.
func (a *App) build(ctx context.Context, opts Options) error {
	cookies, err := a.cookieSecret()
	if err != nil {
		return err
	}
	keyring, err := a.keyring()
	if err != nil {
		return err
	}
	if err := a.openStore(ctx); err != nil {
		return err
	}
	custom := a.customScopes()
	services := a.serviceSpecs(cookies)
	if err := a.syncConfigured(ctx, custom, services); err != nil {
		return err
	}
	if err := a.listen(ctx); err != nil {
		return err
	}
	var who *auth.Auth
	authenticator, err := a.authenticator(opts.Now, func(r *http.Request) bool { return who.Secure(r) })
	if err != nil {
		return err
	}
	if who, err = auth.New(a.authConfig(cookies, keyring, custom, opts.Now), a.db, authenticator); err != nil {
		return err
	}
	spawner := opts.Spawner
	if spawner == nil {
		if spawner, err = a.configuredSpawner(); err != nil {
			return err
		}
	}
	a.spawner = spawner
	a.spawn = spawn.New(a.spawnConfig(cookies, who, opts), a.db, a.table, spawner)
	loading := time.Now()
	if err := a.spawn.Load(ctx); err != nil {
		return err
	}
	a.loading = time.Since(loading)
	a.service = a.services(services)
	if err := a.service.Load(ctx); err != nil {
		return err
	}
	a.workers = append(a.workers, who.Run, a.spawn.Run, a.service.Run)
	if c := a.cfg.Cull; c.Enabled {
		culler := cull.New(cull.Config{Replica: a.replica, Timeout: c.Timeout, Every: c.Every, MaxAge: c.MaxAge, Log: a.log}, a.db, a.spawn)
		a.workers = append(a.workers, culler.Run)
	}
	return a.faces(who, authenticator)
}

func (a *App) cookieSecret() (secret.CookieSecret, error) {
	if s := a.cfg.Hub.CookieSecret; s != "" {
		return secret.ParseCookieSecret(s.Reveal())
	}
	return secret.LoadCookieSecretFile(a.cfg.Hub.CookieSecretFile)
}

func (a *App) keyring() (*secret.Keyring, error) {
	if len(a.cfg.Hub.CryptKeys) == 0 {
		return nil, nil
	}
	keys := make([]string, len(a.cfg.Hub.CryptKeys))
	for i, k := range a.cfg.Hub.CryptKeys {
		keys[i] = k.Reveal()
	}
	return secret.ParseKeys(strings.Join(keys, ";"))
}

func (a *App) openStore(ctx context.Context) error {
	db, err := store.Open(ctx, store.Config{URL: a.cfg.Hub.DBURL.Reveal(), Replica: a.replica, Log: a.log})
	if err != nil {
		return err
	}
	a.db = db
	a.undo = append(a.undo, func(context.Context) error { return db.Close() })
	return nil
}

// listen opens both doors: the public one, and the one where servers and services reach the hub.
func (a *App) listen(ctx context.Context) error {
	var lc net.ListenConfig
	open := func(address, setting string) (net.Listener, error) {
		l, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("listen on %s (%s): %w", address, setting, err)
		}
		a.undo = append(a.undo, func(context.Context) error {
			_ = l.Close() // closed already when it was served on
			return nil
		})
		return l, nil
	}
	var err error
	if a.public, err = open(net.JoinHostPort(a.cfg.Hub.BindHost, strconv.Itoa(a.cfg.Hub.BindPort)), "JupyterHub.bind_url"); err != nil {
		return err
	}
	a.private, err = open(a.cfg.Hub.HubBind, "JupyterHub.hub_bind_url")
	return err
}

// configuredAPI is where servers reach the API, as far as the configuration says it: the port may be 0.
func (a *App) configuredAPI() string {
	base := cmp.Or(a.cfg.Spawner.HubConnectURL, a.cfg.Hub.HubConnectURL)
	return strings.TrimSuffix(base, "/") + a.cfg.Hub.BaseURL + "hub/api"
}

// apiURL is where servers reach the API.
func (a *App) apiURL() string { return a.withPort(a.configuredAPI()) }

// withPort puts the private port into an address whose port is 0. One that the system chose is known only now.
func (a *App) withPort(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Port() != "0" {
		return address
	}
	_, port, _ := net.SplitHostPort(a.private.Addr().String()) // of a listener: it has a port
	u.Host = net.JoinHostPort(u.Hostname(), port)
	return u.String()
}

func (a *App) authenticator(now func() time.Time, secure func(*http.Request) bool) (hub.Authenticator, error) {
	c := a.cfg.Auth
	switch c.Class {
	case "kbase":
		return kbase.New(kbase.Config{
			AuthURL: c.KBase.AuthURL, Origin: c.KBase.Origin, ApprovedRoles: c.KBase.ApprovedRoles, AdminRoles: c.KBase.AdminRoles,
			Timeout: c.KBase.Timeout, Now: now, HubURL: func(r *http.Request) string { return a.publicHub(r, secure(r)) },
		})
	case "dummy":
		return &local.Dummy{Password: c.Dummy.Password}, nil
	case "null":
		return local.Null{}, nil
	case "shared-password":
		return local.NewSharedPassword(c.SharedPassword.User, c.SharedPassword.Admin, c.Admins)
	default:
		return nil, fmt.Errorf("JupyterHub.authenticator_class %q is not known", c.Class)
	}
}

// publicHub is the hub's address as this browser knows it.
func (a *App) publicHub(r *http.Request, secure bool) string {
	if p := a.cfg.Hub.PublicURL; p != "" {
		return p + "hub/"
	}
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	return scheme + r.Host + a.cfg.Hub.BaseURL + "hub/"
}

func (a *App) authConfig(cookies secret.CookieSecret, keyring *secret.Keyring, custom scope.Custom, now func() time.Time) auth.Config {
	c, h := a.cfg.Auth, a.cfg.Hub
	refresh := c.RefreshAge
	if refresh == 0 {
		refresh = -1
	}
	return auth.Config{
		BaseURL: h.BaseURL, PublicURL: h.PublicURL, Cookies: cookies, CookieMaxAge: h.CookieMaxAge, HostPrefix: h.CookieHostPrefix,
		CookieSecure: h.CookieSecure, SameSite: h.CookieSameSite,
		Keyring: keyring, KeepState: c.EnableState, RefreshAge: refresh, Grace: c.Grace,
		AllowAll: c.AllowAll, Allowed: c.Allowed, Admins: c.Admins, Blocked: c.Blocked, AllowExisting: c.AllowExisting,
		ManageGroups:    c.ManageGroups,
		UsernamePattern: c.UsernamePattern, UsernameMap: c.UsernameMap, TrustedDownstream: h.TrustedDownstream,
		Custom: custom, ActivityResolution: h.ActivityResolution, Now: now, Observe: a.metrics, Log: a.log,
	}
}

func (a *App) configuredSpawner() (hub.Spawner, error) {
	c := a.cfg.Spawner
	p, err := local.New(local.Config{
		HomesDir: c.Local.HomesDir, HomeTemplate: c.Local.HomeTemplate, StateDir: "state", Cmd: c.Cmd, Args: c.Args, EnvKeep: c.EnvKeep,
		IP: c.IP, Port: c.Port, NotebookDir: c.NotebookDir, InterruptTimeout: c.Local.InterruptTimeout,
		TermTimeout: c.Local.TermTimeout, KillTimeout: c.Local.KillTimeout, ByUser: c.Class == "localprocess",
		HubID: a.hubID(),
	})
	if err != nil {
		return nil, err
	}
	a.undo = append(a.undo, p.Close)
	return p, nil
}

// workingDir tells hubs apart that use the same relative address of a database.
func workingDir() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return filepath.Clean(dir)
}

func (a *App) spawnConfig(cookies secret.CookieSecret, who *auth.Auth, opts Options) spawn.Config {
	h, s := a.cfg.Hub, a.cfg.Spawner
	cfg := spawn.Config{
		Replica: a.replica, BaseURL: h.BaseURL, APIURL: a.apiURL(), PublicURL: h.PublicURL,
		StartTimeout: s.StartTimeout, HTTPTimeout: s.HTTPTimeout, PollInterval: s.PollInterval,
		ActivityEvery:   min(h.LastActivityInterval, 10*time.Second),
		ConcurrentLimit: h.ConcurrentSpawnLimit, ActiveLimit: h.ActiveServerLimit, RefuseWaiting: !h.QueueStarts,
		RetryRange:   [2]int{int(h.SpawnThrottleRetryRange[0].Seconds()), int(h.SpawnThrottleRetryRange[1].Seconds())},
		NamedServers: h.AllowNamedServers, NamedLimit: h.NamedServerLimit, RefuseInvalid: h.RefuseInvalid, TokenScopes: s.ServerTokenScopes,
		HashSecret: func(plain string) string { return secret.HashToken(plain, secret.GeneratedRounds) },
		NewRunID:   secret.NewRunID, AuthState: who.StateOf, Fault: opts.Fault, Observe: a.metrics, Log: a.log,
		Token: func(runID string) (hub.Secret, hub.Token) {
			plain := cookies.Derive("server token", runID)
			return hub.Secret(plain), hub.Token{Hashed: secret.HashToken(plain, secret.GeneratedRounds), Prefix: secret.TokenPrefix(plain)}
		},
		Cookies: func(k hub.ServerKey, session string) proxy.CookieRule {
			return proxy.CookieRule{Own: []string{spawn.ClientID(k)}, Session: session}
		},
		Server: spawn.Server{
			IP: s.IP, Port: strconv.Itoa(s.Port), DefaultURL: s.DefaultURL, NotebookDir: s.NotebookDir, Debug: s.Debug,
			DisableUserConfig: s.DisableUserConfig, CookieHostPrefix: h.CookieHostPrefix, AllowedScopes: s.OAuthClientAllowedScopes,
			MemLimit: s.MemLimit, MemGuarantee: s.MemGuarantee, CPULimit: s.CPULimit, CPUGuarantee: s.CPUGuarantee, Environment: s.Environment,
		},
	}
	if cfg.PollInterval == 0 {
		cfg.PollInterval = math.MaxInt64 / 4
	}
	if len(h.CookieOptions) > 0 {
		cfg.Server.CookieOptions, _ = json.Marshal(h.CookieOptions) // read from JSON or YAML, so it can be written
	}
	return cfg
}

// checkRoutes brings the routes of servers and services into line with what runs.
func (a *App) checkRoutes(ctx context.Context) error {
	return errors.Join(a.spawn.Load(ctx), a.service.Load(ctx))
}

// faces builds what people and programs see, and the proxy in front of it.
func (a *App) faces(who *auth.Auth, authenticator hub.Authenticator) error {
	h := a.cfg.Hub
	var override fs.FS
	if len(h.TemplatePaths) > 0 {
		override = os.DirFS(h.TemplatePaths[0])
	}
	var site *pages.Pages
	var rest *api.API
	render, err := web.NewRenderer(web.Config{
		BaseURL: h.BaseURL, Override: override, LogoFile: h.LogoFile,
		FrameOf: func(w http.ResponseWriter, r *http.Request) web.Frame { return site.ErrorFrame(w, r) },
	})
	if err != nil {
		return err
	}
	signIn, _ := authenticator.(hub.SignInPage)
	site = pages.New(pages.Config{
		BaseURL: h.BaseURL, DefaultURL: h.DefaultURL, RedirectToServer: h.RedirectToServer, NamedServers: h.AllowNamedServers,
		NamedLimit: h.NamedServerLimit, DefaultServer: h.DefaultServerName, ImplicitSeconds: int(math.Ceil(h.ImplicitSpawn.Seconds())),
		LegacyStatus: h.UseLegacyStatus, OptionsForm: a.cfg.Spawner.OptionsForm, ShutdownOnLogout: h.ShutdownOnLogout,
		SignIn: signIn, TokenLimit: h.TokenMaxExpiry, Services: a.service.Services, Log: a.log,
		APIDocument: func() ([]byte, error) { return rest.OpenAPI() },
	}, who, a.db, a.spawn, render)
	rest = api.New(api.Config{
		BaseURL: h.BaseURL, PublicURL: h.PublicURL, SlowSpawn: h.SlowSpawnTimeout, SlowStop: h.SlowStopTimeout,
		AllowNamedServers: h.AllowNamedServers, PageDefault: h.APIPageDefault, PageMax: h.APIPageMax, TokenMaxExpiry: h.TokenMaxExpiry,
		Authenticator: a.cfg.Auth.Class, Spawner: a.cfg.Spawner.Class, Log: a.log,
		AdminAccess: h.AdminAccess, HubURL: a.withPort(h.HubConnectURL), Table: a.table,
		CheckRoutes: a.checkRoutes, Shutdown: a.askQuit, Managed: a.service.Managed, OAuthClient: a.oauthClient,
	}, who, a.db, a.spawn)
	a.undo = append(a.undo, rest.Close)
	provider := oauth.New(oauth.Config{
		BaseURL: h.BaseURL, TokenExpires: h.OAuthTokenExpires, RequirePKCE: h.OAuthRequirePKCE, Consent: consent(site, render), Log: a.log,
	}, who, a.db)
	a.front = &front{base: h.BaseURL, hub: a.routes(who, render, site, a.administration(site, who, render), rest, provider)}
	a.proxy = proxy.New(proxy.Config{
		BasePath: h.BaseURL, HubPrefix: h.BaseURL + "hub/", Hub: a.front, TrustedNetworks: h.TrustedDownstream,
		Fingerprint: secret.Fingerprint, Logger: a.log, ErrorPage: a.upstreamError(render),
	}, a.table)
	a.health = &health{probes: a.probes(authenticator), log: a.log}
	a.watch()
	return nil
}
