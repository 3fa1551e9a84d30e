package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/proxy"
	"berdlhub/internal/web"
)

func hubRoutes() []Route {
	return []Route{
		{Method: "GET", Path: "/proxy", Scopes: []string{"proxy"}, serve: (*API).listProxy},
		{Method: "POST", Path: "/proxy", Scopes: []string{"proxy"}, serve: (*API).checkProxy},
		{Method: "PATCH", Path: "/proxy", Scopes: []string{"proxy"}, serve: (*API).changeProxy},
		{Method: "POST", Path: "/shutdown", Scopes: []string{"shutdown"}, serve: (*API).shutdown},
		{Method: "POST", Path: "/authorizations/token", serve: (*API).removedToken},
		{Method: "GET", Path: "/authorizations/token/{token}", serve: (*API).ownerOfToken},
		{Method: "GET", Path: "/authorizations/cookie/{cookie}", serve: (*API).ownerOfCookie},
		{Method: "GET", Path: "/authorizations/cookie/{cookie}/{value}", serve: (*API).ownerOfCookie},
		{Method: "POST", Path: "/users/{user}/admin-access", Scopes: []string{"servers"}, serve: (*API).adminAccess},
	}
}

// listProxy gives the routes. JupyterHub REST API: GET /proxy.
func (a *API) listProxy(c *call) error {
	p, err := a.page(c)
	if err != nil {
		return err
	}
	active := map[string]time.Time{a.cfg.BaseURL: time.Now()} // the hub answers this request
	for _, stamp := range a.cfg.Table.Activity() {
		active[stamp.Prefix] = stamp.Last
	}
	routes := append(a.cfg.Table.Routes(), proxy.Route{Prefix: a.cfg.BaseURL, Target: a.cfg.HubURL, Data: json.RawMessage(`{"hub":true}`)})
	slices.SortFunc(routes, func(x, y proxy.Route) int { return strings.Compare(x.Prefix, y.Prefix) })
	part := routes[min(p.offset, len(routes)):min(p.offset+p.limit, len(routes))]
	if !p.links {
		part = routes
	}
	items := []byte{'{'}
	for _, route := range part {
		data := map[string]any{}
		if route.Data != nil && json.Unmarshal(route.Data, &data) != nil {
			data = map[string]any{}
		}
		delete(data, "jupyterhub")
		if last, ok := active[route.Prefix]; ok {
			data["last_activity"] = last.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		text, err := json.Marshal(object{"routespec": route.Prefix, "target": route.Target, "data": data})
		if err != nil {
			return err
		}
		items = append(append(appendText(appendComma(items), route.Prefix), ':'), text...)
	}
	return a.sendRaw(c, p, append(items, '}'), len(routes))
}

// checkProxy brings the routes into line with what runs. JupyterHub REST API: POST /proxy.
func (a *API) checkProxy(c *call) error {
	if err := a.cfg.CheckRoutes(c.Context()); err != nil {
		return err
	}
	return a.db.Audit(c.Context(), "proxy.reconcile", "hub", nil)
}

// changeProxy would tell the hub of another proxy. JupyterHub REST API: PATCH /proxy. The proxy is part of the hub.
func (a *API) changeProxy(c *call) error {
	sent, err := readObject(c, "Request body must be JSON dict")
	if err != nil {
		return err
	}
	if sent == nil {
		return hub.Errorf(hub.Invalid, "need JSON body")
	}
	if !sent.has("api_url") && !sent.has("auth_token") {
		return a.checkProxy(c)
	}
	return hub.Errorf(hub.Invalid, "The proxy is part of this hub and has no address or token of its own to change.")
}

// shutdown ends this hub. JupyterHub REST API: POST /shutdown.
func (a *API) shutdown(c *call) error {
	sent, err := readObject(c, "Request body must be JSON dict")
	if err != nil {
		return err
	}
	var servers, ownProxy *bool
	for name, into := range map[string]**bool{"proxy": &ownProxy, "servers": &servers} {
		if text, ok := sent[name]; ok && (!sent.has(name) || !sent.read(name, into)) {
			return hub.Errorf(hub.Invalid, "%s must be true or false, got %s", name, clip(string(text)))
		}
	}
	detail := map[string]any{}
	if servers != nil {
		detail["servers"] = *servers
	}
	if err := a.db.Audit(c.Context(), "hub.shutdown", "hub", detail); err != nil {
		return err
	}
	a.cfg.Shutdown(servers)
	return web.JSON(c.w, http.StatusAccepted, object{"message": "Shutting down Hub"})
}

// ownerOfToken tells whose a token is. JupyterHub REST API: GET /authorizations/token/{token}, deprecated: the token stands in
// the address, so it is kept out of the log.
func (a *API) ownerOfToken(c *call) error {
	if c.who == nil || !c.who.ByToken() {
		return hub.Wrap(hub.Forbidden, errNobody, "")
	}
	owner, err := a.auth.OwnerOfToken(c.Context(), c.PathValue("token"))
	if err != nil {
		return err
	}
	if owner == nil {
		return hub.Wrap(hub.NotFound, errPath, "")
	}
	if owner.Service != nil {
		m, err := a.serviceModel(c, owner.Service)
		if err != nil {
			return err
		}
		text, err := ownServiceText(m, owner.Service)
		if err != nil {
			return err
		}
		return web.RawJSON(c.w, http.StatusOK, text)
	}
	return a.sendOwner(c, owner.User.ID)
}

// sendOwner answers with a user as the caller sees him, who may know who it is.
func (a *API) sendOwner(c *call, id int64) error {
	all, err := a.usersByID(c.Context(), []int64{id})
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return hub.Wrap(hub.NotFound, errPath, "")
	}
	v := newView(c.who, false)
	v.always |= seesName | seesGroups
	return web.RawJSON(c.w, http.StatusOK, a.orEmpty(a.model(v, all[0])))
}

// removedToken says what to use instead. JupyterHub REST API: POST /authorizations/token, removed.
func (*API) removedToken(*call) error {
	return hub.Errorf(hub.NotFound, "This endpoint is gone. Use POST /hub/api/users/:user/tokens instead.")
}

// ownerOfCookie tells whose a sign-in cookie is. JupyterHub REST API: GET /authorizations/cookie/{name}/{value}, deprecated. The
// cookie may be in the body instead.
func (a *API) ownerOfCookie(c *call) error {
	if c.who == nil || !c.who.ByToken() {
		return hub.Wrap(hub.Forbidden, errNobody, "")
	}
	value := c.PathValue("value")
	if value == "" {
		var body [4096]byte
		n, _ := c.Body.Read(body[:]) // none, or one that cannot be read, is no cookie
		value = string(body[:n])
	}
	owner, err := a.auth.OwnerOfCookie(c.Request, c.PathValue("cookie"), value)
	if err != nil {
		return err
	}
	if owner == nil {
		return hub.Wrap(hub.NotFound, errPath, "")
	}
	return a.sendOwner(c, owner.User.ID)
}

// adminAccess says whether administrators may open users' servers. JupyterHub REST API: POST /users/{name}/admin-access, deprecated.
func (a *API) adminAccess(c *call) error {
	if !a.cfg.AdminAccess {
		return hub.Errorf(hub.Forbidden, "admin access to user servers disabled")
	}
	_, err := a.user(c)
	return err
}
