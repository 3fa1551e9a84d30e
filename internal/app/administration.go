package app

import (
	"berdlhub/internal/auth"
	"berdlhub/internal/pages"
	"berdlhub/internal/pages/admin"
	"berdlhub/internal/web"
)

// administration builds the pages of the administration.
func (a *App) administration(site *pages.Pages, who *auth.Auth, render *web.Renderer) *admin.Pages {
	configured := make([]string, 0, len(a.cfg.Hub.LoadRoles))
	for _, r := range a.cfg.Hub.LoadRoles {
		configured = append(configured, r.Name)
	}
	return admin.New(admin.Config{
		BaseURL: a.cfg.Hub.BaseURL, ConfiguredRoles: configured, FixedGroups: a.cfg.Auth.ManageGroups, Log: a.log,
	}, site, who, a.db, a.spawn, render)
}
