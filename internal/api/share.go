package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// shareRoutes lists the endpoints of shares and share codes. JupyterHub REST API, shares: a path without a server is only for GET,
// and a filter for one server does not allow it.
func shareRoutes() []Route {
	read, grant := []string{"read:shares"}, []string{"shares"}
	ofUser, ofGroup := []string{"read:users:shares"}, []string{"read:groups:shares"}
	routes := []Route{
		{Method: "GET", Path: "/shares/{user}", Scopes: read, serve: (*API).listShares},
		{Method: "GET", Path: "/share-codes/{user}", Scopes: read, serve: (*API).listShareCodes},
		{Method: "GET", Path: "/users/{user}/shared", Scopes: ofUser, serve: (*API).listSharedWith},
		{Method: "GET", Path: "/groups/{group}/shared", Scopes: ofGroup, target: groupTarget, serve: (*API).listSharedWith},
	}
	for _, server := range []string{"/{$}", "/{server}"} {
		shares, codes := "/shares/{user}"+server, "/share-codes/{user}"+server
		withUser, withGroup := "/users/{user}/shared/{owner}"+server, "/groups/{group}/shared/{owner}"+server
		routes = append(routes,
			Route{Method: "GET", Path: shares, Scopes: read, target: serverTarget, serve: (*API).listShares},
			Route{Method: "POST", Path: shares, Scopes: grant, target: serverTarget, serve: (*API).grantShare},
			Route{Method: "PATCH", Path: shares, Scopes: grant, target: serverTarget, serve: (*API).revokeShare},
			Route{Method: "DELETE", Path: shares, Scopes: grant, target: serverTarget, serve: (*API).deleteShares},
			Route{Method: "GET", Path: codes, Scopes: read, target: serverTarget, serve: (*API).listShareCodes},
			Route{Method: "POST", Path: codes, Scopes: grant, target: serverTarget, serve: (*API).createShareCode},
			Route{Method: "DELETE", Path: codes, Scopes: grant, target: serverTarget, serve: (*API).deleteShareCodes},
			Route{Method: "GET", Path: withUser, Scopes: ofUser, target: userTarget, serve: (*API).getShareWith},
			Route{Method: "DELETE", Path: withUser, Scopes: []string{"users:shares"}, target: userTarget, serve: (*API).leaveShare},
			Route{Method: "GET", Path: withGroup, Scopes: ofGroup, target: groupTarget, serve: (*API).getShareWith},
			Route{Method: "DELETE", Path: withGroup, Scopes: []string{"groups:shares"}, target: groupTarget, serve: (*API).leaveShare},
		)
	}
	return routes
}

func userTarget(c *call) scope.Target   { return scope.OfUser(c.key.User) }
func groupTarget(c *call) scope.Target  { return scope.OfGroup(c.PathValue("group")) }
func serverTarget(c *call) scope.Target { return scope.OfServer(c.key.User, c.key.Server) }

// sharedServer gives a server as the models of shares do. JupyterHub REST API: share model.
func (a *API) sharedServer(key hub.ServerKey, ready bool) object {
	prefix := spawn.Prefix(a.cfg.BaseURL, key)
	m := object{"user": object{"name": key.User}, "name": key.Server, "url": prefix, "full_url": nil, "ready": ready}
	if origin := a.origin(); origin != "" {
		m["full_url"] = origin + prefix
	}
	return m
}

// shareModel gives a share as JupyterHub REST API: share model.
func (a *API) shareModel(h *hub.Share) object {
	m := object{
		"server": a.sharedServer(h.Server, h.Ready), "scopes": h.Scopes, "user": nil, "group": nil, "kind": "user", "created_at": stamp(h.Created),
	}
	if h.With.Group != "" {
		m["kind"], m["group"] = "group", object{"name": h.With.Group}
	} else {
		m["user"] = object{"name": h.With.User}
	}
	return m
}

// sharePage reads which part of a list of shares is wanted; they always come with their links.
func (a *API) sharePage(c *call) (*page, error) {
	p, err := a.page(c)
	if err == nil {
		p.links = true
	}
	return p, err
}

// ownerOrServer gives the ids of what a list is about: all servers of an owner, or one. Errors: NotFound.
func (a *API) ownerOrServer(c *call) (ownerID, serverID int64, err error) {
	if strings.HasSuffix(c.Pattern, "/{user}") {
		u, err := a.user(c)
		if err != nil {
			return 0, 0, err
		}
		return u.ID, 0, nil
	}
	srv, err := a.serverToShare(c, c.key)
	if err != nil {
		return 0, 0, err
	}
	return 0, srv.ID, nil
}

