package auth

import (
	"net/http"
	"net/url"
	"strings"
)

// Next makes a redirect target out of what a browser or another page sent; ok is false when it does not stay on this host.
// The result always begins with one slash followed by something that no browser reads as a host.
//
// JupyterHub's web contract: backslashes are encoded, an absolute address of this host in the same scheme is reduced to its
// path, anything else with a host or without a leading slash is dropped. Stricter than that, control characters are refused
// and the path's leading slashes are folded, because browsers drop the former and read the latter as a host.
func (a *Auth) Next(r *http.Request, raw string) (target string, ok bool) {
	if raw == "" || strings.ContainsFunc(raw, isControl) {
		return "", false
	}
	raw = strings.ReplaceAll(raw, `\`, "%5C")
	if rest, own := a.stripOwnHost(r, raw); own {
		raw = "/" + strings.TrimLeft(rest, "/")
	}
	if !strings.HasPrefix(raw, "/") || strings.HasPrefix(raw, "//") {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host != "" || u.Scheme != "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	if escapesToHost(u.EscapedPath()) {
		return "", false
	}
	return raw, true
}

func isControl(r rune) bool {
	return r < 0x20 || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' || r == '\ufeff'
}

// escapesToHost says that a path, once a browser has resolved its dots, begins with two slashes.
func escapesToHost(path string) bool {
	var out []string
	for seg := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		switch strings.ToLower(seg) {
		case ".", "%2e":
		case "..", ".%2e", "%2e.", "%2e%2e":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
		default:
			out = append(out, seg)
		}
	}
	return len(out) > 1 && out[0] == ""
}

// stripOwnHost cuts scheme and host when they are this hub's.
func (a *Auth) stripOwnHost(r *http.Request, raw string) (rest string, own bool) {
	scheme := "http"
	if a.Secure(r) {
		scheme = "https"
	}
	for _, origin := range []string{scheme + "://" + r.Host, "//" + r.Host, publicOrigin(a.cfg.PublicURL)} {
		if origin == "" || origin == "//" {
			continue
		}
		if raw == origin {
			return "/", true
		}
		for _, sep := range []string{"/", "?", "#"} {
			if strings.HasPrefix(raw, origin+sep) {
				return raw[len(origin):], true
			}
		}
	}
	return "", false
}

func publicOrigin(public string) string {
	u, err := url.Parse(public)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
