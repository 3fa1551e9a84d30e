// Package pages holds the HTML pages under /hub: sign-in, home, starting and waiting for a server, tokens, errors.
// Its handlers decode, ask auth who it is and what is allowed, make one call into the domain, and render.
package pages

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// Config is what the pages show and do beyond what a server's life needs.
type Config struct {
	BaseURL          string // public path prefix with both slashes
	DefaultURL       string // JupyterHub.default_url; empty: the user's server, or home
	RedirectToServer bool   // redirect_to_server
	NamedServers     bool   // allow_named_servers
	NamedLimit       int    // named_server_limit_per_user; 0: none
	DefaultServer    string // default_server_name, used by user-redirect
	ImplicitSeconds  int    // implicit_spawn_seconds, rounded up; 0: never
	LegacyStatus     bool   // use_legacy_stopped_server_status_code: 503 for 424
	OptionsForm      string // Spawner.options_form, HTML of the operator; empty: none
	Fields           []web.OptionField
	ShutdownOnLogout bool
	// SignIn gives the view of a sign-in service; nil: a form with name and password.
	SignIn hub.SignInPage
	// TokenLimit is the longest life of a token; 0: none. token_expires_in_max_seconds.
	TokenLimit time.Duration
	// Services gives all services, for the menu; it is asked for every page, so it must be quick. nil: there are none.
	Services func() []*store.Service
	// APIDocument gives the OpenAPI document.
	APIDocument func() ([]byte, error)
	Log         *slog.Logger
}

// Pages are the HTML faces of the hub.
type Pages struct {
	cfg    Config
	auth   *auth.Auth
	db     *store.DB
	spawn  *spawn.Controller
	render *web.Renderer
	hub    string // {base}hub/
}

// New builds the pages.
func New(cfg Config, a *auth.Auth, db *store.DB, c *spawn.Controller, r *web.Renderer) *Pages {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Pages{cfg: cfg, auth: a, db: db, spawn: c, render: r, hub: cfg.BaseURL + "hub/"}
}

// Route is one page: its methods and where it is below the hub's path.
type Route struct {
	Method  string // GET, POST; empty: any
	Path    string // below {base}hub/, with wildcards of http.ServeMux
	Handler web.Handler
}

// Routes lists every page. Mount is made from it, and tests walk it.
func (p *Pages) Routes() []Route {
	return []Route{
		{"GET", "{$}", p.root},
		{"GET", "login", p.login},
		{"POST", "login", p.signIn},
		{"GET", "logout", p.logout},
		{"GET", "mfa-required", p.mfaRequired},
		{"GET", "home", p.home},
		{"POST", "home", p.addServer},
		{"GET", "spawn", p.spawnPage},
		{"GET", "spawn/{user}", p.spawnPage},
		{"GET", "spawn/{user}/{server}", p.spawnPage},
		{"POST", "spawn", p.start},
		{"POST", "spawn/{user}", p.start},
		{"POST", "spawn/{user}/{server}", p.start},
		{"GET", "spawn-pending/{user}", p.pending},
		{"GET", "spawn-pending/{user}/{server}", p.pending},
		{"POST", "stop/{user}", p.stop},
		{"POST", "stop/{user}/{server}", p.stop},
		{"POST", "delete-server/{user}/{server}", p.deleteServer},
		{"GET", "token", p.tokens},
		{"POST", "token", p.requestToken},
		{"POST", "token/revoke", p.revokeToken},
		{"GET", "sessions", p.sessions},
		{"POST", "sessions/end", p.endSession},
		{"POST", "sessions/end-all", p.endSessions},
		{"POST", "admin/users/{user}/sign-out", p.signOutUser},
		{"GET", "accept-share", p.acceptShare},
		{"POST", "accept-share", p.takeShare},
		{"GET", "user-redirect/{path...}", p.userRedirect},
		{"", "user/{user}/{path...}", p.notRunning},
		{"GET", "api-docs", p.apiDocs},
		{"GET", "error/{status}", p.proxyError},
	}
}

