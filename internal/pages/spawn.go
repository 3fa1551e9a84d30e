package pages

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
	"berdlhub/internal/web"
)

// earlyFailure is how long a page waits for a start to fail before it shows the progress. JupyterHub's web contract: 1 s.
const earlyFailure = time.Second

func (p *Pages) hasForm() bool { return p.cfg.OptionsForm != "" || len(p.cfg.Fields) > 0 }

// visitorOf says who visits the page of a server, and refuses who may not start it.
func (p *Pages) visitorOf(w http.ResponseWriter, r *http.Request) (who *auth.Principal, k hub.ServerKey, done bool, err error) {
	who, done, err = p.visitor(w, r)
	if done || err != nil {
		return nil, k, done, err
	}
	k = keyOf(r, who.User.Name)
	return who, k, false, auth.Require(who, scope.OfServer(k.User, k.Server), "servers", "start:servers")
}

// server finds the row of a server; a server that was never started counts as stopped.
func (p *Pages) server(ctx context.Context, k hub.ServerKey) (*hub.Server, error) {
	srv, err := p.db.ServerByKey(ctx, k)
	if hub.CodeOf(err) != hub.NotFound || err == nil {
		return srv, err
	}
	if _, err := p.db.UserByName(ctx, k.User); err != nil {
		return nil, err
	}
	return &hub.Server{Key: k, Phase: hub.Stopped, Wanted: hub.WantStopped}, nil
}

// spawnPage shows the options of a start, or starts at once when there is nothing to choose.
// JupyterHub's web contract: GET /hub/spawn. A start by GET happens only when the browser vouches that none of another
// site's pages asked for it; otherwise the user is asked to press the button.
func (p *Pages) spawnPage(w http.ResponseWriter, r *http.Request) error {
	who, k, done, err := p.visitorOf(w, r)
	if done || err != nil {
		return err
	}
	srv, err := p.server(r.Context(), k)
	if err != nil {
		return err
	}
	if err := p.spawn.MayBe(r.Context(), k); err != nil {
		return err
	}
	switch {
	case srv.Phase == hub.Ready:
		redirect(w, p.openURL(r, k))
		return nil
	case srv.Active():
		redirect(w, withNext(p.hub+"spawn-pending/"+serverPath(k), p.next(r)))
		return nil
	case !auth.SameOrigin(r):
		return p.askToStart(w, r, who, srv, http.StatusOK)
	}
	if options := queryOptions(r.URL.Query()); options != nil {
		return p.begin(w, r, who, k, options)
	}
	if p.hasForm() {
		return p.formPage(w, r, who, k, http.StatusOK, "")
	}
	return p.begin(w, r, who, k, nil)
}

// queryOptions reads user options from an address: parameters that begin with opt-, or, in the old form, all but next and
// display_name. nil: there are none.
func queryOptions(q url.Values) map[string][]string {
	prefixed, plain := map[string][]string{}, map[string][]string{}
	for name, values := range q {
		if rest, ok := strings.CutPrefix(name, "opt-"); ok && rest != "" {
			prefixed[rest] = values
		} else if name != "next" && name != "display_name" && name != auth.XSRFCookie && name != "opt-" {
			plain[name] = values
		}
	}
	if len(prefixed) > 0 {
		return prefixed
	}
	if len(plain) > 0 {
		return plain
	}
	return nil
}

// openURL is where a running server is entered: where the user wanted to go, or its front door.
func (p *Pages) openURL(r *http.Request, k hub.ServerKey) string {
	if next := p.next(r); next != "" {
		return next
	}
	return spawn.Prefix(p.cfg.BaseURL, k)
}

func (p *Pages) formPage(w http.ResponseWriter, r *http.Request, who *auth.Principal, k hub.ServerKey, status int, problem string) error {
	return p.render.Render(w, r, status, &web.SpawnPage{
		Frame: p.Frame(w, r, who), Key: k, Next: p.next(r), Error: problem, Fields: p.cfg.Fields, OperatorHTML: p.cfg.OptionsForm,
	})
}

// start takes the options form. JupyterHub's web contract: POST /hub/spawn; fields become lists of strings.
func (p *Pages) start(w http.ResponseWriter, r *http.Request) error {
	who, k, done, err := p.visitorOf(w, r)
	if done || err != nil {
		return err
	}
	if err := web.ReadForm(w, r); err != nil {
		return err
	}
	srv, err := p.server(r.Context(), k)
	if err != nil {
		return err
	}
	if srv.Phase == hub.Ready {
		redirect(w, p.openURL(r, k))
		return nil
	}
	options := map[string][]string{}
	for name, values := range r.PostForm {
		if name != auth.XSRFCookie && name != "next" {
			options[name] = values
		}
	}
	if len(options) == 0 && !p.hasForm() {
		options = nil
	}
	return p.begin(w, r, who, k, options)
}