func (a *API) serverToShare(c *call, key hub.ServerKey) (*hub.Server, error) {
	srv, err := a.db.ServerByKey(c.Context(), key)
	if err != nil && hub.CodeOf(err) == hub.NotFound {
		return nil, hub.Errorf(hub.NotFound, "No such server: %s", clip(key.Full()))
	}
	return srv, err
}

// listShares lists with whom an owner's servers, or one of them, are shared. JupyterHub REST API: GET /shares/{owner}.
func (a *API) listShares(c *call) error {
	var f store.ShareFilter
	var err error
	if f.OwnerID, f.ServerID, err = a.ownerOrServer(c); err != nil {
		return err
	}
	return a.sendShares(c, f)
}

// listSharedWith lists what is shared with a user, groups included, or with a group. JupyterHub REST API: GET /users/{name}/shared.
func (a *API) listSharedWith(c *call) error {
	return a.sendShares(c, store.ShareFilter{With: c.sharee()})
}

// sharee is the user or group that the path names.
func (c *call) sharee() hub.ShareTarget {
	if group := c.PathValue("group"); group != "" {
		return hub.ShareTarget{Group: group}
	}
	return hub.ShareTarget{User: c.key.User}
}

func (a *API) sendShares(c *call, f store.ShareFilter) error {
	p, err := a.sharePage(c)
	if err != nil {
		return err
	}
	f.Offset, f.Limit = p.offset, p.limit
	shares, total, err := a.db.Shares(c.Context(), f, time.Now())
	if err != nil {
		return err
	}
	items := make([]object, len(shares))
	for i, h := range shares {
		items[i] = a.shareModel(h)
	}
	return a.send(c, p, items, total)
}

// shareWish is what a share, or the end of one, is asked with.
type shareWish struct {
	with   hub.ShareTarget
	scopes []string // without filters, at least one; nil: none were given
}

// readShare reads the body of POST and PATCH /shares: exactly one of user and group, and scopes, and nothing else.
func (a *API) readShare(c *call) (*shareWish, error) {
	sent, err := readObject(c, "Body must be a JSON object")
	if err != nil {
		return nil, err
	}
	out := &shareWish{}
	if err := sent.only("user", "group", "scopes"); err != nil {
		return nil, err
	}
	if !sent.read("user", &out.with.User) || !sent.read("group", &out.with.Group) || !plain(out.with.User) || !plain(out.with.Group) {
		return nil, hub.Errorf(hub.Invalid, "user and group must be null or a string")
	}
	if (out.with.User == "") == (out.with.Group == "") {
		return nil, hub.Errorf(hub.Invalid, "Specify exactly one of `user` or `group`")
	}
	out.scopes, err = a.readShareScopes(c, sent)
	return out, err
}

// only refuses fields that are not known.
func (f fields) only(known ...string) error {
	for name := range f {
		if !slices.Contains(known, name) {
			return hub.Errorf(hub.Invalid, "Extra inputs are not permitted: %s", clip(name))
		}
	}
	return nil
}

// readShareScopes reads the scopes of a share. A filter can only be the one for the server itself. An empty list counts as none.
func (a *API) readShareScopes(c *call, sent fields) ([]string, error) {
	var scopes []string
	if !sent.read("scopes", &scopes) {
		return nil, hub.Errorf(hub.Invalid, "scopes must be null or a list of strings")
	}
	if err := scope.ValidateFor("share", scopes, a.auth.Custom()); err != nil {
		return nil, hub.Wrap(hub.Invalid, err, clip(err.Error()))
	}
	only := "server=" + c.key.Full()
	var out []string
	for _, s := range scopes {
		base, filter, filtered := strings.Cut(s, "!")
		if filtered && filter != only {
			return nil, hub.Errorf(hub.Invalid, "!%s not allowed on sharing %s, only !%s", clip(filter), clip(s), clip(only))
		}
		out = append(out, base)
	}
	return out, nil
}

// mayShare holds the scopes of a share against what the caller holds: nobody gives what he does not have, subscopes included.
func (c *call) mayShare(a *API, scopes []string) error {
	raw := make([]string, len(scopes))
	for i, base := range scopes {
		raw[i] = scope.Scope{Base: base, Kind: scope.KindServer, Value: c.key.Full()}.String()
		if !c.who.Has(base, scope.OfServer(c.key.User, c.key.Server)) {
			return hub.Errorf(hub.Forbidden, "Do not have permission to grant share with scope %s", clip(raw[i]))
		}
	}
	excess := c.who.Scopes.Excess(scope.Expand(raw, scope.Owner{}, scope.Client{}, a.auth.Custom()), c.who.Members())
	if len(excess) > 0 {
		return hub.Errorf(hub.Forbidden, "Do not have permission to grant share with scope %s", clip(excess[0]))
	}
	return nil
}

