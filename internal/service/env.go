package service

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// kept are the hub's own secrets, which a service does not inherit.
var kept = []string{
	"JPY_COOKIE_SECRET", "JUPYTERHUB_COOKIE_SECRET_64_HEX_CHARS", "JUPYTERHUB_CRYPT_KEY", "CONFIGPROXY_AUTH_TOKEN",
	"PGPASSWORD", "PGPASSFILE",
}

// environment gives the variables of a managed service as JupyterHub's contract lists them: the hub's own without its secrets, then
// what the service is told, then what is configured for it.
func (m *Supervisor) environment(s *Managed) map[string]string {
	env := map[string]string{}
	for _, pair := range m.cfg.Environ {
		if name, value, _ := strings.Cut(pair, "="); name != "" && !slices.Contains(kept, name) {
			env[name] = value
		}
	}
	access := mustJSON([]string{"access:services", "access:services!service=" + s.Name})
	prefix := Prefix(m.cfg.BaseURL, s.Name)
	maps.Copy(env, map[string]string{
		"JUPYTERHUB_SERVICE_NAME":                s.Name,
		"JUPYTERHUB_API_TOKEN":                   s.Token.Reveal(),
		"JPY_API_TOKEN":                          s.Token.Reveal(),
		"JUPYTERHUB_CLIENT_ID":                   s.ClientID,
		"JUPYTERHUB_OAUTH_CALLBACK_URL":          s.RedirectURI,
		"JUPYTERHUB_USER":                        "",
		"JUPYTERHUB_SERVER_NAME":                 "",
		"JUPYTERHUB_API_URL":                     m.cfg.APIURL,
		"JUPYTERHUB_BASE_URL":                    m.cfg.BaseURL,
		"JUPYTERHUB_HOST":                        "",
		"JUPYTERHUB_OAUTH_ACCESS_SCOPES":         access,
		"JUPYTERHUB_OAUTH_SCOPES":                access,
		"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": mustJSON(append([]string{}, s.AllowedScopes...)),
		"JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED":  "0",
		"JUPYTERHUB_PUBLIC_URL":                  "",
		"JUPYTERHUB_PUBLIC_HUB_URL":              "",
	})
	if m.cfg.CookieHostPrefix {
		env["JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED"] = "1"
	}
	if m.cfg.CookieOptions != nil {
		env["JUPYTERHUB_COOKIE_OPTIONS"] = string(m.cfg.CookieOptions)
	}
	if s.URL != "" {
		env["JUPYTERHUB_SERVICE_URL"], env["JUPYTERHUB_SERVICE_PREFIX"] = s.URL, prefix
	}
	if m.cfg.PublicURL != "" {
		host := strings.TrimSuffix(m.cfg.PublicURL, m.cfg.BaseURL)
		env["JUPYTERHUB_HOST"], env["JUPYTERHUB_PUBLIC_HUB_URL"] = host, m.cfg.PublicURL+"hub/"
		if s.URL != "" {
			env["JUPYTERHUB_PUBLIC_URL"] = host + prefix
		}
	}
	maps.Copy(env, s.Environment)
	return env
}

// mustJSON encodes a list of texts, which cannot fail.
func mustJSON(list []string) string {
	text, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	return string(text)
}
