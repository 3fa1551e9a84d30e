package pages

import (
	"net/http"
	"strconv"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/web"
)

// sessions lists the browsers in which the visitor is signed in. BERDL: GET /hub/sessions.
func (p *Pages) sessions(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	list, err := p.db.SessionsOfUser(r.Context(), who.User.ID)
	if err != nil {
		return err
	}
	page := &web.SessionsPage{Frame: p.Frame(w, r, who)}
	for _, s := range list {
		page.Sessions = append(page.Sessions, web.BrowserView{
			ID: s.ID, Here: s.ID == who.Session, Browser: web.BrowserInWords(s.Agent), Address: s.Address,
			Created: s.Created, LastSeen: s.LastSeen, Expires: s.Expires,
		})
	}
	return p.render.Render(w, r, http.StatusOK, page)
}

// endSession ends one of the visitor's sessions; the one of this browser signs out. BERDL: POST /hub/sessions/end.
func (p *Pages) endSession(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	id, err := strconv.ParseInt(r.PostFormValue("session"), 10, 64)
	if err != nil {
		return hub.Errorf(hub.Invalid, "The form names no session. Open the list again.")
	}
	if id == who.Session {
		return p.leave(w, r, who)
	}
	if err := p.db.EndSession(r.Context(), who.User.ID, id, time.Now()); err != nil {
		return err
	}
	redirect(w, p.hub+"sessions")
	return nil
}

// endSessions signs the visitor out everywhere. BERDL: POST /hub/sessions/end-all.
func (p *Pages) endSessions(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	if err := p.db.EndAllSessions(r.Context(), who.User.ID, time.Now()); err != nil {
		return err
	}
	return p.leave(w, r, who)
}

// signOutUser signs another user out everywhere; only administrators do it to administrators.
// BERDL: POST /hub/admin/users/{user}/sign-out, scope admin:users.
func (p *Pages) signOutUser(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	name := r.PathValue("user")
	if err := auth.Require(who, scope.OfUser(name), "admin:users"); err != nil {
		return err
	}
	u, err := p.db.UserByName(r.Context(), name)
	if err != nil {
		return err
	}
	if u.Admin && !who.User.Admin {
		return hub.Errorf(hub.Forbidden, "Only an administrator signs out administrators.")
	}
	if err := p.db.EndAllSessions(r.Context(), u.ID, time.Now()); err != nil {
		return err
	}
	redirect(w, p.hub+"admin/users/"+serverPath(hub.ServerKey{User: name}))
	return nil
}
