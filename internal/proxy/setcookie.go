package proxy

import (
	"net/http"
	"slices"
	"strings"
)

// originWide are answers' headers that change the whole origin, so that one server could speak for the hub and for others'
// servers.
var originWide = []string{"Alt-Svc", "Clear-Site-Data", "Nel", "Public-Key-Pins", "Report-To", "Set-Cookie2", "Strict-Transport-Security"}

// guardAnswer takes from a server's answer what it may not say to the browser. The path is the request's, escaped.
func (g *cookieGuard) guardAnswer(h http.Header, e *Entry, path string) {
	for _, name := range originWide {
		h.Del(name)
	}
	// A worker script may claim a scope above its own folder with this header.
	if scope := h.Get("Service-Worker-Allowed"); scope != "" && !below(scope, e.key) {
		h.Del("Service-Worker-Allowed")
	}
	cookies := h["Set-Cookie"]
	if len(cookies) == 0 {
		return
	}
	kept := make([]string, 0, len(cookies))
	for _, raw := range cookies {
		if confined, ok := g.confine(raw, e, path); ok {
			kept = append(kept, confined)
		}
	}
	if len(kept) == 0 {
		h.Del("Set-Cookie")
		return
	}
	h["Set-Cookie"] = kept
}

// dropSettings removes from trailers and interim answers all that sets something for the browser.
func dropSettings(h http.Header) {
	for _, name := range originWide {
		h.Del(name)
	}
	h.Del("Set-Cookie")
	h.Del("Service-Worker-Allowed")
}

// confine gives a Set-Cookie header such that the cookie comes back to no other server and not to the hub, and whether it may
// pass at all. It reads as browsers do (RFC 6265bis): attributes without regard to case, the last one counts.
func (g *cookieGuard) confine(raw string, e *Entry, path string) (string, bool) {
	pair, attributes, _ := strings.Cut(raw, ";")
	name, _, hasName := strings.Cut(pair, "=")
	name = strings.Trim(name, " \t")
	if !hasName || name == "" || !plain(name) || hasControlByte(raw) || !g.maySet(name, e) {
		return "", false
	}
	kept, paths, whole := splitAttributes(attributes)
	outside := func(p string) bool { return !below(p, e.key) }
	inside := !slices.ContainsFunc(paths, outside)
	if len(paths) == 0 {
		inside = defaultInside(path, e.key)
	}
	bare := bareName(name)
	switch {
	case len(name) != len(bare) && strings.EqualFold(name[:len(name)-len(bare)], "__Host-"):
		// Such a cookie must have the path "/", so only a name that no other server is shown may pass.
		return raw, e.route.Cookies.owns(bare) && whole
	case inside && whole:
		return raw, true
	case inside:
		return pair + kept + pathAttributes(paths), true
	case bare == xsrfCookie:
		return "", false
	}
	return pair + kept + "; Path=" + e.cookiePath, true
}

// maySet says whether a server may set a cookie of this name.
func (g *cookieGuard) maySet(name string, e *Entry) bool {
	bare := bareName(name)
	switch {
	case slices.Contains(g.hub, bare), slices.Contains(g.session, bare), bare == sessionCookie:
		return false
	case e.route.Cookies.owns(bare):
		return true
	}
	return !strings.HasPrefix(bare, serverCookies)
}

// splitAttributes parts a cookie's attributes into those that may stay as they are, each with its ";", and the values of Path
// that browsers heed. Domain is left out, and so is a Path that does not begin with "/". Whole says that nothing was left out.
func splitAttributes(attributes string) (kept string, paths []string, whole bool) {
	whole = true
	var b strings.Builder
	for part := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(part, "=")
		name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
		switch {
		case strings.EqualFold(name, "domain"):
			whole = false
		case strings.EqualFold(name, "path") && strings.HasPrefix(value, "/"):
			paths = append(paths, value)
		case strings.EqualFold(name, "path"):
			whole = false
		case part != "":
			b.WriteByte(';')
			b.WriteString(part)
		}
	}
	return b.String(), paths, whole
}

func pathAttributes(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	return "; Path=" + paths[len(paths)-1]
}

// defaultInside says whether the path that browsers take when a cookie names none lies inside the prefix: it is the request's
// path up to the last slash, which for "/user/ada" is "/user".
func defaultInside(path, key string) bool {
	cut := strings.LastIndexByte(path, '/')
	return cut >= 0 && below(path[:cut+1], key)
}

func plain(name string) bool {
	for i := range len(name) {
		if name[i] <= ' ' || name[i] >= 0x7f {
			return false
		}
	}
	return true
}

func hasControlByte(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
