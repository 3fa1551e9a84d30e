package proxy

import "net/http"

// FilterCookies gives the Cookie header that a server of the rule is shown, as a Handler of the configuration makes it.
func FilterCookies(cfg Config, headers []string, rule CookieRule) string {
	return guardOf(cfg).filter(headers, rule)
}

// GuardAnswer takes from an answer's headers what the server of a route may not say. The path is the request's.
func GuardAnswer(cfg Config, h http.Header, route Route, path string) {
	e, err := newEntry(route)
	if err != nil {
		panic(err)
	}
	guardOf(cfg).guardAnswer(h, e, path)
}

func guardOf(cfg Config) *cookieGuard { return New(cfg, NewTable()).cookies }