// begin asks for the start, waits a moment for an early failure, and leads to the progress.
func (p *Pages) begin(w http.ResponseWriter, r *http.Request, who *auth.Principal, k hub.ServerKey, options map[string][]string) error {
	req := spawn.StartRequest{Key: k, DisplayName: r.FormValue("display_name")}
	if options != nil {
		raw, err := json.Marshal(options)
		if err != nil {
			return fmt.Errorf("encode the options: %w", err)
		}
		req.Options = raw
	}
	srv, _, err := p.spawn.Start(r.Context(), req)
	if err == nil {
		wait, cancel := context.WithTimeout(r.Context(), earlyFailure)
		defer cancel()
		var started *hub.Server
		if started, err = p.spawn.WaitStarted(wait, k, srv.RunID); wait.Err() != nil && r.Context().Err() == nil {
			err = nil // still on its way
		} else if err == nil && started.Phase == hub.Ready {
			redirect(w, p.openURL(r, k))
			return nil
		}
	}
	if err != nil {
		return p.beginFailed(w, r, who, k, err)
	}
	redirect(w, withNext(p.hub+"spawn-pending/"+serverPath(k), p.next(r)))
	return nil
}

func (p *Pages) beginFailed(w http.ResponseWriter, r *http.Request, who *auth.Principal, k hub.ServerKey, err error) error {
	if p.hasForm() && hub.MessageOf(err) != "" {
		return p.formPage(w, r, who, k, hub.CodeOf(err).Status(), hub.MessageOf(err))
	}
	srv, lookErr := p.server(r.Context(), k)
	if lookErr == nil && srv.Phase == hub.Failed {
		return p.askToStart(w, r, who, srv, hub.CodeOf(err).Status())
	}
	return err
}

// pending shows a start or a stop under way. JupyterHub's web contract: GET /hub/spawn-pending.
func (p *Pages) pending(w http.ResponseWriter, r *http.Request) error {
	who, k, done, err := p.visitorOf(w, r)
	if done || err != nil {
		return err
	}
	srv, err := p.db.ServerByKey(r.Context(), k)
	if err != nil && (k.Server != "" || hub.CodeOf(err) != hub.NotFound) {
		return err
	}
	if err != nil {
		srv = &hub.Server{Key: k, Phase: hub.Stopped}
	}
	switch srv.Phase {
	case hub.Ready:
		redirect(w, p.openURL(r, k))
		return nil
	case hub.Stopping:
		return p.render.Render(w, r, http.StatusOK, &web.StopPendingPage{Frame: p.Frame(w, r, who), Key: k, Next: p.next(r)})
	case hub.Queued, hub.Starting:
		return p.pendingPage(w, r, who, srv)
	case hub.Failed:
		return p.askToStart(w, r, who, srv, srv.FailStatus)
	default:
		return p.askToStart(w, r, who, srv, http.StatusOK)
	}
}

func (p *Pages) pendingPage(w http.ResponseWriter, r *http.Request, who *auth.Principal, srv *hub.Server) error {
	events, err := p.db.EventsOfRun(r.Context(), srv.RunID, 0)
	if err != nil {
		return err
	}
	page := &web.PendingPage{Frame: p.Frame(w, r, who), Key: srv.Key, Next: p.next(r), Events: events}
	if srv.Phase == hub.Queued {
		if page.QueuePlace, page.QueueLength, err = p.db.QueuePlace(r.Context(), srv.ID); err != nil {
			return err
		}
	}
	return p.render.Render(w, r, http.StatusOK, page)
}

// askToStart says that a server is not running, why if it is known, and offers to start it.
func (p *Pages) askToStart(w http.ResponseWriter, r *http.Request, who *auth.Principal, srv *hub.Server, status int) error {
	page := &web.NotRunningPage{
		Frame: p.Frame(w, r, who), Key: srv.Key, Next: p.next(r), Failed: srv.Phase == hub.Failed, Reason: srv.Reason,
		HasOptions: p.hasForm(), ImplicitSeconds: p.cfg.ImplicitSeconds,
	}
	if !auth.SameOrigin(r) {
		page.ImplicitSeconds = 0
	}
	if page.Failed {
		log, err := p.lastLines(r.Context(), srv.RunID)
		if err != nil {
			return err
		}
		page.Log = log
	}
	return p.render.Render(w, r, max(status, http.StatusOK), page)
}

// lastLines gives the log lines that a failed run left in its story.
func (p *Pages) lastLines(ctx context.Context, runID string) ([]string, error) {
	events, err := p.db.EventsOfRun(ctx, runID, 0)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		if e.Level == hub.Problem && e.Final == "" && strings.Contains(e.Message, "\n") {
			return strings.Split(e.Message, "\n")[1:], nil
		}
	}
	return nil, nil
}

// stop asks for a server to be stopped; during a start it ends the start.
func (p *Pages) stop(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	k := keyOf(r, who.User.Name)
	if err := auth.Require(who, scope.OfServer(k.User, k.Server), "servers", "delete:servers"); err != nil {
		return err
	}
	if _, err := p.spawn.Stop(r.Context(), k, stopReason(who, k)); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if _, err := p.spawn.WaitStopped(wait, k); err != nil && wait.Err() == nil {
		return err
	}
	redirect(w, p.hub+"home")
	return nil
}

// stopReason is what a user reads whose server somebody else stopped.
func stopReason(who *auth.Principal, k hub.ServerKey) string {
	if who.User.Name == k.User {
		return ""
	}
	return "Stopped by " + who.User.Name + "."
}

// deleteServer removes a named server that does not run.
func (p *Pages) deleteServer(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	k := keyOf(r, who.User.Name)
	if err := auth.Require(who, scope.OfServer(k.User, k.Server), "servers", "delete:servers"); err != nil {
		return err
	}
	if err := p.spawn.Delete(r.Context(), k); err != nil {
		return err
	}
	redirect(w, p.hub+"home")
	return nil
}