// Mount registers the pages. Whatever is below the hub's path and is no page gives an error page.
func (p *Pages) Mount(mux *http.ServeMux) {
	methods := map[string][]string{}
	for _, route := range p.Routes() {
		pattern := p.hub + route.Path
		if route.Method != "" {
			methods[pattern] = append(methods[pattern], route.Method)
			pattern = route.Method + " " + pattern
		}
		mux.Handle(pattern, p.render.HTML(p.cfg.Log, route.Handler))
	}
	for pattern, known := range methods {
		mux.Handle(pattern, p.render.HTML(p.cfg.Log, func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Allow", strings.Join(known, ", "))
			return hub.Errorf(hub.Unsupported, "This page is not meant to be asked for like that.")
		}))
	}
	mux.Handle(p.hub, p.render.HTML(p.cfg.Log, func(http.ResponseWriter, *http.Request) error {
		return hub.Errorf(hub.NotFound, "There is no such page.")
	}))
}

// Frame is what every page shows of the person who visits it. A page that a script fetches holds no _xsrf token.
func (p *Pages) Frame(w http.ResponseWriter, r *http.Request, who *auth.Principal) web.Frame {
	f := web.Frame{}
	if !auth.Scripted(r) {
		f.XSRF = p.auth.XSRF(w, r, who)
	}
	if who != nil {
		f.User, f.Admin = who.User.Name, who.Has("admin-ui", scope.Anything())
		if who.Banner != "" {
			f.Banner = &web.Banner{Level: hub.Warning, Text: who.Banner}
		}
		f.Services = p.menu(who)
	}
	return f
}

// ErrorFrame is the frame of an error page; a visitor who cannot be made out is nobody.
func (p *Pages) ErrorFrame(w http.ResponseWriter, r *http.Request) web.Frame {
	who, err := p.auth.FromPage(w, r)
	if err != nil {
		who = nil
	}
	return p.Frame(w, r, who)
}

// visitor says who visits a page. Nobody is sent to sign in and comes back here; done says that the answer is given.
// JupyterHub's web contract: other methods than GET are refused with 403.
func (p *Pages) visitor(w http.ResponseWriter, r *http.Request) (who *auth.Principal, done bool, err error) {
	who, err = p.auth.FromPage(w, r)
	if err != nil {
		return nil, false, err
	}
	if who == nil {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return nil, false, hub.Errorf(hub.Forbidden, "You are not signed in. Sign in and try again.")
		}
		p.toLogin(w, r)
		return nil, true, nil
	}
	return who, false, p.auth.CheckPage(r, who)
}

func (p *Pages) toLogin(w http.ResponseWriter, r *http.Request) {
	redirect(w, p.hub+"login?"+query("next", r.URL.RequestURI()))
}

// root leads to where the user's work is.
func (p *Pages) root(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	target, err := p.defaultTarget(r, who.User)
	if err != nil {
		return err
	}
	redirect(w, target)
	return nil
}

// defaultTarget is where a user goes who named no other place. JupyterHub's web contract: default targets.
// Arguments of the address go along.
func (p *Pages) defaultTarget(r *http.Request, u *hub.User) (string, error) {
	target, err := p.defaultPlace(r, u)
	q := r.URL.Query()
	q.Del("next")
	q.Del(auth.XSRFCookie)
	if err != nil || len(q) == 0 {
		return target, err
	}
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	return target + separator + q.Encode(), nil
}

func (p *Pages) defaultPlace(r *http.Request, u *hub.User) (string, error) {
	if p.cfg.DefaultURL != "" {
		return p.cfg.DefaultURL, nil
	}
	if !p.cfg.RedirectToServer {
		return p.hub + "home", nil
	}
	k := hub.ServerKey{User: u.Name}
	srv, err := p.db.ServerByKey(r.Context(), k)
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return "", err
	}
	if err == nil && srv.Active() {
		return spawn.Prefix(p.cfg.BaseURL, k), nil
	}
	return p.hub + "spawn", nil
}

// proxyError is the page that a proxy shows for a failure of its own. JupyterHub's web contract: always 200, because the
// proxy gives the status.
func (p *Pages) proxyError(w http.ResponseWriter, r *http.Request) error {
	status, err := strconv.Atoi(r.PathValue("status"))
	if err != nil || status < 400 || status > 599 {
		return hub.Errorf(hub.NotFound, "There is no such page.")
	}
	page := &web.ErrorPage{Frame: p.ErrorFrame(w, r), Status: status}
	if status == http.StatusServiceUnavailable {
		page.Message = "Your server appears to be down."
		page.Advice = "Start it again from your servers."
	}
	return p.render.Render(w, r, http.StatusOK, page)
}
