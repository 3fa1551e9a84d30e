// Package admin holds the pages of the administration, below {base}hub/admin: users, servers, groups, roles, services and the
// audit log. The scope admin-ui opens them; what they show and do needs the scope of each thing shown and done.
package admin

import (
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/pages"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// Config is what the administration shows beyond what the database knows.
type Config struct {
	BaseURL         string   // public path prefix with both slashes
	ConfiguredRoles []string // roles whose members the configuration names: they come back when the hub starts again
	FixedGroups     bool     // the sign-in service says who is in which group
	// Health tells how a service does, false for one that is not known; nil: none is known.
	Health func(service string) (Health, bool)
	Log    *slog.Logger
}

// Health is how a service does that the hub runs itself, or whose health it asks for.
type Health struct {
	Process int    // id of its process on this replica; 0: none
	Words   string // how it does; empty: nobody has looked yet
	Well    bool
}

// Pages are the pages of the administration.
type Pages struct {
	cfg    Config
	site   *pages.Pages
	auth   *auth.Auth
	db     *store.DB
	spawn  *spawn.Controller
	render *web.Renderer
	hub    string // {base}hub/
}

// New builds the pages.
func New(cfg Config, site *pages.Pages, a *auth.Auth, db *store.DB, c *spawn.Controller, r *web.Renderer) *Pages {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Pages{cfg: cfg, site: site, auth: a, db: db, spawn: c, render: r, hub: cfg.BaseURL + "hub/"}
}

// Routes lists every page of the administration. Mount is made from it, and tests walk it.
func (p *Pages) Routes() []pages.Route {
	routes := []struct {
		method, path string
		view         view
	}{
		{"GET", "admin", p.users},
		{"POST", "admin/users", p.addUsers},
		{"GET", "admin/users/{user}", p.user},
		{"POST", "admin/users/{user}/admin", p.setAdmin},
		{"POST", "admin/users/{user}/delete", p.deleteUser},
		{"POST", "admin/users/{user}/tokens/revoke", p.revokeToken},
		{"GET", "admin/servers", p.servers},
		{"POST", "admin/start/{user}", p.start},
		{"POST", "admin/start/{user}/{server}", p.start},
		{"POST", "admin/stop/{user}", p.stop},
		{"POST", "admin/stop/{user}/{server}", p.stop},
		{"POST", "admin/open/{user}", p.open},
		{"POST", "admin/open/{user}/{server}", p.open},
		{"GET", "admin/groups", p.groups},
		{"POST", "admin/groups", p.addGroup},
		{"GET", "admin/groups/{group}", p.group},
		{"POST", "admin/groups/{group}/members", p.changeMembers},
		{"POST", "admin/groups/{group}/delete", p.deleteGroup},
		{"GET", "admin/roles", p.roles},
		{"GET", "admin/roles/{role}", p.role},
		{"POST", "admin/roles/{role}/members", p.setRole},
		{"GET", "admin/services", p.services},
		{"GET", "admin/audit", p.audit},
	}
	all := make([]pages.Route, len(routes))
	for i, r := range routes {
		all[i] = pages.Route{Method: r.method, Path: r.path, Handler: p.opened(r.view)}
	}
	return all
}

// Mount registers the pages.
func (p *Pages) Mount(mux *http.ServeMux) {
	for _, route := range p.Routes() {
		mux.Handle(route.Method+" "+p.hub+route.Path, p.render.HTML(p.cfg.Log, route.Handler))
	}
}

// view answers somebody who may open the administration.
type view func(w http.ResponseWriter, r *http.Request, who *auth.Principal) error

// opened lets in who has the scope admin-ui.
func (p *Pages) opened(v view) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who, done, err := p.site.Visitor(w, r)
		if done || err != nil {
			return err
		}
		if err := auth.Require(who, scope.Anything(), "admin-ui"); err != nil {
			return err
		}
		return v(w, r, who)
	}
}