// mayName says whether the caller may know the user or group that he names.
func (c *call) mayName(with hub.ShareTarget) error {
	if with.Group != "" && !c.who.Has("read:groups:name", scope.OfGroup(with.Group)) {
		return hub.Errorf(hub.Forbidden, "Need scope 'read:groups:name' to share with groups by name")
	}
	if with.User != "" && !c.who.Has("read:users:name", scope.OfUser(with.User)) {
		return hub.Errorf(hub.Forbidden, "Need scope 'read:users:name' to share with users by name")
	}
	return nil
}

// defaultShare is what is shared when nothing else is said: the use of the server.
var defaultShare = []string{"access:servers"}

// grantShare shares a server with a user or a group. JupyterHub REST API: POST /shares/{owner}/{server}.
func (a *API) grantShare(c *call) error {
	asked, err := a.readShare(c)
	if err != nil {
		return err
	}
	if asked.scopes == nil {
		asked.scopes = defaultShare
	}
	srv, err := a.serverToShare(c, c.key)
	if err != nil {
		return err
	}
	if err := c.mayShare(a, asked.scopes); err != nil {
		return err
	}
	if err := c.mayName(asked.with); err != nil {
		return err
	}
	h, err := a.db.GrantShare(c.Context(), srv.ID, asked.with, asked.scopes, time.Now())
	if err != nil {
		if hub.CodeOf(err) == hub.NotFound {
			return hub.Errorf(hub.Invalid, "%s", hub.MessageOf(err))
		}
		return err
	}
	return web.JSON(c.w, http.StatusOK, a.shareModel(h))
}

// revokeShare takes scopes, or all, back from a user or a group. JupyterHub REST API: PATCH /shares/{owner}/{server}; who does
// not exist has nothing left.
func (a *API) revokeShare(c *call) error {
	asked, err := a.readShare(c)
	if err != nil {
		return err
	}
	srv, err := a.serverToShare(c, c.key)
	if err != nil {
		return err
	}
	rest, err := a.db.RevokeShare(c.Context(), srv.ID, asked.with, asked.scopes, time.Now())
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return err
	}
	if rest == nil || err != nil {
		return web.JSON(c.w, http.StatusOK, object{})
	}
	return web.JSON(c.w, http.StatusOK, a.shareModel(rest))
}

// deleteShares takes all shares of a server back. JupyterHub REST API: DELETE /shares/{owner}/{server}.
func (a *API) deleteShares(c *call) error {
	srv, err := a.serverToShare(c, c.key)
	if err != nil {
		return err
	}
	if err := a.db.DeleteShares(c.Context(), srv.ID); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// shareWith finds the share of the path's user or group; for a user only one that is not through a group. Errors: NotFound.
func (a *API) shareWith(c *call) (*hub.Share, error) {
	with, key := c.sharee(), hub.ServerKey{User: c.PathValue("owner"), Server: c.key.Server}
	unknown := hub.Errorf(hub.NotFound, "No such share for %s on %s", clip(with.User+with.Group), clip(key.Full()))
	if !plain(key.User) {
		return nil, unknown
	}
	srv, err := a.serverToShare(c, key)
	var h *hub.Share
	if err == nil {
		h, err = a.db.ShareWith(c.Context(), srv.ID, with, time.Now())
	}
	if err != nil && hub.CodeOf(err) == hub.NotFound {
		return nil, unknown
	}
	return h, err
}

// getShareWith gives one share. JupyterHub REST API: GET /users/{name}/shared/{owner}/{server}.
func (a *API) getShareWith(c *call) error {
	h, err := a.shareWith(c)
	if err != nil {
		return err
	}
	return web.JSON(c.w, http.StatusOK, a.shareModel(h))
}

// leaveShare gives a share up. JupyterHub REST API: DELETE /users/{name}/shared/{owner}/{server}.
func (a *API) leaveShare(c *call) error {
	h, err := a.shareWith(c)
	if err != nil {
		return err
	}
	if _, err := a.db.RevokeShare(c.Context(), h.ServerID, h.With, nil, time.Now()); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
