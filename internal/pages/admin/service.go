package admin

import (
	"net/http"
	"net/url"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/scope"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// services lists services with how they do.
func (p *Pages) services(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	if !who.Scopes.HasAny("list:services") {
		return auth.Require(who, scope.Anything(), "list:services")
	}
	all, err := p.db.Services(r.Context())
	if err != nil {
		return err
	}
	page := &web.AdminServicesPage{AdminFrame: p.frame(w, r, who, "services")}
	for _, s := range all {
		if !who.Has("list:services", scope.OfService(s.Name)) {
			continue
		}
		view, err := p.service(r, who, s)
		if err != nil {
			return err
		}
		page.Services = append(page.Services, *view)
	}
	return p.render.Render(w, r, http.StatusOK, page)
}

func (p *Pages) service(r *http.Request, who *auth.Principal, s *store.Service) (*web.AdminService, error) {
	target := scope.OfService(s.Name)
	view := &web.AdminService{Name: s.Name, FromConfig: s.FromConfig}
	if who.Has("read:services", target) {
		view.Admin, view.URL = s.Admin, s.URL
		if s.URL != "" {
			view.Path = p.cfg.BaseURL + "services/" + url.PathEscape(s.Name) + "/"
		}
		if p.cfg.Health != nil {
			if h, known := p.cfg.Health(s.Name); known {
				view.Process, view.Health, view.Failing = h.Process, h.Words, !h.Well
			}
		}
	}
	if who.Has("read:roles:services", target) {
		access, err := p.db.AccessOfService(r.Context(), s.ID)
		if err != nil {
			return nil, err
		}
		for _, role := range access.Roles {
			view.Roles = append(view.Roles, role.Name)
		}
	}
	if view.SeesTokens = who.Has("read:tokens", target); view.SeesTokens {
		tokens, err := p.db.TokensOfService(r.Context(), s.ID, time.Now())
		if err != nil {
			return nil, err
		}
		for _, t := range tokens {
			view.Tokens = append(view.Tokens, tokenView(t))
		}
	}
	return view, nil
}
