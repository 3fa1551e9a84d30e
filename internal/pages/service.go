package pages

import (
	"net/url"

	"berdlhub/internal/auth"
	"berdlhub/internal/scope"
	"berdlhub/internal/web"
)

// menu lists the services that a person may open. JupyterHub's web contract: those with display and an address, to whoever holds
// access:services for them.
func (p *Pages) menu(who *auth.Principal) []web.ServiceLink {
	if p.cfg.Services == nil {
		return nil
	}
	var links []web.ServiceLink
	for _, s := range p.cfg.Services() {
		if s.Display && s.URL != "" && who.Has("access:services", scope.OfService(s.Name)) {
			links = append(links, web.ServiceLink{Name: s.Name, URL: p.cfg.BaseURL + "services/" + url.PathEscape(s.Name) + "/"})
		}
	}
	return links
}
