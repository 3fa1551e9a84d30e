package proxy

import (
	"crypto/subtle"
	"slices"
	"strings"
)

// Names of JupyterHub's cookies.
const (
	serverCookies  = "jupyterhub-user-"      // begins the name of each server's own cookie
	oauthState     = "-oauth-state"          // follows it while the server waits for its sign-in
	sessionCookie  = "jupyterhub-session-id" // may be read by servers, not set by them
	xsrfCookie     = "_xsrf"                 // the hub has one and each server has one, told apart by their paths
	hubLoginCookie = "jupyterhub-hub-login"
	servicesCookie = "jupyterhub-services"
)

// cookieGuard decides which cookies pass between browsers and servers.
type cookieGuard struct {
	hub         []string            // never pass to a server, never set by one
	session     []string            // pass only to the server of the user whose session they are
	fingerprint func(string) string // of a session's value; nil: no session passes
}

// bareName gives a cookie's name without the prefixes that browsers know; they count without regard to case.
func bareName(name string) string {
	for _, prefix := range [...]string{"__Host-", "__Secure-"} {
		if len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			return name[len(prefix):]
		}
	}
	return name
}

func (c CookieRule) owns(bare string) bool {
	for _, own := range c.Own {
		if bare == own || strings.HasPrefix(bare, own) && strings.HasPrefix(bare[len(own):], oauthState) {
			return true
		}
	}
	return false
}

// mayReach says whether a cookie of a request may reach the server of the rule.
func (g *cookieGuard) mayReach(name, value string, rule CookieRule) bool {
	bare := bareName(name)
	switch {
	case slices.Contains(g.hub, bare):
		return false
	case slices.Contains(g.session, bare):
		return g.isSessionOf(value, rule)
	case rule.owns(bare):
		return true
	}
	return !strings.HasPrefix(bare, serverCookies)
}

func (g *cookieGuard) isSessionOf(value string, rule CookieRule) bool {
	if rule.Session == "" || g.fingerprint == nil {
		return false
	}
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	return value != "" && subtle.ConstantTimeCompare([]byte(g.fingerprint(value)), []byte(rule.Session)) == 1
}

// filter gives the Cookie header for the server of the rule: the bytes of what may reach it, unchanged and in their order.
// Several headers become one, as RFC 9113 has it. It is empty when nothing is left.
func (g *cookieGuard) filter(headers []string, rule CookieRule) string {
	if len(headers) == 1 && g.allReach(headers[0], rule) {
		return headers[0]
	}
	var kept strings.Builder
	for _, header := range headers {
		first := true // of this header
		for part := range strings.SplitSeq(header, ";") {
			trimmed := strings.Trim(part, " \t")
			if trimmed == "" || !g.mayReachPart(trimmed, rule) {
				continue
			}
			switch {
			case kept.Len() == 0:
				part = strings.TrimLeft(part, " \t")
			case first:
				kept.WriteString("; ")
				part = strings.TrimLeft(part, " \t")
			default:
				kept.WriteByte(';')
			}
			kept.WriteString(part)
			first = false
		}
	}
	return kept.String()
}

func (g *cookieGuard) allReach(header string, rule CookieRule) bool {
	for part := range strings.SplitSeq(header, ";") {
		if !g.mayReachPart(strings.Trim(part, " \t"), rule) {
			return false
		}
	}
	return true
}

func (g *cookieGuard) mayReachPart(trimmed string, rule CookieRule) bool {
	name, value, ok := strings.Cut(trimmed, "=")
	if ok && strings.Trim(name, " \t") == "" {
		// "=name=value" is a cookie without a name; some servers read it as one with.
		return g.mayReachPart(strings.Trim(value, " \t"), rule)
	}
	return g.mayReach(strings.Trim(name, " \t"), strings.Trim(value, " \t"), rule)
}
