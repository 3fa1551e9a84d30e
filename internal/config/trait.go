package config

import (
	"math"
	"slices"
	"strings"
)

// Status says what happens to a trait that is set.
type Status string

// The states of a trait.
const (
	Used     Status = "used"
	NoEffect Status = "no effect"    // accepted with a warning; the note says why
	Python   Status = "needs Python" // refused unless null; the note says what to use instead
	Refused  Status = "refused"      // refused unless it has its default, because leaving it out silently would weaken the hub
)

// Trait is one option of a class.
type Trait struct {
	Name    string
	Type    string // as JupyterHub names it; alternatives are joined by " or "
	Default string // JSON text
	Status  Status
	Meaning string
	Note    string // for every status but Used: why, and what to do instead
}

// Class is a named set of traits. Its parents' traits are its own too.
type Class struct {
	Name    string
	Parent  string
	Meaning string
	Own     bool // berdlhub's own, unknown to JupyterHub
	Traits  []Trait
}

// extent is the closed range of a number.
type extent struct{ low, high float64 }

// century bounds every time span, so that it fits in a time.Duration.
const century = 100 * 365 * 24 * 3600

var (
	seconds  = extent{0, century}
	positive = extent{1, math.MaxInt32}
	amount   = extent{0, math.MaxInt32}
	port     = extent{0, 65535}
)

var classesByName = func() map[string]*Class {
	m := map[string]*Class{}
	for i := range classes {
		m[classes[i].Name] = &classes[i]
	}
	return m
}()

// line gives a class and its ancestors, most specific first.
func line(class string) []*Class {
	var out []*Class
	for c := classesByName[class]; c != nil; c = classesByName[c.Parent] {
		out = append(out, c)
	}
	return out
}

// find gives the trait that a class has under a name, and the class that defines it.
func find(class, name string) (*Trait, *Class) {
	for _, c := range line(class) {
		for i := range c.Traits {
			if c.Traits[i].Name == name {
				return &c.Traits[i], c
			}
		}
	}
	return nil, nil
}

// traitNames gives the names of all traits of a class, inherited ones too.
func traitNames(class string) []string {
	var out []string
	for _, c := range line(class) {
		for _, t := range c.Traits {
			out = append(out, t.Name)
		}
	}
	return out
}

// classNames gives the names of all classes.
func classNames() []string {
	out := make([]string, 0, len(classes))
	for _, c := range classes {
		out = append(out, c.Name)
	}
	return out
}

// takes says whether a type is among those that a trait accepts.
func (t *Trait) takes(kind string) bool {
	for alternative := range strings.SplitSeq(t.Type, " or ") {
		if alternative == kind {
			return true
		}
	}
	return false
}

// takesList says whether the trait accepts a list.
func (t *Trait) takesList() bool {
	return slices.ContainsFunc([]string{"Command", "List", "Set", "Tuple"}, t.takes)
}

// nullable says whether null is a value of the trait.
func (t *Trait) nullable() bool {
	return t.Default == "null" || t.Status == Python || t.takes("Any")
}

// renamed are old names of traits, which JupyterHub still takes.
var renamed = map[string]string{
	"Authenticator.whitelist":            "allowed_users",
	"LocalAuthenticator.group_whitelist": "allowed_groups",
	"IdleCuller.cull_every":              "every",
}

// secretTraits are never printed.
var secretTraits = map[string]bool{
	"JupyterHub.api_tokens": true, "JupyterHub.cookie_secret": true, "JupyterHub.proxy_auth_token": true,
	"JupyterHub.service_tokens": true, "CryptKeeper.keys": true, "ConfigurableHTTPProxy.auth_token": true,
	"DummyAuthenticator.password": true, "SharedPasswordAuthenticator.user_password": true,
	"SharedPasswordAuthenticator.admin_password": true, "SharedPasswordAuthenticator.password_groups": true,
}

