package pages

import (
	"net/http"
	"slices"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// acceptShare asks whether the visitor wants what a code shares; it changes nothing. JupyterHub's web contract: GET
// /hub/accept-share: no code 400, an unknown one 404, one for an own server 403.
func (p *Pages) acceptShare(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	code := r.URL.Query().Get("code")
	if code == "" {
		return hub.Errorf(hub.Invalid, "The address of an invitation ends with its code, which is missing here: use the whole address.")
	}
	k, err := p.db.ShareCodeByValue(r.Context(), code, time.Now())
	if err != nil {
		if hub.CodeOf(err) == hub.NotFound {
			return hub.Errorf(hub.NotFound, "This invitation does not exist, or it has expired. Ask for a new one.")
		}
		return err
	}
	if k.Server.User == who.User.Name {
		return hub.Errorf(hub.Forbidden, "This invitation is to your own server: send it to somebody else.")
	}
	page := &web.AcceptSharePage{Frame: p.Frame(w, r, who), Key: k.Server, Running: k.Ready, Code: hub.Secret(code), Next: p.next(r)}
	for _, d := range scope.Describe(k.Scopes, scope.Owner{User: who.User.Name}, p.auth.Custom()) {
		page.Scopes = append(page.Scopes, web.ScopeView{Scope: d.Scope, Description: d.Description})
	}
	return p.render.Render(w, r, http.StatusOK, page)
}

// takeShare accepts a code and leads to the server. JupyterHub's web contract: POST /hub/accept-share: an unknown code and one
// for an own server are a 400.
func (p *Pages) takeShare(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	share, err := p.db.AcceptShareCode(r.Context(), r.PostFormValue("code"), who.User.ID, time.Now())
	if err != nil {
		if hub.CodeOf(err) == hub.NotFound {
			return hub.Errorf(hub.Invalid, "This invitation does not exist, or it has expired. Ask for a new one.")
		}
		return err
	}
	target := p.next(r)
	if target == "" {
		target = spawn.Prefix(p.cfg.BaseURL, share.Server)
	}
	redirect(w, target)
	return nil
}

// sharedWith gives the servers of others that a user may use, through a share of his own or of a group.
func (p *Pages) sharedWith(r *http.Request, who *auth.Principal) ([]web.SharedServer, error) {
	shares, _, err := p.db.Shares(r.Context(), store.ShareFilter{With: hub.ShareTarget{User: who.User.Name}}, time.Now())
	if err != nil {
		return nil, err
	}
	var out []web.SharedServer
	for _, h := range shares {
		known := slices.ContainsFunc(out, func(s web.SharedServer) bool { return s.Key == h.Server })
		if !known && h.Server.User != who.User.Name && who.Has("access:servers", scope.OfServer(h.Server.User, h.Server.Server)) {
			out = append(out, web.SharedServer{Key: h.Server, URL: spawn.Prefix(p.cfg.BaseURL, h.Server), Running: h.Ready})
		}
	}
	return out, nil
}
