package pages

import (
	"net"
	"net/http"
	"net/netip"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
	"berdlhub/internal/web"
)

// loopback says that the browser speaks to this very machine, where nobody listens in between.
func loopback(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// home shows the user's servers.
func (p *Pages) home(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	return p.homePage(w, r, who, http.StatusOK, "", "")
}

func (p *Pages) homePage(w http.ResponseWriter, r *http.Request, who *auth.Principal, status int, name, problem string) error {
	servers, err := p.db.ServersOfUser(r.Context(), who.User.ID)
	if err != nil {
		return err
	}
	shared, err := p.sharedWith(r, who)
	if err != nil {
		return err
	}
	openings, err := p.openings(r, who)
	if err != nil {
		return err
	}
	page := &web.HomePage{
		Openings: openings,
		Frame:    p.Frame(w, r, who), Default: p.view(&hub.Server{Key: hub.ServerKey{User: who.User.Name}, Phase: hub.Stopped}),
		NamedAllowed: p.cfg.NamedServers, NamedLimit: p.cfg.NamedLimit, NewName: name, NewError: problem, Shared: shared,
	}
	for _, srv := range servers {
		if srv.Key.Server == "" {
			page.Default = p.view(srv)
			continue
		}
		page.Named = append(page.Named, p.view(srv))
	}
	return p.render.Render(w, r, status, page)
}

func (p *Pages) view(srv *hub.Server) web.ServerView {
	return web.ServerView{
		Key: srv.Key, DisplayName: srv.DisplayName, Phase: srv.Phase, URL: spawn.Prefix(p.cfg.BaseURL, srv.Key),
		Reason: srv.Reason, HasOptions: p.hasForm(), Started: srv.Started, LastActivity: srv.LastActivity,
	}
}

// tellOpenings is how long a user is told that somebody else went into a server.
const tellOpenings = 14 * 24 * time.Hour

// openings gives who went into the visitor's servers in the last days.
func (p *Pages) openings(r *http.Request, who *auth.Principal) ([]web.Opening, error) {
	found, err := p.db.Openings(r.Context(), who.User.Name, time.Now().Add(-tellOpenings))
	if err != nil {
		return nil, err
	}
	out := make([]web.Opening, len(found))
	for i, o := range found {
		out[i] = web.Opening{By: o.By, Server: o.Server.Server, At: o.At, Reason: o.Reason}
	}
	return out, nil
}

// addServer makes a named server and leads to its start.
func (p *Pages) addServer(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	k := hub.ServerKey{User: who.User.Name, Server: r.PostFormValue("server_name")}
	if err := auth.Require(who, scope.OfServer(k.User, k.Server), "start:servers"); err != nil {
		return err
	}
	if k.Server == "" {
		return p.homePage(w, r, who, http.StatusBadRequest, "", "Give the new server a name.")
	}
	if _, err := p.spawn.Ensure(r.Context(), k, ""); err != nil {
		if message := hub.MessageOf(err); message != "" {
			return p.homePage(w, r, who, hub.CodeOf(err).Status(), k.Server, message)
		}
		return err
	}
	if p.hasForm() {
		redirect(w, p.hub+"spawn/"+serverPath(k))
		return nil
	}
	return p.begin(w, r, who, k, nil)
}
