package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
	"berdlhub/internal/web"
)

// maxRedirects is how often a browser is sent to a server that the hub calls ready although its requests keep coming here.
// JupyterHub's web contract: user_redirect_limit.
const maxRedirects = 4

// userRedirect leads to a path in the visitor's own server, whoever that is. JupyterHub's web contract: GET /hub/user-redirect/PATH.
func (p *Pages) userRedirect(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	k := hub.ServerKey{User: who.User.Name, Server: p.cfg.DefaultServer}
	_, path, _ := strings.Cut(r.URL.EscapedPath(), "/user-redirect/")
	target := spawn.Prefix(p.cfg.BaseURL, k) + path
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	redirect(w, p.hub+"spawn/"+serverPath(k)+"?"+query("next", target))
	return nil
}

// notRunning answers requests for a server that no route leads to. JupyterHub's web contract: everything below /hub/user/.
func (p *Pages) notRunning(w http.ResponseWriter, r *http.Request) error {
	who, err := p.auth.FromUserURL(w, r)
	if err != nil {
		return err
	}
	if who == nil {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return hub.Errorf(hub.Forbidden, "You are not signed in. Sign in and try again.")
		}
		p.toLogin(w, r)
		return nil
	}
	if err := p.auth.CheckPage(r, who); err != nil {
		return err
	}
	srv, err := p.serverAt(r)
	if err != nil {
		return err
	}
	if !who.Has("access:servers", scope.OfServer(srv.Key.User, srv.Key.Server)) {
		return hub.Errorf(hub.NotFound, "There is no such server, or you may not use it.")
	}
	here := p.cfg.BaseURL + strings.TrimPrefix(r.URL.RequestURI(), p.hub)
	switch {
	case srv.Phase == hub.Ready:
		if err := p.spawn.Reroute(r.Context(), srv); err != nil {
			return err
		}
		return p.again(w, r)
	case wantsJSON(r):
		return p.stoppedJSON(w, r, srv.Key, here)
	case srv.Phase != hub.Stopped:
		w.Header().Set("Location", withNext(p.hub+"spawn-pending/"+serverPath(srv.Key), here))
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	return p.notRunningPage(w, r, who, srv, here)
}

// serverAt says which server an address means: the named one if its first part is one, else the default server.
func (p *Pages) serverAt(r *http.Request) (*hub.Server, error) {
	k := hub.ServerKey{User: r.PathValue("user")}
	first, _, _ := strings.Cut(r.PathValue("path"), "/")
	if p.cfg.NamedServers && first != "" {
		srv, err := p.db.ServerByKey(r.Context(), hub.ServerKey{User: k.User, Server: first})
		if err == nil || hub.CodeOf(err) != hub.NotFound {
			return srv, err
		}
	}
	return p.server(r.Context(), k)
}

func (p *Pages) stoppedStatus() int {
	if p.cfg.LegacyStatus {
		return http.StatusServiceUnavailable
	}
	return http.StatusFailedDependency
}

// wantsJSON says that a program asks, not a person: it prefers JSON, or the path below the user has a part that is exactly api.
func wantsJSON(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || slices.Contains(strings.Split(r.PathValue("path"), "/"), "api") {
		return true
	}
	accept := r.Header.Get("Accept")
	json, html := strings.Index(accept, "application/json"), strings.Index(accept, "text/html")
	return json >= 0 && (html < 0 || json < html)
}

func (p *Pages) stoppedJSON(w http.ResponseWriter, r *http.Request, k hub.ServerKey, here string) error {
	scheme := "http://"
	if p.auth.Secure(r) {
		scheme = "https://"
	}
	start := scheme + r.Host + p.hub + "spawn/" + serverPath(k)
	return web.JSON(w, p.stoppedStatus(), map[string]string{
		"message": "JupyterHub server no longer running at " + here + " . Restart the server at " + start,
	})
}

func (p *Pages) notRunningPage(w http.ResponseWriter, r *http.Request, who *auth.Principal, srv *hub.Server, here string) error {
	page := &web.NotRunningPage{
		Frame: p.Frame(w, r, who), Key: srv.Key, Next: here, Reason: srv.Reason, HasOptions: p.hasForm(), ImplicitSeconds: p.cfg.ImplicitSeconds,
	}
	if !auth.SameOrigin(r) {
		page.ImplicitSeconds = 0
	}
	return p.render.Render(w, r, p.stoppedStatus(), page)
}

// again sends the browser back to a server that is ready: its request came here before the route was there. A counter in the
// address ends a loop.
func (p *Pages) again(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	n, err := strconv.Atoi(q.Get("redirects"))
	if err != nil {
		n = 0
	}
	if n >= maxRedirects {
		return hub.Errorf(hub.Unavailable, "The server runs, but the proxy does not lead to it. Try again in a minute.")
	}
	q.Set("redirects", strconv.Itoa(n+1))
	target := url.URL{Path: p.cfg.BaseURL + strings.TrimPrefix(r.URL.Path, p.hub), RawQuery: q.Encode()}
	target.RawPath = p.cfg.BaseURL + strings.TrimPrefix(r.URL.EscapedPath(), p.hub)
	redirect(w, target.RequestURI())
	return nil
}
