package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"berdlhub/internal/scope"
	"berdlhub/internal/secret"
	"berdlhub/internal/store"
)

func (a *App) customScopes() scope.Custom {
	custom := scope.Custom{}
	for name, c := range a.cfg.Hub.CustomScopes {
		custom[name] = scope.CustomScope{Description: c.Description, Subscopes: c.Subscopes}
	}
	return custom
}

// syncConfigured brings roles, groups, users and services of the configuration into the database.
func (a *App) syncConfigured(ctx context.Context, custom scope.Custom) error {
	h := a.cfg.Hub
	if err := custom.Validate(); err != nil {
		return fmt.Errorf("JupyterHub.custom_scopes: %w", err)
	}
	services := make([]store.ServiceSpec, 0, len(h.Services))
	for _, s := range h.Services {
		spec := store.ServiceSpec{APIToken: s.APIToken, Service: store.Service{
			Name: s.Name, Admin: s.Admin, URL: s.URL, OAuthClientID: s.OAuthClientID, RedirectURI: s.RedirectURI,
			AllowedScopes: s.AllowedScopes, NoConfirm: s.NoConfirm, Display: s.Display, FromConfig: true,
		}}
		if s.Info != nil {
			spec.Info, _ = json.Marshal(s.Info) // read from JSON or YAML, so it can be written
		}
		a.oauthClient(&spec)
		services = append(services, spec)
	}
	if err := a.db.SyncServices(ctx, services); err != nil {
		return fmt.Errorf("JupyterHub.services: %w", err)
	}
	groups := map[string]store.GroupSpec{}
	for _, g := range h.LoadGroups {
		spec := store.GroupSpec{Users: g.Users}
		if g.Properties != nil {
			spec.Properties, _ = json.Marshal(g.Properties) // as above
		}
		groups[g.Name] = spec
	}
	if err := a.db.SyncGroups(ctx, groups); err != nil {
		return fmt.Errorf("JupyterHub.load_groups: %w", err)
	}
	roles, err := a.roles(custom)
	if err != nil {
		return err
	}
	if err := a.db.SyncRoles(ctx, roles); err != nil {
		return fmt.Errorf("JupyterHub.load_roles: %w", err)
	}
	if err := a.db.SyncUsers(ctx, a.cfg.Auth.Admins, a.cfg.Auth.Allowed, a.cfg.Auth.Blocked, time.Now()); err != nil {
		return fmt.Errorf("bring Authenticator.admin_users and allowed_users into the database: %w", err)
	}
	return nil
}

// oauthClient completes how people sign in to a service. JupyterHub's OAuth contract: the client exists when the service has an
// address; it is named service-NAME, its secret is the service's token, and it comes back to services/NAME/oauth_callback.
func (a *App) oauthClient(s *store.ServiceSpec) {
	if s.URL == "" && s.RedirectURI == "" && s.OAuthClientID == "" || s.APIToken == "" {
		s.OAuthClientID = ""
		return
	}
	s.OAuthClientID = cmp.Or(s.OAuthClientID, "service-"+s.Name)
	s.RedirectURI = cmp.Or(s.RedirectURI, a.cfg.Hub.BaseURL+"services/"+url.PathEscape(s.Name)+"/oauth_callback")
	s.OAuthSecretHash = secret.HashToken(s.APIToken.Reveal(), secret.ConfiguredRounds)
}

// roles gives the default roles with what the configuration makes of them, then the configured ones.
func (a *App) roles(custom scope.Custom) ([]store.RoleSpec, error) {
	var out []store.RoleSpec
	at := map[string]int{}
	for _, r := range scope.DefaultRoles() {
		spec := store.RoleSpec{Name: r.Name, Description: r.Description, Scopes: r.Scopes, SetScopes: true}
		if r.Name == scope.RoleUser {
			spec.Scopes = append(spec.Scopes, a.cfg.Hub.ExtraUserScopes...)
		}
		at[r.Name] = len(out)
		out = append(out, spec)
	}
	for _, r := range a.cfg.Hub.LoadRoles {
		if err := scope.ValidateRoleName(r.Name); err != nil {
			return nil, fmt.Errorf("JupyterHub.load_roles: %w", err)
		}
		if err := scope.ValidateFor("role "+r.Name, r.Scopes, custom); err != nil {
			return nil, fmt.Errorf("JupyterHub.load_roles: %w", err)
		}
		spec := store.RoleSpec{
			Name: r.Name, Description: r.Description, Scopes: r.Scopes, SetScopes: r.SetScopes, Users: r.Users, HasUsers: r.HasUsers,
			Groups: r.Groups, Services: r.Services, HasServices: r.HasServices,
		}
		i, isDefault := at[r.Name]
		if !isDefault {
			out = append(out, spec)
			continue
		}
		if !r.SetScopes {
			spec.Scopes, spec.SetScopes = out[i].Scopes, true
		}
		if r.Description == "" {
			spec.Description = out[i].Description
		}
		out[i] = spec
	}
	return out, nil
}
