package config

import (
	"fmt"
	"net/http"
	"net/netip"
	"path"
	"regexp"
	"strings"
	"time"
)

var metricsPrefix = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)

// build makes the typed configuration of what is set, and notes everything that is wrong in it.
func (s *settings) build() *Config {
	c := &Config{}
	s.buildAddresses(&c.Hub)
	s.buildSecrets(&c.Hub)
	s.buildLimits(&c.Hub)
	s.buildTornado(&c.Hub)
	s.buildAccess(&c.Hub)
	c.Auth = s.buildAuth(&c.Hub)
	c.Spawner = s.buildSpawner()
	s.buildMisc(c)
	return c
}

func (s *settings) buildLimits(h *Hub) {
	const class = "JupyterHub"
	h.AllowNamedServers = s.flag(class, "allow_named_servers")
	h.NamedServerLimit = s.whole(class, "named_server_limit_per_user")
	s.buildInvalid(h)
	h.DefaultServerName = s.text(class, "default_server_name")
	h.RedirectToServer = s.flag(class, "redirect_to_server")
	h.ImplicitSpawn = s.span(class, "implicit_spawn_seconds")
	h.ConcurrentSpawnLimit = s.whole(class, "concurrent_spawn_limit")
	h.ActiveServerLimit = s.whole(class, "active_server_limit")
	h.QueueStarts = s.flag("BerdlHub", "queue_starts")
	h.CleanupServers = s.flag(class, "cleanup_servers")
	h.ShutdownOnLogout = s.flag(class, "shutdown_on_logout")
	h.ActivityResolution = s.span(class, "activity_resolution")
	h.LastActivityInterval = s.span(class, "last_activity_interval")
	h.ServiceCheckInterval = s.span(class, "service_check_interval")
	h.OAuthTokenExpires = s.span(class, "oauth_token_expires_in")
	h.OAuthRequirePKCE = s.flag(class, "oauth_require_pkce")
	h.TokenMaxExpiry = s.span(class, "token_expires_in_max_seconds")
	if h.OAuthTokenExpires == 0 {
		h.OAuthTokenExpires = h.CookieMaxAge
	}
	h.APIPageDefault, h.APIPageMax = s.whole(class, "api_page_default_limit"), s.whole(class, "api_page_max_limit")
	if h.APIPageDefault > h.APIPageMax {
		s.together(s.later(class, "api_page_default_limit", "api_page_max_limit"),
			fmt.Sprintf("makes a default page (%d) larger than the largest page (%d)", h.APIPageDefault, h.APIPageMax), "raise api_page_max_limit")
	}
	s.buildRetry(h)
}

// buildInvalid reads what may be done with servers whose name was allowed once.
func (s *settings) buildInvalid(h *Hub) {
	const option = "allow_existing_invalid_named_servers"
	choice := s.text("JupyterHub", option)
	h.RefuseInvalid = choice != "allow-start"
	if choice == "autorename" {
		s.warn(s.setting("JupyterHub", option).value.at, "JupyterHub."+option, "renames nothing: such servers are not started", "rename them by PATCH /users/{name}/servers/{server}, or take allow-start")
	}
}

func (s *settings) buildRetry(h *Hub) {
	one := s.setting("JupyterHub", "spawn_throttle_retry_range")
	bounds, _ := one.value.data.([]value)
	if len(bounds) != 2 {
		s.together(one, "does not have two numbers", "write [30, 60]")
		return
	}
	for i, bound := range bounds {
		n, ok := bound.data.(int64)
		if !ok || n < 1 || n > 3600 {
			s.together(one, "holds something else than whole numbers from 1 to 3600", "write [30, 60]")
			return
		}
		h.SpawnThrottleRetryRange[i] = time.Duration(n) * time.Second
	}
	if h.SpawnThrottleRetryRange[0] > h.SpawnThrottleRetryRange[1] {
		s.together(one, "has a lower bound above its upper bound", "swap them")
	}
}

// later gives the setting that comes from the latest place; among equals the first.
func (s *settings) later(class string, names ...string) setting {
	last := s.setting(class, names[0])
	for _, name := range names[1:] {
		if one := s.setting(class, name); one.rank > last.rank {
			last = one
		}
	}
	return last
}

