package admin

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/web"
)

// maxFailures is how many failed starts of a user are told of.
const maxFailures = 5

// account finds the user that a path names, for a visitor who holds one of some scopes for that user.
func (p *Pages) account(r *http.Request, who *auth.Principal, scopes ...string) (*hub.User, error) {
	name := r.PathValue("user")
	if err := auth.Require(who, scope.OfUser(name), scopes...); err != nil {
		return nil, err
	}
	return p.db.UserByName(r.Context(), name)
}

// user shows one user.
func (p *Pages) user(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	u, err := p.account(r, who, "list:users", "read:users", "read:users:name")
	if err != nil {
		return err
	}
	rows, err := p.rows(r, who, []*hub.User{u})
	if err != nil {
		return err
	}
	target := scope.OfUser(u.Name)
	page := &web.AdminUserPage{
		AdminFrame: p.frame(w, r, who, "users"), Account: rows[0], Self: u.ID == who.User.ID, SeesRoles: who.Has("read:roles:users", target),
		SeesTokens: who.Has("read:tokens", target), MayRevoke: who.Has("tokens", target),
	}
	page.MayAdmin = !page.Self && p.auth.FullAdmin(who) && who.Has("admin:users", target)
	page.MaySignOut = who.Has("admin:users", target) && (!u.Admin || who.User.Admin)
	page.MayDelete = !page.Self && who.Has("delete:users", target)
	for _, load := range []func(*http.Request, *hub.User, *web.AdminUserPage) error{p.loadRoles, p.loadTokens, p.loadSessions} {
		if err := load(r, u, page); err != nil {
			return err
		}
	}
	if err := p.loadFailures(r, who, u, page); err != nil {
		return err
	}
	return p.render.Render(w, r, http.StatusOK, page)
}

// loadRoles adds the roles and what follows from them.
func (p *Pages) loadRoles(r *http.Request, u *hub.User, page *web.AdminUserPage) error {
	if !page.SeesRoles {
		return nil
	}
	direct, err := p.db.RolesOfUsers(r.Context(), []int64{u.ID})
	if err != nil {
		return err
	}
	for _, role := range direct[u.ID] {
		page.Roles = append(page.Roles, web.HeldRole{Name: role})
	}
	byGroup, err := p.db.RolesByGroup(r.Context(), u.ID)
	if err != nil {
		return err
	}
	for _, g := range byGroup {
		page.Roles = append(page.Roles, web.HeldRole{Name: g.Role, Group: g.Group})
	}
	scopes, err := p.auth.ScopesOf(r.Context(), u.ID)
	page.Scopes = scopes.Strings()
	return err
}

// loadFailures adds the stories of the last starts that failed.
func (p *Pages) loadFailures(r *http.Request, who *auth.Principal, u *hub.User, page *web.AdminUserPage) error {
	if !page.Account.SeesServers {
		return nil
	}
	runs, err := p.db.FailedRuns(r.Context(), u, maxFailures)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if !who.Has("read:servers", scope.OfServer(u.Name, run.Server.Server)) {
			continue
		}
		events, err := p.db.EventsOfRun(r.Context(), run.RunID, 0)
		if err != nil {
			return err
		}
		page.Failures = append(page.Failures, web.FailedStart{Server: p.server(who, &hub.Server{Key: run.Server}), At: run.At, Events: events})
	}
	return nil
}

// loadTokens adds the tokens; those of an application are one row.
func (p *Pages) loadTokens(r *http.Request, u *hub.User, page *web.AdminUserPage) error {
	if !page.SeesTokens {
		return nil
	}
	tokens, err := p.db.TokensOfUser(r.Context(), u.ID, time.Now())
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, t := range slices.Backward(tokens) {
		if t.ClientID == hub.PlainClient {
			page.Tokens = append(page.Tokens, tokenView(t))
			continue
		}
		if seen[t.ClientID] {
			continue
		}
		seen[t.ClientID] = true
		view := web.ClientView{TokenID: tokenID(t), Description: t.ClientID, Created: t.Created, LastActivity: t.LastActivity}
		c, err := p.db.ClientByID(r.Context(), t.ClientID)
		if err != nil && hub.CodeOf(err) != hub.NotFound {
			return err
		}
		if err == nil && c.Description != "" {
			view.Description = c.Description
		}
		page.Clients = append(page.Clients, view)
	}
	return nil
}

func tokenView(t *hub.Token) web.TokenView {
	return web.TokenView{ID: tokenID(t), Note: t.Note, Scopes: t.Scopes, Created: t.Created, LastActivity: t.LastActivity, Expires: t.Expires}
}

// tokenID is a token's id in the API. JupyterHub REST API: "a" and the row's number.
func tokenID(t *hub.Token) string { return "a" + strconv.FormatInt(t.ID, 10) }

// setAdmin gives or takes the admin flag. JupyterHub REST API, PATCH /users/{name}: only administrators do that.
func (p *Pages) setAdmin(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	u, err := p.account(r, who, "admin:users")
	if err != nil {
		return err
	}
	wanted := r.PostFormValue("admin")
	switch {
	case !p.auth.FullAdmin(who):
		return hub.Errorf(hub.Forbidden, "Only an administrator makes others administrators.")
	case u.ID == who.User.ID:
		return hub.Errorf(hub.Conflict, "You cannot take the administration from yourself: ask another administrator.")
	case wanted != "yes" && wanted != "no":
		return hub.Errorf(hub.Invalid, "The form does not say what to change. Open the user's page again.")
	}
	if err := p.db.SetAdmin(r.Context(), u.ID, wanted == "yes"); err != nil {
		return err
	}
	p.back(w, r, "admin")
	return nil
}

// deleteUser removes a user none of whose servers runs.
func (p *Pages) deleteUser(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	u, err := p.account(r, who, "delete:users")
	if err != nil {
		return err
	}
	if u.ID == who.User.ID {
		return hub.Errorf(hub.Conflict, "You cannot delete yourself: ask another administrator.")
	}
	if err := p.db.DeleteUser(r.Context(), u.ID); err != nil {
		return err
	}
	p.lead(w, p.hub+"admin")
	return nil
}

// revokeToken takes a user's token back; one of an application takes all of the application's back.
func (p *Pages) revokeToken(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	u, err := p.account(r, who, "tokens")
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(strings.TrimPrefix(r.PostFormValue("token_id"), "a"), 10, 64)
	if err != nil {
		return hub.Errorf(hub.Invalid, "The form names no token. Open the user's page again.")
	}
	t, err := p.db.TokenByID(r.Context(), id)
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return err
	}
	if err != nil || t.UserID != u.ID {
		return hub.Errorf(hub.NotFound, "There is no such token of %s. It may be gone already.", u.Name)
	}
	if t.ClientID == hub.PlainClient {
		err = p.db.DeleteToken(r.Context(), id)
	} else {
		err = p.db.DeleteTokensOfClient(r.Context(), u.ID, t.ClientID)
	}
	if err != nil {
		return err
	}
	p.back(w, r, "admin")
	return nil
}
