package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

func serviceRoutes() []Route {
	read := []string{"read:services", "read:services:name", "read:roles:services"}
	ofService := func(c *call) scope.Target { return scope.OfService(c.PathValue("service")) }
	return []Route{
		{Method: "GET", Path: "/services", Scopes: []string{"list:services"}, List: true, serve: (*API).listServices},
		{Method: "GET", Path: "/services/{service}", Scopes: read, target: ofService, serve: (*API).getService},
		{Method: "POST", Path: "/services/{service}", Scopes: []string{"admin:services"}, target: ofService, serve: (*API).createService},
		{Method: "DELETE", Path: "/services/{service}", Scopes: []string{"admin:services"}, target: ofService, serve: (*API).deleteService},
	}
}

// serviceModel gives what the caller may see of a service; empty when that is nothing.
// JupyterHub REST API: service model, fields by scope.
func (a *API) serviceModel(c *call, s *store.Service) (object, error) {
	target, m, info := scope.OfService(s.Name), object{}, s.Info
	if info == nil {
		info = json.RawMessage("{}")
	}
	if c.who.Has("read:services", target) {
		command, pid := []string{}, 0
		if a.cfg.Managed != nil {
			command, pid = a.cfg.Managed(s.Name)
		}
		m["url"], m["prefix"], m["command"], m["pid"], m["info"], m["display"] = s.URL, "", orNone(command), pid, info, s.Display
		if s.URL != "" {
			m["prefix"] = a.cfg.BaseURL + "services/" + spawn.EscapeName(s.Name) + "/"
		}
	}
	if c.who.Has("read:roles:services", target) {
		access, err := a.db.AccessOfService(c.Context(), s.ID)
		if err != nil {
			return nil, err
		}
		m["roles"] = roleNames(access.Roles)
	}
	if len(m) > 0 || c.who.Has("read:services:name", target) {
		m["kind"], m["name"], m["admin"] = "service", s.Name, s.Admin
	}
	return m, nil
}

func roleNames(roles []hub.Role) []string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r.Name
	}
	return names
}

// listServices gives the services by name. JupyterHub REST API: GET /services.
func (a *API) listServices(c *call) error {
	all, err := a.db.Services(c.Context())
	if err != nil {
		return err
	}
	found := object{}
	for _, s := range all {
		if !c.who.Has("list:services", scope.OfService(s.Name)) {
			continue
		}
		m, err := a.serviceModel(c, s)
		if err != nil {
			return err
		}
		if len(m) > 0 {
			found[s.Name] = m
		}
	}
	return web.JSON(c.w, http.StatusOK, found)
}

func (a *API) getService(c *call) error { return a.sendService(c, http.StatusOK) }

// sendService answers with the service that the path names. JupyterHub REST API: GET /services/{name}.
func (a *API) sendService(c *call, status int) error {
	s, err := a.db.ServiceByName(c.Context(), c.PathValue("service"))
	if err != nil {
		return err
	}
	m, err := a.serviceModel(c, s)
	if err != nil {
		return err
	}
	return web.JSON(c.w, status, m)
}

// createService makes a service that others run. JupyterHub REST API: POST /services/{name}.
func (a *API) createService(c *call) error {
	if _, err := a.db.ServiceByName(c.Context(), c.PathValue("service")); hub.CodeOf(err) != hub.NotFound {
		if err != nil {
			return err
		}
		return hub.Errorf(hub.Conflict, "Service %s already exists", clip(c.PathValue("service")))
	}
	spec, err := readService(c)
	if err != nil {
		return err
	}
	if err := a.mayMakeService(c, spec); err != nil {
		return err
	}
	a.cfg.OAuthClient(spec)
	if err := a.db.CreateService(c.Context(), *spec); err != nil {
		return err
	}
	return a.sendService(c, http.StatusCreated)
}

