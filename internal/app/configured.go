package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"berdlhub/internal/scope"
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
func (a *App) syncConfigured(ctx context.Context, custom scope.Custom, services []store.ServiceSpec) error {
	h := a.cfg.Hub
	if err := custom.Validate(); err != nil {
		return fmt.Errorf("JupyterHub.custom_scopes: %w", err)
	}
	if err := a.db.SyncServices(ctx, services); err != nil {
		return fmt.Errorf("JupyterHub.services: %w", err)
	}
	if err := a.db.SyncUsers(ctx, a.cfg.Auth.Admins, a.cfg.Auth.Allowed, nil, time.Now()); err != nil {
		return fmt.Errorf("bring Authenticator.admin_users and allowed_users into the database: %w", err)
	}
	groups := make([]store.GroupSpec, 0, len(h.LoadGroups))
	for _, g := range h.LoadGroups {
		spec := store.GroupSpec{Name: g.Name, Users: g.Users}
		if g.Properties != nil {
			spec.Properties, _ = json.Marshal(g.Properties) // as above
		}
		groups = append(groups, spec)
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
	if err := a.db.SyncUsers(ctx, nil, nil, a.cfg.Auth.Blocked, time.Now()); err != nil {
		return fmt.Errorf("bring Authenticator.blocked_users into the database: %w", err)
	}
	return nil
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
		if r.Name == scope.RoleAdmin && r.HasUsers {
			spec.Users = append(slices.Clone(r.Users), a.cfg.Auth.Admins...) // Authenticator.admin_users are members in any case
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
