package service

import (
	"context"
	"encoding/json"
	"net/url"

	"berdlhub/internal/proxy"
	"berdlhub/internal/store"
)

// route makes the proxy's table hold exactly the routes of these services, beside those of servers.
func (m *Supervisor) route(ctx context.Context, all []*store.Service) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := map[string]bool{}
	for _, s := range all {
		if s.URL == "" {
			continue
		}
		r := routeOf(m.cfg.BaseURL, s)
		if err := m.table.Set(r); err != nil {
			m.cfg.Log.ErrorContext(ctx, "no route leads to a service", "service", s.Name, "err", err)
			continue
		}
		seen[s.Name], m.routes[s.Name] = true, r.Prefix
	}
	for name, prefix := range m.routes {
		if !seen[name] {
			m.table.Delete(prefix)
			delete(m.routes, name)
		}
	}
	known := map[string]bool{}
	for _, s := range all {
		known[s.Name] = true
	}
	for name, status := range m.status {
		if status.Command == nil && !known[name] {
			delete(m.status, name)
		}
	}
}

// routeOf gives the proxy's route of a service. JupyterHub's use of the proxy API: data service; the path of the service's URL does not
// count. Of the platform's cookies a service gets its own and the number of the browser's session, by which it notices a sign-out.
func routeOf(base string, s *store.Service) proxy.Route {
	data, err := json.Marshal(map[string]any{"service": s.Name, "jupyterhub": true})
	if err != nil {
		panic(err) // a text: cannot be
	}
	target := s.URL
	if u, err := url.Parse(s.URL); err == nil {
		target = u.Scheme + "://" + u.Host
	}
	own := []string{"service-" + s.Name}
	if s.OAuthClientID != "" && s.OAuthClientID != own[0] {
		own = append(own, s.OAuthClientID)
	}
	return proxy.Route{Prefix: Prefix(base, s.Name), Target: target, Data: data, Cookies: proxy.CookieRule{Own: own}}
}
