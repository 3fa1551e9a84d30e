package spawn

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"berdlhub/internal/hub"
)

// Server is what every single-user server is told, from the configuration.
type Server struct {
	IP, Port          string // where the server binds; port 0 lets the spawner choose
	DefaultURL        string // Spawner.default_url; {username} is replaced
	NotebookDir       string // Spawner.notebook_dir; {username} is replaced
	Debug             bool
	DisableUserConfig bool
	AdminAccess       bool
	CookieHostPrefix  bool
	CookieOptions     json.RawMessage // tornado_settings.cookie_options; nil when empty
	AllowedScopes     []string        // Spawner.oauth_client_allowed_scopes
	MemLimit          int64           // bytes; 0: none
	MemGuarantee      int64           // bytes; 0: none
	CPULimit          float64         // cores; 0: none
	CPUGuarantee      float64         // cores; 0: none
	Environment       map[string]string
}

// environment gives the variables of a single-user server as JupyterHub's contract lists them; the configured
// environment comes last and wins, what provisioners granted comes before it.
func (c *Controller) environment(srv *hub.Server, token hub.Secret, grants []*hub.Grant) map[string]string {
	s, k := &c.cfg.Server, srv.Key
	prefix := Prefix(c.cfg.BaseURL, k)
	access := []string{"access:servers!server=" + k.Full(), "access:servers!user=" + k.User}
	env := map[string]string{
		"JUPYTERHUB_API_TOKEN":                   token.Reveal(),
		"JPY_API_TOKEN":                          token.Reveal(),
		"JUPYTERHUB_CLIENT_ID":                   ClientID(k),
		"JUPYTERHUB_HOST":                        "",
		"JUPYTERHUB_OAUTH_CALLBACK_URL":          prefix + "oauth_callback",
		"JUPYTERHUB_USER":                        k.User,
		"JUPYTERHUB_SERVER_NAME":                 k.Server,
		"JUPYTERHUB_API_URL":                     c.cfg.APIURL,
		"JUPYTERHUB_ACTIVITY_URL":                c.cfg.APIURL + "/users/" + EscapeName(k.User) + "/activity",
		"JUPYTERHUB_BASE_URL":                    c.cfg.BaseURL,
		"JUPYTERHUB_SERVICE_PREFIX":              prefix,
		"JUPYTERHUB_SERVICE_URL":                 "http://" + s.IP + ":" + s.Port + prefix,
		"JUPYTERHUB_OAUTH_ACCESS_SCOPES":         mustJSON(access),
		"JUPYTERHUB_OAUTH_SCOPES":                mustJSON(access),
		"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": mustJSON(append([]string{}, s.AllowedScopes...)),
		"JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED":  flag(s.CookieHostPrefix),
		"JUPYTERHUB_PUBLIC_URL":                  "",
		"JUPYTERHUB_PUBLIC_HUB_URL":              "",
	}
	if c.cfg.PublicURL != "" {
		env["JUPYTERHUB_PUBLIC_URL"] = strings.TrimSuffix(c.cfg.PublicURL, c.cfg.BaseURL) + prefix
		env["JUPYTERHUB_PUBLIC_HUB_URL"] = c.cfg.PublicURL + "hub/"
	}
	s.optional(env, k)
	for _, g := range grants {
		maps.Copy(env, g.Env)
	}
	for name, value := range s.Environment {
		env[name] = expand(value, k)
	}
	return env
}

// optional adds the variables that are set only when configured.
func (s *Server) optional(env map[string]string, k hub.ServerKey) {
	set := func(name, value string, when bool) {
		if when {
			env[name] = value
		}
	}
	set("JUPYTERHUB_ADMIN_ACCESS", "1", s.AdminAccess)
	set("JUPYTERHUB_COOKIE_OPTIONS", string(s.CookieOptions), s.CookieOptions != nil)
	set("JUPYTERHUB_ROOT_DIR", expand(s.NotebookDir, k), s.NotebookDir != "")
	set("JUPYTERHUB_DEFAULT_URL", expand(s.DefaultURL, k), s.DefaultURL != "")
	set("JUPYTERHUB_DEBUG", "1", s.Debug)
	set("JUPYTERHUB_DISABLE_USER_CONFIG", "1", s.DisableUserConfig)
	set("MEM_LIMIT", strconv.FormatInt(s.MemLimit, 10), s.MemLimit > 0)
	set("MEM_GUARANTEE", strconv.FormatInt(s.MemGuarantee, 10), s.MemGuarantee > 0)
	set("CPU_LIMIT", strconv.FormatFloat(s.CPULimit, 'g', -1, 64), s.CPULimit > 0)
	set("CPU_GUARANTEE", strconv.FormatFloat(s.CPUGuarantee, 'g', -1, 64), s.CPUGuarantee > 0)
}

func expand(s string, k hub.ServerKey) string {
	return strings.NewReplacer("{username}", k.User, "{servername}", k.Server).Replace(s)
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// mustJSON encodes a value that cannot fail to encode.
func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
