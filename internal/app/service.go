package app

import (
	"cmp"
	"encoding/json"
	"os"
	"strings"

	"berdlhub/internal/config"
	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
	"berdlhub/internal/service"
	"berdlhub/internal/store"
)

// serviceSpecs gives the configured services as the database holds them. One that the hub runs has a token in any case: without one of
// its own it is derived, so that every replica and the next hub know it too.
func (a *App) serviceSpecs(cookies secret.CookieSecret) []store.ServiceSpec {
	specs := make([]store.ServiceSpec, 0, len(a.cfg.Hub.Services))
	for _, s := range a.cfg.Hub.Services {
		spec := store.ServiceSpec{APIToken: s.APIToken, Service: store.Service{
			Name: s.Name, Admin: s.Admin, URL: s.URL, OAuthClientID: s.OAuthClientID, RedirectURI: s.RedirectURI,
			AllowedScopes: s.AllowedScopes, NoConfirm: s.NoConfirm, Display: s.Display, FromConfig: true,
		}}
		if spec.APIToken == "" && len(s.Command) > 0 {
			spec.APIToken = hub.Secret(cookies.Derive("service token", s.Name))
		}
		if s.Info != nil {
			spec.Info, _ = json.Marshal(s.Info) // read from JSON or YAML, so it can be written
		}
		a.oauthClient(&spec)
		specs = append(specs, spec)
	}
	return specs
}

// oauthClient completes how people sign in to a service. JupyterHub's OAuth contract: the client exists when the service has an
// address; it is named service-NAME, its secret is the service's token, and it comes back to services/NAME/oauth_callback.
func (a *App) oauthClient(s *store.ServiceSpec) {
	if s.URL == "" && s.RedirectURI == "" && s.OAuthClientID == "" || s.APIToken == "" {
		s.OAuthClientID = ""
		return
	}
	s.OAuthClientID = cmp.Or(s.OAuthClientID, "service-"+s.Name)
	s.RedirectURI = cmp.Or(s.RedirectURI, service.Prefix(a.cfg.Hub.BaseURL, s.Name)+"oauth_callback")
	s.OAuthSecretHash = secret.HashToken(s.APIToken.Reveal(), secret.ConfiguredRounds)
}

// services builds what leads to services and runs them.
func (a *App) services(specs []store.ServiceSpec) *service.Supervisor {
	h := a.cfg.Hub
	cfg := service.Config{
		Replica: a.replica, Alone: strings.HasPrefix(h.DBURL.Reveal(), "sqlite"), HubID: a.hubID(), BaseURL: h.BaseURL,
		APIURL: a.withPort(strings.TrimSuffix(h.HubConnectURL, "/") + h.BaseURL + "hub/api"), PublicURL: h.PublicURL, CookieHostPrefix: h.CookieHostPrefix,
		CheckEvery: h.ServiceCheckInterval, Environ: os.Environ(), Log: a.log,
	}
	if len(h.CookieOptions) > 0 {
		cfg.CookieOptions, _ = json.Marshal(h.CookieOptions) // read from JSON or YAML, so it can be written
	}
	for i, s := range h.Services {
		if len(s.Command) > 0 {
			cfg.Managed = append(cfg.Managed, managed(s, specs[i]))
		}
	}
	return service.New(cfg, a.db, a.table)
}

func managed(s config.Service, spec store.ServiceSpec) service.Managed {
	return service.Managed{
		Name: s.Name, URL: s.URL, Command: s.Command, Cwd: s.Cwd, Environment: s.Environment, User: s.User, Token: spec.APIToken,
		ClientID: cmp.Or(spec.OAuthClientID, "service-"+s.Name), RedirectURI: spec.RedirectURI, AllowedScopes: s.AllowedScopes, Timeout: s.Timeout,
	}
}

// hubID marks the processes of this hub on its machine.
func (a *App) hubID() string {
	return secret.Fingerprint(a.cfg.Hub.DBURL.Reveal() + "\x00" + workingDir())[:16]
}