// buildTornado takes what berdlhub has of tornado_settings.
func (s *settings) buildTornado(h *Hub) {
	h.SlowSpawnTimeout, h.SlowStopTimeout = 10*time.Second, 10*time.Second
	one := s.setting("JupyterHub", "tornado_settings")
	members, _ := one.value.data.([]member)
	for _, m := range members {
		option := "JupyterHub.tornado_settings." + m.key
		switch m.key {
		case "slow_spawn_timeout", "slow_stop_timeout":
			n := asFloat(m.value)
			_, isInt := m.value.data.(int64)
			_, isFloat := m.value.data.(float64)
			if (!isInt && !isFloat) || n < 0 || n > century {
				s.fault(m.value.at, option, "is not a number of seconds", "take 0 or more")
				continue
			}
			span := time.Duration(n * float64(time.Second))
			if m.key == "slow_spawn_timeout" {
				h.SlowSpawnTimeout = span
			} else {
				h.SlowStopTimeout = span
			}
		case "headers":
			h.Headers = s.textMap(m.value, option)
		case "cookie_options":
			options, ok := m.value.plain().(map[string]any)
			if !ok {
				s.fault(m.value.at, option, "is "+m.value.kind()+"; it must be a map", "leave it out")
			}
			h.CookieOptions = options
			s.cookieOptions(h, option, m.value)
		default:
			s.warn(m.at, option, "has no effect", "there is no tornado in berdlhub; only headers, cookie_options, slow_spawn_timeout and slow_stop_timeout are read")
		}
	}
}

