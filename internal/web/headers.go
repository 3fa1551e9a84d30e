package web

import (
	"net/http"
	"strings"
)

// HubVersion is the version of JupyterHub whose protocol the hub speaks; single-user servers compare it with their own.
// JupyterHub REST API: header X-JupyterHub-Version.
const HubVersion = "6.1.1"

// HeaderConfig says what the security headers need to know.
type HeaderConfig struct {
	HubPath     string            // path of the hub with both slashes, for example /hub/
	FormOrigins []string          // origins beside our own that a form may lead to, for example https://narrative.kbase.us
	Extra       map[string]string // headers that replace or join ours; tornado_settings.headers
}

// APIHeaders sets the headers of REST answers. JupyterHub REST API: response headers.
func APIHeaders(cfg HeaderConfig) Middleware {
	return setHeaders(map[string]string{
		"Content-Security-Policy":      "frame-ancestors 'none'; report-uri " + cfg.HubPath + "security/csp-report; default-src 'none'",
		"Access-Control-Allow-Headers": "accept, content-type, authorization",
		"Cache-Control":                "no-store",
		"X-Content-Type-Options":       "nosniff",
		"X-JupyterHub-Version":         HubVersion,
	}, cfg.Extra)
}

// PageHeaders sets the headers of pages: only our own scripts and styles, nothing inline, no frames.
// Pages are not kept by caches: they show what one person may see now.
func PageHeaders(cfg HeaderConfig) Middleware {
	return setHeaders(map[string]string{
		"Content-Security-Policy":    pagePolicy(cfg),
		"Cache-Control":              "no-store",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Referrer-Policy":            "same-origin",
		"X-Content-Type-Options":     "nosniff",
		"X-JupyterHub-Version":       HubVersion,
	}, cfg.Extra)
}

// pagePolicy gives the content security policy of pages.
func pagePolicy(cfg HeaderConfig) string {
	forms := strings.Join(append([]string{"form-action 'self'"}, cfg.FormOrigins...), " ")
	return strings.Join([]string{
		"default-src 'self'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
		"object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", forms,
		"report-uri " + cfg.HubPath + "security/csp-report",
	}, "; ")
}

// setHeaders sets the headers, then the extra ones in their place.
func setHeaders(ours, extra map[string]string) Middleware {
	all := make(map[string]string, len(ours)+len(extra))
	for name, value := range ours {
		all[http.CanonicalHeaderKey(name)] = value
	}
	for name, value := range extra {
		all[http.CanonicalHeaderKey(name)] = value
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, value := range all {
				w.Header()[name] = []string{value}
			}
			next.ServeHTTP(w, r)
		})
	}
}
