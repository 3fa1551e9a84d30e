package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

var authenticators = map[string]string{
	"KBaseAuthenticator": "kbase", "DummyAuthenticator": "dummy", "SharedPasswordAuthenticator": "shared-password", "NullAuthenticator": "null",
}

// buildAuth reads the chosen authenticator with the traits of its parents.
func (s *settings) buildAuth(h *Hub) Auth {
	short := "kbase"
	if s.isSet("JupyterHub", "authenticator_class") || s.text("KBaseAuthenticator", "auth_url") == "" {
		short = s.class("authenticator", authenticators)
	}
	class := "Authenticator"
	for name, word := range authenticators {
		if word == short {
			class = name
		}
	}
	a := Auth{
		Class: short, AllowAll: s.flag(class, "allow_all"), AllowExisting: s.flag(class, "allow_existing_users"),
		Allowed: s.texts(class, "allowed_users"), Blocked: s.texts(class, "blocked_users"),
		UsernamePattern: s.text(class, "username_pattern"), EnableState: s.flag(class, "enable_auth_state"),
		UsernameMap:  s.textMap(s.setting(class, "username_map").value, class+".username_map"),
		ManageGroups: s.flag(class, "manage_groups"), RefreshAge: s.span(class, "auth_refresh_age"), AutoLogin: s.flag(class, "auto_login"),
		Grace: s.span("KBaseAuthenticator", "grace"),
	}
	a.Admins = union(s.texts(class, "admin_users"), s.texts("JupyterHub", "admin_users"))
	if !s.isSet(class, "allow_existing_users") {
		a.AllowExisting = len(a.Allowed) > 0
	}
	s.buildAuthClass(class, &a)
	s.checkAuth(class, &a, h)
	return a
}

// buildAuthClass reads what only one authenticator has, and its own defaults.
func (s *settings) buildAuthClass(class string, a *Auth) {
	switch a.Class {
	case "kbase":
		s.buildKBase(a)
	case "dummy":
		a.Dummy.Password = s.secret(class, "password")
		if !s.isSet(class, "allow_all") {
			a.AllowAll = len(a.Allowed) == 0
		}
		if a.Dummy.Password == "" {
			s.warn(s.setting("JupyterHub", "authenticator_class").value.at, "JupyterHub.authenticator_class", "is dummy without a password: everybody can sign in as anybody, administrators included", "use it for trials only")
		}
	case "shared-password":
		a.SharedPassword.User, a.SharedPassword.Admin = s.secret(class, "user_password"), s.secret(class, "admin_password")
		user, admin := a.SharedPassword.User.Reveal(), a.SharedPassword.Admin.Reveal()
		switch {
		case user == "" && admin == "":
			s.faults = append(s.faults, Fault{Option: class + ".user_password", Problem: "is not set, so nobody can sign in", Remedy: "set it to a text of at least 8 characters"})
		case user != "" && len([]rune(user)) < 8:
			s.together(s.setting(class, "user_password"), "is shorter than 8 characters", "take a longer one")
		case admin != "" && len([]rune(admin)) < 32:
			s.together(s.setting(class, "admin_password"), "is shorter than 32 characters", "take a longer one")
		case admin == user:
			s.together(s.setting(class, "admin_password"), "is the same as user_password: every user would be an administrator", "take another one")
		}
	}
}

func (s *settings) buildKBase(a *Auth) {
	const class = "KBaseAuthenticator"
	if !s.isSet(class, "allow_all") {
		a.AllowAll = true
	}
	if !s.isSet(class, "auth_refresh_age") {
		a.RefreshAge = 120 * time.Second
	}
	if !s.isSet(class, "enable_auth_state") {
		a.EnableState = true
	}
	k := &a.KBase
	k.ApprovedRoles, k.AdminRoles = s.texts(class, "approved_roles"), s.texts(class, "admin_roles")
	k.Timeout = s.span(class, "timeout")
	k.AuthURL, k.Origin = s.absolute(class, "auth_url"), s.absolute(class, "origin")
	if k.AuthURL != "" && !strings.HasSuffix(k.AuthURL, "/") {
		k.AuthURL += "/"
	}
	if k.Origin != "" {
		u, err := url.Parse(k.Origin)
		if err != nil || strings.Trim(u.Path, "/") != "" || u.User != nil {
			s.together(s.setting(class, "origin"), "is more than an origin", "write scheme and host only, for example https://narrative.kbase.us")
		}
		k.Origin = strings.TrimSuffix(k.Origin, "/")
	}
	s.required(class, "auth_url", "KBASE_AUTH_URL", "the URL of KBase's auth service")
	s.required(class, "origin", "KBASE_ORIGIN", "the origin of KBase's pages, for example https://narrative.kbase.us")
	s.required(class, "approved_roles", "APPROVED_ROLES", "the KBase roles of which a user must have one; without any nobody could sign in")
}

// required notes a fault when a trait of sign-in by KBase is empty.
func (s *settings) required(class, name, environment, what string) {
	one := s.setting(class, name)
	if s.spoilt[class+"."+name] || (one.value.data != nil && !empty(one.value)) {
		return
	}
	s.faults = append(s.faults, Fault{
		Place: "environment " + environment, Option: class + "." + name, Problem: "is not set, but sign-in by KBase needs it", Remedy: "set it to " + what,
	})
}

func union(lists ...[]string) []string {
	var out []string
	for _, list := range lists {
		for _, item := range list {
			if !slices.Contains(out, item) {
				out = append(out, item)
			}
		}
	}
	return out
}

// checkAuth looks at settings of sign-in that concern each other.
func (s *settings) checkAuth(class string, a *Auth, h *Hub) {
	if a.UsernamePattern != "" {
		if _, err := regexp.Compile(a.UsernamePattern); err != nil {
			s.together(s.setting(class, "username_pattern"), "is not a regular expression that Go knows", "look-around and back-references are not part of it")
		}
	}
	if a.EnableState && len(h.CryptKeys) == 0 && !s.isSet("CryptKeeper", "keys") {
		s.faults = append(s.faults, Fault{
			Place: "environment JUPYTERHUB_CRYPT_KEY", Option: "CryptKeeper.keys", Problem: "is not set, but enable_auth_state needs it", Remedy: newSecret,
		})
	}
	if a.ManageGroups && len(h.LoadGroups) > 0 {
		s.together(s.setting(class, "manage_groups"), "contradicts JupyterHub.load_groups: groups can have one source only", "drop one of them")
	}
	welcome := union(a.Allowed, a.Admins)
	if slices.ContainsFunc(a.Blocked, func(name string) bool { return slices.Contains(welcome, name) }) {
		s.warn(s.setting(class, "blocked_users").value.at, class+".blocked_users", "holds somebody who is also allowed or an administrator; blocking wins", "drop the name from one list")
	}
	if a.Class != "null" && a.Class != "" && !a.letsIn() {
		s.faults = append(s.faults, Fault{
			Option: class + ".allow_all", Problem: "and allowed_users are not set, so nobody may come in", Remedy: "set one of them", Warning: true,
		})
	}
}

// letsIn says whether anybody at all may come in.
func (a *Auth) letsIn() bool {
	return a.AllowAll || a.AllowExisting || len(a.Allowed) > 0 || len(a.Admins) > 0
}