// cookieOptions reads what the hub's own cookies take of the options; servers and services are handed all of them.
func (s *settings) cookieOptions(h *Hub, option string, v value) {
	members, _ := v.data.([]member)
	for _, m := range members {
		switch strings.ToLower(m.key) {
		case "secure":
			on, ok := m.value.data.(bool)
			if !ok {
				s.fault(m.value.at, option+"."+m.key, "is "+m.value.kind()+"; it must be true or false", "write true or false")
			}
			h.CookieSecure = on
		case "samesite":
			text, _ := m.value.data.(string)
			sites := map[string]http.SameSite{"lax": http.SameSiteLaxMode, "strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode}
			var ok bool
			if h.CookieSameSite, ok = sites[strings.ToLower(text)]; !ok {
				s.fault(m.value.at, option+"."+m.key, "is none of Lax, Strict, None", "leave it out: Lax is set")
			}
		default:
			s.warn(m.at, option+"."+clip(m.key), "has no effect on the hub's own cookies, only on those of servers", "leave it out, or set secure and samesite only")
		}
	}
}

// textMap reads a map of texts; numbers and booleans are taken as their texts, as an environment would hold them.
func (s *settings) textMap(v value, option string) map[string]string {
	members, ok := v.data.([]member)
	if !ok {
		s.fault(v.at, option, "is "+v.kind()+"; it must be a map", "leave it out")
		return nil
	}
	out := make(map[string]string, len(members))
	for _, m := range members {
		switch data := m.value.data.(type) {
		case string:
			out[m.key] = data
		case int64, bool, float64:
			out[m.key] = fmt.Sprint(data)
		default:
			s.fault(m.value.at, option+"."+m.key, "is "+m.value.kind()+"; it must be a text", "put it in quotes")
		}
	}
	return out
}

func (s *settings) buildSpawner() Spawner {
	names := map[string]string{"SimpleLocalProcessSpawner": "simple", "LocalProcessSpawner": "localprocess"}
	short := s.class("spawner", names)
	class := "LocalProcessSpawner"
	if short == "simple" {
		class = "SimpleLocalProcessSpawner"
	}
	sp := Spawner{
		Class: short, Cmd: s.texts(class, "cmd"), Args: s.texts(class, "args"), IP: s.text(class, "ip"), Port: s.whole(class, "port"),
		StartTimeout: s.span(class, "start_timeout"), HTTPTimeout: s.span(class, "http_timeout"), PollInterval: s.span(class, "poll_interval"),
		DefaultURL: s.text(class, "default_url"), NotebookDir: s.text(class, "notebook_dir"), DisableUserConfig: s.flag(class, "disable_user_config"),
		Debug: s.flag(class, "debug"), EnvKeep: s.texts(class, "env_keep"), OptionsForm: s.text(class, "options_form"),
		MemLimit: s.size(class, "mem_limit"), MemGuarantee: s.size(class, "mem_guarantee"),
		CPULimit: s.number(class, "cpu_limit"), CPUGuarantee: s.number(class, "cpu_guarantee"),
		HubConnectURL: s.absolute(class, "hub_connect_url"), ServerTokenScopes: s.texts(class, "server_token_scopes"),
		OAuthClientAllowedScopes: s.texts(class, "oauth_client_allowed_scopes"),
		Environment:              s.textMap(s.setting(class, "environment").value, class+".environment"),
		Local: Local{
			InterruptTimeout: s.span(class, "interrupt_timeout"), TermTimeout: s.span(class, "term_timeout"), KillTimeout: s.span(class, "kill_timeout"),
			HomesDir: s.text("BerdlHub", "homes_dir"),
		},
	}
	if class == "SimpleLocalProcessSpawner" {
		sp.Local.HomeTemplate = s.text(class, "home_dir_template")
	}
	s.checkSpawner(class, &sp)
	return sp
}

func (s *settings) checkSpawner(class string, sp *Spawner) {
	if len(sp.Cmd) == 0 || sp.Cmd[0] == "" {
		s.together(s.setting(class, "cmd"), "is empty", `write the command of the server, for example ["jupyterhub-singleuser"]`)
	}
	if sp.MemLimit > 0 && sp.MemGuarantee > sp.MemLimit {
		s.together(s.later(class, "mem_limit", "mem_guarantee"), "makes the guarantee of memory larger than its limit", "lower mem_guarantee or raise mem_limit")
	}
	if sp.CPULimit > 0 && sp.CPUGuarantee > sp.CPULimit {
		s.together(s.later(class, "cpu_limit", "cpu_guarantee"), "makes the guarantee of processors larger than their limit", "lower cpu_guarantee or raise cpu_limit")
	}
	if _, err := netip.ParseAddr(sp.IP); sp.IP != "" && err != nil && sp.IP != "localhost" {
		s.together(s.setting(class, "ip"), "is not an IP address", "write 127.0.0.1 or 0.0.0.0")
	}
	if t := sp.Local.HomeTemplate; t != "" && !strings.Contains(t, "{username}") {
		s.together(s.setting(class, "home_dir_template"), "lacks {username}: all users would share one home", "put {username} into it")
	}
	if path.Clean("/"+sp.Local.HomesDir) == "/" {
		s.together(s.setting("BerdlHub", "homes_dir"), "is empty or the root of the file system", "name a folder of its own, for example homes")
	}
	sp.HubConnectURL = strings.TrimSuffix(sp.HubConnectURL, "/")
}

func (s *settings) buildMisc(c *Config) {
	const class = "JupyterHub"
	h := &c.Hub
	h.DefaultURL = s.text(class, "default_url")
	h.AdminAccess = s.flag(class, "admin_access")
	h.AuthenticatePrometheus = s.flag(class, "authenticate_prometheus")
	h.MetricsPrefix = s.text("BerdlHub", "metrics_prefix")
	if !metricsPrefix.MatchString(h.MetricsPrefix) {
		s.together(s.setting("BerdlHub", "metrics_prefix"), "cannot begin the name of a metric", "write letters, digits and underscores, beginning with a letter")
	}
	h.UseLegacyStatus = s.flag(class, "use_legacy_stopped_server_status_code")
	h.LogoFile = s.text(class, "logo_file")
	h.LogLevel, h.LogJSON = logLevel(s.setting(class, "log_level").value), s.text(class, "log_format") == "json"
	if dir := s.text("BerdlHub", "templates_dir"); dir != "" {
		h.TemplatePaths = []string{dir}
	}
	s.markRead(classesByName[class], "config_file")
	c.Cull = Cull{
		Enabled: s.flag("IdleCuller", "enabled"), Timeout: s.span("IdleCuller", "timeout"),
		Every: s.span("IdleCuller", "every"), MaxAge: s.span("IdleCuller", "max_age"),
	}
	if !s.isSet("IdleCuller", "enabled") {
		c.Cull.Enabled = c.Auth.Class == "kbase"
	}
	if c.Cull.Every == 0 {
		c.Cull.Every = max(time.Second, c.Cull.Timeout/2)
	}
	c.Proxy.AuthToken = s.secret("ConfigurableHTTPProxy", "auth_token")
}

// logLevel gives slog's word for a log level, which may be Python's word or number.
func logLevel(v value) string {
	switch strings.ToUpper(fmt.Sprint(v.data)) {
	case "DEBUG", "0", "10":
		return "debug"
	case "WARN", "WARNING", "30":
		return "warn"
	case "ERROR", "CRITICAL", "40", "50":
		return "error"
	default:
		return "info"
	}
}
