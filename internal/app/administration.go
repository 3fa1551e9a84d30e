package app

import (
	"fmt"

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
		BaseURL: a.cfg.Hub.BaseURL, ConfiguredRoles: configured, FixedGroups: a.cfg.Auth.ManageGroups, Health: a.healthOfService, Log: a.log,
	}, site, who, a.db, a.spawn, render)
}

// healthOfService says in words how a service does that the hub runs or asks.
func (a *App) healthOfService(name string) (admin.Health, bool) {
	s, known := a.service.Status(name)
	h := admin.Health{Process: s.PID, Well: s.Healthy}
	switch {
	case !s.Checked:
		h.Words, h.Well = "not looked at yet", true
	case s.Healthy:
		h.Words = "works"
	case len(s.Command) > 0 && s.PID == 0:
		h.Words = "does not run here"
	default:
		h.Words = "does not answer"
	}
	if s.Restarts > 0 {
		h.Words += fmt.Sprintf(", restarts: %d", s.Restarts)
	}
	return h, known
}