// choices are the values of the traits that have only a few.
var choices = map[string][]string{
	"Application.log_level":                           {"DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL", "0", "10", "20", "30", "40", "50"},
	"JupyterHub.allow_existing_invalid_named_servers": {"allow-start", "allow-delete", "autorename"},
	"ConfigurableHTTPProxy.log_level":                 {"debug", "info", "warn", "error", "DEBUG", "INFO", "WARN", "ERROR"},
	"KubeSpawner.slug_scheme":                         {"safe", "escape"},
}

// ranges are the bounds of numbers. Numbers without a row here are not negative.
var ranges = map[string]extent{
	"JupyterHub.port": port, "JupyterHub.hub_port": port, "JupyterHub.hub_connect_port": port, "JupyterHub.proxy_api_port": port,
	"Spawner.port": port, "KubeSpawner.hub_connect_port": port,
	"JupyterHub.activity_resolution": seconds, "JupyterHub.last_activity_interval": {1, century}, "JupyterHub.service_check_interval": seconds,
	"JupyterHub.oauth_token_expires_in": seconds, "JupyterHub.token_expires_in_max_seconds": seconds,
	"JupyterHub.cookie_max_age_days": {0, 36500}, "JupyterHub.implicit_spawn_seconds": seconds,
	"JupyterHub.init_spawners_timeout": {-1, century}, "JupyterHub.hub_socket_mode": {0, 0o777},
	"JupyterHub.api_page_default_limit": positive, "JupyterHub.api_page_max_limit": positive,
	"Authenticator.auth_refresh_age": seconds,
	"Spawner.start_timeout":          {1, century}, "Spawner.http_timeout": {1, century}, "Spawner.poll_interval": seconds, "Spawner.poll_jitter": {0, 1},
	"LocalProcessSpawner.interrupt_timeout": seconds, "LocalProcessSpawner.term_timeout": seconds, "LocalProcessSpawner.kill_timeout": seconds,
	"KBaseAuthenticator.timeout": {0.1, 60}, "KBaseAuthenticator.grace": seconds,
	"IdleCuller.timeout": {1, century}, "IdleCuller.every": seconds, "IdleCuller.max_age": seconds,
}

// rangeOf gives the bounds of a number trait.
func rangeOf(owner *Class, t *Trait) extent {
	if r, ok := ranges[owner.Name+"."+t.Name]; ok {
		return r
	}
	return amount
}

// pythonNames are the import paths and entry-point names that stand for our classes.
var pythonNames = map[string]string{
	"kbase": "KBaseAuthenticator", "dummy": "DummyAuthenticator", "null": "NullAuthenticator",
	"shared-password": "SharedPasswordAuthenticator", "default-authenticator": "PAMAuthenticator", "pam": "PAMAuthenticator", "local": "LocalAuthenticator",
	"jupyterhub.auth.DummyAuthenticator": "DummyAuthenticator", "jupyterhub.auth.NullAuthenticator": "NullAuthenticator",
	"jupyterhub.auth.PAMAuthenticator": "PAMAuthenticator", "jupyterhub.auth.LocalAuthenticator": "LocalAuthenticator",
	"jupyterhub.authenticators.shared.SharedPasswordAuthenticator": "SharedPasswordAuthenticator",
	"simple": "SimpleLocalProcessSpawner", "localprocess": "LocalProcessSpawner", "default-spawner": "LocalProcessSpawner",
	"jupyterhub.spawner.LocalProcessSpawner": "LocalProcessSpawner", "jupyterhub.spawner.SimpleLocalProcessSpawner": "SimpleLocalProcessSpawner",
	"kube": "KubeSpawner", "kubespawner": "KubeSpawner", "kubespawner.KubeSpawner": "KubeSpawner", "kubespawner.spawner.KubeSpawner": "KubeSpawner",
	"configurable-http-proxy": "ConfigurableHTTPProxy", "default-proxy": "ConfigurableHTTPProxy",
	"jupyterhub.proxy.ConfigurableHTTPProxy": "ConfigurableHTTPProxy",
}
