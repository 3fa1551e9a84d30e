package admin

import (
	"context"
	"net/http"
	"strings"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// maxReason is how many bytes the reason of a start or a stop may have.
const maxReason = 1000

// stopWait is how long a page waits for a stop, so that it can show it.
const stopWait = 2 * time.Second

// server is a server as the visitor sees it.
func (p *Pages) server(who *auth.Principal, srv *hub.Server) web.AdminServer {
	target := scope.OfServer(srv.Key.User, srv.Key.Server)
	s := web.AdminServer{
		ServerView: web.ServerView{
			Key: srv.Key, DisplayName: srv.DisplayName, Phase: srv.Phase, URL: spawn.Prefix(p.cfg.BaseURL, srv.Key), Reason: srv.Reason,
			Started: srv.Started, LastActivity: srv.LastActivity,
		},
		MayStart: who.Has("start:servers", target), MayStop: who.Has("delete:servers", target), MayOpen: who.Has("access:servers", target),
	}
	switch srv.Phase {
	case hub.Ready:
		s.Since = srv.ReadySince
	case hub.Queued, hub.Starting:
		s.Since = srv.Requested
	case hub.Stopped, hub.Failed:
		s.Since = srv.LastActivity // a stop counts as the last activity
	case hub.Stopping:
	}
	return s
}

// servers lists servers.
func (p *Pages) servers(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	if !who.Scopes.HasAny("read:servers") {
		return auth.Require(who, scope.Anything(), "read:servers")
	}
	search, err := text(r, "q")
	if err != nil {
		return err
	}
	f := store.ServerSearch{Text: search, Show: r.URL.Query().Get("show"), Offset: offset(r), Limit: pageSize}
	f.Names, f.Groups = narrow(who, "read:servers")
	found, total, err := p.db.SearchServers(r.Context(), f)
	if err != nil {
		return err
	}
	page := &web.AdminServersPage{
		AdminFrame: p.frame(w, r, who, "servers"), Text: f.Text, Paging: paging(p.hub+"admin/servers", r.URL.Query(), len(found), total, f.Offset),
		Shows: choices(
			f.Show, web.Choice{Label: "All but stopped ones"}, web.Choice{Value: "failed", Label: "Failed"}, web.Choice{Value: "ready", Label: "Running"},
			web.Choice{Value: "pending", Label: "Starting or stopping"}, web.Choice{Value: "stopped", Label: "Stopped"}, web.Choice{Value: "all", Label: "All"},
		),
	}
	for _, srv := range found {
		if who.Has("read:servers", scope.OfServer(srv.Key.User, srv.Key.Server)) {
			page.Servers = append(page.Servers, p.server(who, srv))
		}
	}
	return p.render.Render(w, r, http.StatusOK, page)
}

// keyOf reads which server a path names.
func keyOf(r *http.Request) hub.ServerKey {
	return hub.ServerKey{User: r.PathValue("user"), Server: r.PathValue("server")}
}

// reason reads why somebody starts or stops another user's server, and says who it is.
func reason(r *http.Request, who *auth.Principal, k hub.ServerKey, verb string) (string, error) {
	given := strings.TrimSpace(r.PostFormValue("reason"))
	switch {
	case len(given) > maxReason || strings.ContainsRune(given, 0):
		return "", hub.Errorf(hub.Invalid, "The reason is too long: write it in at most %d characters.", maxReason/2)
	case given == "" && k.User == who.User.Name:
		return "", nil
	case given == "":
		return verb + " by " + who.User.Name + ".", nil
	}
	return verb + " by " + who.User.Name + ": " + strings.ToValidUTF8(given, ""), nil
}

// start asks for a server; the one to whom it belongs reads in the story of the start who asked, and why.
func (p *Pages) start(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	k := keyOf(r)
	if err := auth.Require(who, scope.OfServer(k.User, k.Server), "start:servers"); err != nil {
		return err
	}
	why, err := reason(r, who, k, "Started")
	if err != nil {
		return err
	}
	srv, fresh, err := p.spawn.Start(r.Context(), spawn.StartRequest{Key: k})
	if err != nil {
		return err
	}
	if fresh && why != "" {
		if _, err := p.db.AddEvent(r.Context(), hub.Event{RunID: srv.RunID, Time: time.Now(), Level: hub.Info, Message: why}); err != nil {
			return err
		}
	}
	p.back(w, r, "admin/servers")
	return nil
}

// stop asks for a server to be stopped; during a start it ends the start.
func (p *Pages) stop(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	k := keyOf(r)
	if err := auth.Require(who, scope.OfServer(k.User, k.Server), "delete:servers"); err != nil {
		return err
	}
	why, err := reason(r, who, k, "Stopped")
	if err != nil {
		return err
	}
	if _, err := p.spawn.Stop(r.Context(), k, why); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(r.Context(), stopWait)
	defer cancel()
	if _, err := p.spawn.WaitStopped(wait, k); err != nil && wait.Err() == nil {
		return err
	}
	p.back(w, r, "admin/servers")
	return nil
}

// open leads into another user's server. The user is told who it was, when and why.
func (p *Pages) open(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	k := keyOf(r)
	if err := auth.Require(who, scope.OfServer(k.User, k.Server), "access:servers"); err != nil {
		return err
	}
	srv, err := p.db.ServerByKey(r.Context(), k)
	if err != nil {
		return err
	}
	if srv.Phase != hub.Ready {
		return hub.Errorf(hub.Conflict, "The server %s does not run. Start it first, then open it.", k)
	}
	if k.User != who.User.Name {
		if err := p.db.RecordOpening(r.Context(), k, r.PostFormValue("reason")); err != nil {
			return err
		}
	}
	p.lead(w, spawn.Prefix(p.cfg.BaseURL, k))
	return nil
}
