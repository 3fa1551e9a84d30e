// Package api is the REST API below /hub/api, as JupyterHub 6.1 answers it.
//
// Every handler has the same shape: who is asking, may he, what does he want, one call into the domain, the answer.
// The list of Routes is the only place where methods, paths and permissions stand.
package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/proxy"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// maxBody bounds a request's body in bytes.
const maxBody = 1 << 20

// Config is what the answers need beside the database.
type Config struct {
	BaseURL           string        // public path prefix with both slashes
	PublicURL         string        // absolute public URL, with the base path; empty when not known
	SlowSpawn         time.Duration // tornado_settings.slow_spawn_timeout: how long a start is waited for before 202
	SlowStop          time.Duration // tornado_settings.slow_stop_timeout: likewise for a stop
	AllowNamedServers bool
	PageDefault       int           // api_page_default_limit; 50 by default
	PageMax           int           // api_page_max_limit; 200 by default
	TokenMaxExpiry    time.Duration // token_expires_in_max_seconds; 0: none
	Authenticator     string        // class name, for GET /info
	Spawner           string        // class name, for GET /info
	AdminAccess       bool          // JupyterHub.admin_access
	HubURL            string        // where the hub itself answers, for GET /proxy
	Table             *proxy.Table  // the routes
	// CheckRoutes brings the routes into line with what runs.
	CheckRoutes func(context.Context) error
	// Shutdown ends this hub, and its servers if that is asked for; nil: as the configuration says.
	Shutdown func(servers *bool)
	// Managed gives the command and the process id of a service that the hub runs.
	Managed func(name string) (command []string, pid int)
	// OAuthClient completes how people sign in to a service.
	OAuthClient func(*store.ServiceSpec)
	Log         *slog.Logger
}

// API is the REST API. It is safe for concurrent use.
type API struct {
	cfg        Config
	auth       *auth.Auth
	db         *store.DB
	spawn      *spawn.Controller
	root       string // {base}hub/api
	directory  *directory
	forget     func() // ends the subscription that keeps the directory true
	background sync.WaitGroup
	life       context.Context // ends removals that outlive their request
	end        context.CancelFunc
}

// New builds the API. Close ends what it goes on with after an answer.
func New(cfg Config, a *auth.Auth, db *store.DB, c *spawn.Controller) *API {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.PageDefault, cfg.PageMax = cmp.Or(cfg.PageDefault, 50), cmp.Or(cfg.PageMax, 200)
	api := &API{cfg: cfg, auth: a, db: db, spawn: c, root: cfg.BaseURL + "hub/api", directory: newDirectory()}
	api.life, api.end = context.WithCancel(context.Background())
	api.forget = db.Subscribe(api.directory.changed)
	return api
}

// Close gives up removals of servers that still wait for their stop, and waits for them to notice. Such a server stays, stopped.
func (a *API) Close(context.Context) error {
	a.forget()
	a.end()
	a.background.Wait()
	return nil
}

// call is one request: who asks and what the path names.
type call struct {
	*http.Request
	w   http.ResponseWriter
	who *auth.Principal
	key hub.ServerKey // from the path's {user} and {server}
}

// Route is one endpoint.
type Route struct {
	Method string
	Path   string                   // below {base}hub/api, with wildcards of http.ServeMux
	Scopes []string                 // any one is enough; nil: the handler decides
	List   bool                     // a list: any filter will do, the handler filters the result
	Open   bool                     // answers nobody too
	target func(*call) scope.Target // what the path names, where its words do not tell; nil: see call.target
	serve  func(*API, *call) error
}

// Routes lists every endpoint. Mount is made from it, and tests walk it.
func (*API) Routes() []Route {
	readUser := []string{"read:users", "read:users:name", "read:servers", "read:users:groups", "read:users:activity", "read:roles:users"}
	routes := []Route{
		{Method: "GET", Path: "/{$}", Open: true, serve: (*API).version},
		{Method: "GET", Path: "", Open: true, serve: (*API).version},
		{Method: "GET", Path: "/openapi.json", Open: true, serve: (*API).document},
		{Method: "GET", Path: "/info", Scopes: []string{"read:hub"}, serve: (*API).info},
		{Method: "GET", Path: "/user", serve: (*API).self},
		{Method: "POST", Path: "/refresh-token", serve: (*API).refreshToken},
		{Method: "GET", Path: "/users", Scopes: []string{"list:users"}, List: true, serve: (*API).listUsers},
		{Method: "POST", Path: "/users", Scopes: []string{"admin:users"}, serve: (*API).createUsers},
		{Method: "GET", Path: "/users/{user}", Scopes: readUser, serve: (*API).getUser},
		{Method: "POST", Path: "/users/{user}", Scopes: []string{"admin:users"}, serve: (*API).createUser},
		{Method: "PATCH", Path: "/users/{user}", Scopes: []string{"admin:users"}, serve: (*API).changeUser},
		{Method: "DELETE", Path: "/users/{user}", Scopes: []string{"delete:users"}, serve: (*API).deleteUser},
		{Method: "POST", Path: "/users/{user}/activity", Scopes: []string{"users:activity"}, serve: (*API).activity},
		{Method: "GET", Path: "/users/{user}/tokens", Scopes: []string{"read:tokens"}, serve: (*API).listTokens},
		{Method: "POST", Path: "/users/{user}/tokens", serve: (*API).createToken},
		{Method: "GET", Path: "/users/{user}/tokens/{token}", Scopes: []string{"read:tokens"}, serve: (*API).getToken},
		{Method: "DELETE", Path: "/users/{user}/tokens/{token}", Scopes: []string{"tokens"}, serve: (*API).deleteToken},
		{Method: "GET", Path: "/users/{user}/server/progress", Scopes: []string{"read:servers"}, serve: (*API).progress},
		{Method: "GET", Path: "/users/{user}/servers/{server}/progress", Scopes: []string{"read:servers"}, serve: (*API).progress},
	}
	for _, at := range []string{"/users/{user}/server", "/users/{user}/servers/{$}", "/users/{user}/servers/{server}"} {
		routes = append(routes,
			Route{Method: "GET", Path: at, Scopes: []string{"read:servers"}, serve: (*API).getServer},
			Route{Method: "PUT", Path: at, Scopes: []string{"start:servers"}, serve: (*API).putServer},
			Route{Method: "POST", Path: at, Scopes: []string{"start:servers"}, serve: (*API).startServer},
			Route{Method: "PATCH", Path: at, Scopes: []string{"start:servers"}, serve: (*API).changeServer},
			Route{Method: "DELETE", Path: at, Scopes: []string{"delete:servers"}, serve: (*API).stopServer},
		)
	}
	routes = append(routes, groupRoutes()...)
	routes = append(routes, serviceRoutes()...)
	routes = append(routes, hubRoutes()...)
	return append(routes, shareRoutes()...)
}

