package app

import (
	"net/http"
	"net/url"

	"berdlhub/internal/api"
	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/oauth"
	"berdlhub/internal/pages"
	"berdlhub/internal/pages/admin"
	"berdlhub/internal/web"
)

// routes mounts all faces below {base}hub/ and puts the middleware around them.
func (a *App) routes(who *auth.Auth, render *web.Renderer, site *pages.Pages, administration *admin.Pages, rest *api.API, provider *oauth.Provider) http.Handler {
	base := a.cfg.Hub.BaseURL + "hub/"
	headers := web.HeaderConfig{HubPath: base, FormOrigins: a.formOrigins(), Extra: a.cfg.Hub.Headers}

	programs := http.NewServeMux()
	rest.Mount(programs)
	programs.Handle("POST "+base+"api/oauth2/token", web.API(a.log, provider.Token))
	programs.Handle(base+"api/oauth2/token", web.API(a.log, rest.OtherMethod("POST")))
	programs.Handle("GET "+base+"api/health", web.API(a.log, a.showHealth))
	programs.Handle(base+"api/health", web.API(a.log, rest.OtherMethod("GET")))
	programs.Handle("GET "+base+"api/metrics", web.API(a.log, a.readMetrics(who)))
	programs.Handle(base+"api/metrics", web.API(a.log, rest.OtherMethod("GET")))

	people := http.NewServeMux()
	render.Mount(people)
	site.Mount(people)
	administration.Mount(people)
	authorize := render.HTML(a.log, provider.Authorize)
	people.Handle("GET "+base+"api/oauth2/authorize", authorize)
	people.Handle("POST "+base+"api/oauth2/authorize", authorize)
	people.Handle("GET "+base+"health", render.HTML(a.log, a.showHealth))
	people.Handle("GET "+base+"metrics", render.HTML(a.log, a.readMetrics(who)))
	people.HandleFunc("POST "+base+"security/csp-report", a.policyReport)

	api := web.Chain(programs, web.APIHeaders(headers))
	pages := web.Chain(people, web.PageHeaders(headers))
	split := http.NewServeMux()
	split.Handle(base+"api/oauth2/authorize", pages)
	split.Handle(base+"api/", api)
	split.Handle(base+"api", api)
	split.Handle("/", pages)
	return web.Chain(split, web.RequestID, web.Log(a.log), web.Observe(a.cfg.Hub.BaseURL, a.metrics.Request), render.Recover(a.log))
}

// formOrigins are the sites that a form of ours may lead to: the sign-in service.
func (a *App) formOrigins() []string {
	if u, err := url.Parse(a.cfg.Auth.KBase.Origin); err == nil && u.Host != "" {
		return []string{u.Scheme + "://" + u.Host}
	}
	return nil
}

// consent shows the page that asks a user whether an application may act for him.
func consent(site *pages.Pages, render *web.Renderer) func(http.ResponseWriter, *http.Request, *auth.Principal, oauth.Consent) error {
	return func(w http.ResponseWriter, r *http.Request, who *auth.Principal, c oauth.Consent) error {
		page := &web.OAuthPage{Frame: site.Frame(w, r, who), Client: c.Client, Action: r.URL.RequestURI()}
		for _, d := range c.Scopes {
			page.Scopes = append(page.Scopes, web.ScopeView{Scope: d.Raw, Description: d.Description, Filter: d.Filter})
		}
		return render.Render(w, r, http.StatusOK, page)
	}
}

// upstreamError answers for a server that does not answer itself.
func (a *App) upstreamError(render *web.Renderer) func(http.ResponseWriter, *http.Request, int, error) {
	return func(w http.ResponseWriter, r *http.Request, _ int, err error) {
		e := hub.Wrap(hub.Unavailable, err, "Your server appears to be down or too busy to answer. Reload the page in a moment, or stop and start the server from the hub's home page.")
		render.Fail(a.log, w, r, e)
	}
}