// frame is what every page of the administration shows of who visits it.
func (p *Pages) frame(w http.ResponseWriter, r *http.Request, who *auth.Principal, here string) web.AdminFrame {
	return web.AdminFrame{Frame: p.site.Frame(w, r, who), Here: here, Back: r.URL.RequestURI(), May: web.AdminViews{
		Users: who.Scopes.HasAny("list:users"), Servers: who.Scopes.HasAny("read:servers"), Groups: who.Scopes.HasAny("list:groups"),
		Roles: seesRoles(who), Services: who.Scopes.HasAny("list:services"), Audit: seesAudit(who),
	}}
}

// back leads to where a form was, or to a usual place below the administration.
func (p *Pages) back(w http.ResponseWriter, r *http.Request, usual string) {
	target := p.hub + usual
	if given := r.PostFormValue("back"); p.within(given) {
		if checked, ok := p.auth.Next(r, given); ok {
			target = checked
		}
	}
	p.lead(w, target)
}

// within says that an address is one of the administration's own.
func (p *Pages) within(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || path.Clean(u.Path) != u.Path || strings.ContainsRune(u.Path, '\\') {
		return false
	}
	return u.Path == p.hub+"admin" || strings.HasPrefix(u.Path, p.hub+"admin/")
}

// lead sends the browser to a path of this host, by GET.
func (*Pages) lead(w http.ResponseWriter, target string) {
	w.Header().Set("Location", target)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// pageSize is how many rows a list shows at once.
const pageSize = 50

// offset reads which rows of a list to show.
func offset(r *http.Request) int {
	n, err := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 31)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}

// with gives the address of a page with other parameters; empty ones are left out.
func with(place string, q url.Values, changes ...string) string {
	out := url.Values{}
	for name, values := range q {
		if len(values) > 0 && values[0] != "" {
			out.Set(name, values[0])
		}
	}
	for i := 0; i+1 < len(changes); i += 2 {
		out.Del(changes[i])
		if changes[i+1] != "" {
			out.Set(changes[i], changes[i+1])
		}
	}
	if len(out) == 0 {
		return place
	}
	return place + "?" + out.Encode()
}

// paging leads to the pages around this one.
func paging(place string, q url.Values, shown, total, from int) web.Paging {
	pg := web.Paging{First: from + 1, Last: from + shown, Total: total}
	if shown == 0 {
		pg.First, pg.Last = 0, 0
	}
	if from > 0 {
		before := ""
		if from > pageSize {
			before = strconv.Itoa(from - pageSize)
		}
		pg.Prev = with(place, q, "offset", before)
	}
	if from+shown < total && shown > 0 {
		pg.Next = with(place, q, "offset", strconv.Itoa(from+pageSize))
	}
	return pg
}

// choices marks the one of some choices that is made.
func choices(chosen string, all ...web.Choice) []web.Choice {
	for i := range all {
		all[i].Selected = all[i].Value == chosen
	}
	return all
}

// narrow gives the users and groups by which a scope is held; both nil when it is held for everybody.
func narrow(who *auth.Principal, base string) (names, groups []string) {
	all, f := who.Scopes.Filters(base)
	if all {
		return nil, nil
	}
	names = slices.Concat([]string{}, f.Users)
	for _, server := range f.Servers {
		owner, _, _ := strings.Cut(server, "/")
		names = append(names, owner)
	}
	if names == nil {
		names = []string{}
	}
	return names, f.Groups
}

// text reads a word to search for, which may have at most so many characters as a name.
func text(r *http.Request, name string) (string, error) {
	s := strings.TrimSpace(r.URL.Query().Get(name))
	if len(s) > 1024 || strings.ContainsRune(s, 0) {
		return "", hub.Errorf(hub.Invalid, "What you search for is too long, or no text. Search for a part of a name.")
	}
	return strings.ToValidUTF8(s, ""), nil
}