// Mount registers every endpoint. JupyterHub REST API, methods and paths: OPTIONS of a known path is an empty 200, another
// method a 405, an unknown path a 404, none of which asks who it is.
func (a *API) Mount(mux *http.ServeMux) {
	methods := map[string][]string{}
	for _, route := range a.Routes() {
		methods[route.Path] = append(methods[route.Path], route.Method)
		mux.Handle(route.Method+" "+a.root+route.Path, web.API(a.cfg.Log, func(w http.ResponseWriter, r *http.Request) error {
			return a.answer(w, r, &route)
		}))
	}
	for path, known := range methods {
		other := a.OtherMethod(known...)
		mux.Handle(a.root+path, web.API(a.cfg.Log, func(w http.ResponseWriter, r *http.Request) error {
			if path == "" || path == "/{$}" {
				letOthersRead(w)
			}
			return other(w, r)
		}))
	}
	unknown := web.API(a.cfg.Log, func(http.ResponseWriter, *http.Request) error { return hub.Wrap(hub.NotFound, errPath, "") })
	mux.Handle(a.root+"/", unknown)
	for path := range methods {
		if bare, ok := strings.CutSuffix(path, "/{$}"); ok && methods[bare] == nil {
			mux.Handle(a.root+bare, unknown) // instead of the mux's redirect to the path with a slash
		}
	}
}

// OtherMethod answers OPTIONS of a path that has these methods, and refuses every other method.
func (*API) OtherMethod(known ...string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", strings.Join(known, ", "))
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodOptions {
			return nil
		}
		return hub.Wrap(hub.Unsupported, errMethod, "")
	}
}

// JupyterHub REST API, errors: these answers have the message null; the log says what was wrong.
var (
	errMethod = errors.New("not a method of this path")
	errPath   = errors.New("no such path")
)

// answer asks who calls and whether he may, then serves.
func (a *API) answer(w http.ResponseWriter, r *http.Request, route *Route) error {
	if route.Open {
		letOthersRead(w)
	}
	if r.Method == http.MethodHead {
		return hub.Wrap(hub.Unsupported, errMethod, "")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	w.Header().Set("Content-Type", "application/json") // of empty answers too
	c := &call{Request: r, w: w, key: hub.ServerKey{User: r.PathValue("user"), Server: r.PathValue("server")}}
	if !plain(r.URL.Path) { // no name is like this
		return hub.Wrap(hub.NotFound, errPath, "")
	}
	if route.Open {
		return route.serve(a, c)
	}
	var err error
	if c.who, err = a.auth.FromRequest(w, r); err != nil {
		return err
	}
	if err := a.auth.CheckAPI(r, c.who); err != nil {
		return err
	}
	if err := c.allowed(route); err != nil {
		return err
	}
	return route.serve(a, c)
}

// allowed holds the caller against the route's scopes. JupyterHub REST API, permission outcome.
func (c *call) allowed(route *Route) error {
	if route.Scopes == nil {
		return nil
	}
	if !route.List || c.who == nil {
		return auth.Require(c.who, c.target(route), route.Scopes...)
	}
	if c.who.Scopes.CheckList(route.Scopes...) != scope.Allowed {
		return auth.Require(c.who, scope.Anything(), route.Scopes...)
	}
	return nil
}

// target is what the path names: a server, a user, or nothing.
func (c *call) target(route *Route) scope.Target {
	switch {
	case route.target != nil:
		return route.target(c)
	case strings.Contains(route.Path, "/server"):
		return scope.OfServer(c.key.User, c.key.Server)
	case slices.Contains(strings.Split(route.Path, "/"), "{user}"):
		return scope.OfUser(c.key.User)
	default:
		return scope.Anything()
	}
}

// user finds the user that the path names. Errors: NotFound.
func (a *API) user(c *call) (*hub.User, error) {
	u, err := a.db.UserByName(c.Context(), c.key.User)
	if err != nil && hub.CodeOf(err) == hub.NotFound {
		return nil, hub.Errorf(hub.NotFound, "No such user: %s", c.key.User)
	}
	return u, err
}