// readService reads a service's description; the name is the path's.
func readService(c *call) (*store.ServiceSpec, error) {
	const invalid = "Invalid service data"
	sent, err := readObject(c, invalid)
	if err != nil {
		return nil, err
	}
	if len(sent) == 0 {
		return nil, hub.Errorf(hub.Invalid, invalid)
	}
	s := &store.ServiceSpec{Service: store.Service{Name: c.PathValue("service"), Display: true}}
	var name, cwd, account, token string
	var command []string
	var info, environment map[string]any
	known := map[string]any{
		"name": &name, "admin": &s.Admin, "url": &s.URL, "oauth_client_allowed_scopes": &s.AllowedScopes, "api_token": &token, "info": &info,
		"display": &s.Display, "oauth_no_confirm": &s.NoConfirm, "command": &command, "cwd": &cwd, "environment": &environment, "user": &account,
		"oauth_client_id": &s.OAuthClientID, "oauth_redirect_uri": &s.RedirectURI,
	}
	for field := range sent {
		into, ok := known[field]
		switch {
		case !ok:
			return nil, hub.Errorf(hub.Invalid, "Invalid JSON keys: %s", clip(field))
		case !sent.has(field) || !sent.read(field, into):
			return nil, hub.Errorf(hub.Invalid, "service.%s is of the wrong type", field)
		}
	}
	s.APIToken = hub.Secret(token)
	if len(info) > 0 {
		if s.Info, err = json.Marshal(info); err != nil {
			return nil, err
		}
	}
	if len(command) > 0 {
		return nil, hub.Errorf(hub.Invalid, "Can not create managed service %s at runtime", clip(s.Name))
	}
	return s, checkService(s)
}

// checkService refuses what a service cannot have.
func checkService(s *store.ServiceSpec) error {
	for _, text := range []string{s.Name, s.URL, s.OAuthClientID, s.RedirectURI, s.APIToken.Reveal()} {
		if !plain(text) {
			return hub.Errorf(hub.Invalid, "Failed to create service %s", clip(s.Name))
		}
	}
	if s.OAuthClientID != "" && !strings.HasPrefix(s.OAuthClientID, "service-") {
		return hub.Errorf(hub.Invalid, "oauth_client_id must start with service-")
	}
	if s.URL == "" {
		return nil
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return hub.Errorf(hub.Invalid, "Failed to create service %s: url must be a full URL, for example http://127.0.0.1:9000", clip(s.Name))
	}
	return nil
}

// mayMakeService holds what a service would be able to do against what its maker can: see auth.MayGrant. People are not signed
// in to a service unasked unless an administrator made it.
func (a *API) mayMakeService(c *call, s *store.ServiceSpec) error {
	if a.auth.FullAdmin(c.who) {
		return validScopes(s.AllowedScopes, a.auth.Custom())
	}
	if s.Admin || s.NoConfirm {
		return hub.Errorf(hub.Invalid, "Only admins can make a service with admin or oauth_no_confirm")
	}
	if err := validScopes(s.AllowedScopes, a.auth.Custom()); err != nil {
		return err
	}
	return a.auth.MayGrant(c.who, s.AllowedScopes)
}

func validScopes(raw []string, custom scope.Custom) error {
	if err := scope.ValidateFor("service", raw, custom); err != nil {
		return hub.Wrap(hub.Invalid, err, err.Error())
	}
	return nil
}

// deleteService deletes a service that was made so. JupyterHub REST API: DELETE /services/{name}.
func (a *API) deleteService(c *call) error {
	name := c.PathValue("service")
	s, err := a.db.ServiceByName(c.Context(), name)
	if err != nil {
		if hub.CodeOf(err) == hub.NotFound {
			return hub.Errorf(hub.NotFound, "Service %s does not exist", clip(name))
		}
		return err
	}
	if err := a.mayHoldService(c, s); err != nil {
		return err
	}
	if err := a.db.DeleteService(c.Context(), name); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// mayHoldService holds a service's roles against what the caller can: made again, the service would have them.
func (a *API) mayHoldService(c *call, s *store.Service) error {
	access, err := a.db.AccessOfService(c.Context(), s.ID)
	if err != nil {
		return err
	}
	var raw []string
	for _, role := range access.Roles {
		raw = append(raw, role.Scopes...)
	}
	return a.auth.MayGrant(c.who, raw)
}
