package proxy_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"berdlhub/internal/proxy"
)

// fingerprintOf is the fingerprint of the tests; the real one is a hash.
func fingerprintOf(session string) string { return "print of " + session }

var (
	cookieConfig = proxy.Config{Fingerprint: fingerprintOf}
	adaRule      = proxy.CookieRule{Own: []string{"jupyterhub-user-ada"}, Session: fingerprintOf("ADA")}
	adaRoute     = proxy.Route{Prefix: "/user/ada/", Target: "http://10.0.0.1:8888", Cookies: adaRule}
)

func TestCookiesToAServer(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"own and harmless", "_xsrf=2|1; jupyterhub-session-id=s; jupyterhub-user-ada=t; theme=dark", "_xsrf=2|1; jupyterhub-session-id=s; jupyterhub-user-ada=t; theme=dark"},
		{"hub's login", "a=1; jupyterhub-hub-login=SECRET; b=2", "a=1; b=2"},
		{"hub's login, first", "jupyterhub-hub-login=SECRET; b=2", "b=2"},
		{"hub's login, quoted", `jupyterhub-hub-login="2|1:0|SECRET"; b="x|y"`, `b="x|y"`},
		{"hub's login with host prefix", "__Host-jupyterhub-hub-login=SECRET; __host-jupyterhub-hub-login=SECRET", ""},
		{"services", "jupyterhub-services=SECRET", ""},
		{"another's", "jupyterhub-user-bob=SECRET; jupyterhub-user-ada=t; jupyterhub-user-adam=SECRET", " jupyterhub-user-ada=t"},
		{"another's with host prefix", "__Host-jupyterhub-user-bob=SECRET; __Host-jupyterhub-user-ada=t", " __Host-jupyterhub-user-ada=t"},
		{"state of sign-in", "jupyterhub-user-ada-oauth-state-x=1; jupyterhub-user-bob-oauth-state=SECRET", "jupyterhub-user-ada-oauth-state-x=1"},
		{"owner's session", "kbase_session=ADA; kbase_session_backup=ADA", "kbase_session=ADA; kbase_session_backup=ADA"},
		{"another's session", "kbase_session=SECRET; kbase_session_backup=ADA; x=1", " kbase_session_backup=ADA; x=1"},
		{"quoted session", `kbase_session="ADA"`, `kbase_session="ADA"`},
		{"empty session", "kbase_session=; kbase_session=\"\"", ""},
		{"spaces and no equals", " a=1 ;jupyterhub-hub-login =SECRET;  b = 2; c", "a=1 ;  b = 2; c"},
		{"cookie without a name", "=jupyterhub-hub-login=SECRET; a=1", "a=1"},
		{"bytes as they are", "a=\"x y\";b=%zz,\xff; jupyterhub-hub-login=SECRET;c=a=b", "a=\"x y\";b=%zz,\xff;c=a=b"},
		{"quotes hide nothing", `a="x; jupyterhub-hub-login=SECRET; b=y"`, `a="x; b=y"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := proxy.FilterCookies(cookieConfig, []string{c.in}, adaRule)
			if got != strings.TrimLeft(c.want, " ") {
				t.Errorf("%q becomes %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestCookieHeadersBecomeOne(t *testing.T) {
	got := proxy.FilterCookies(cookieConfig, []string{"a=1", "jupyterhub-hub-login=SECRET", " b=2; jupyterhub-user-bob=SECRET"}, adaRule)
	if got != "a=1; b=2" {
		t.Errorf("got %q", got)
	}
}

func TestSessionNeverPasses(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  proxy.Config
		rule proxy.CookieRule
	}{
		"route without owner":  {cookieConfig, proxy.CookieRule{}},
		"no way to tell":       {proxy.Config{}, adaRule},
		"another's":            {cookieConfig, proxy.CookieRule{Session: fingerprintOf("BOB")}},
		"the value is no hash": {cookieConfig, proxy.CookieRule{Session: "ADA"}},
	} {
		if got := proxy.FilterCookies(c.cfg, []string{"kbase_session=ADA; x=1"}, c.rule); got != "x=1" {
			t.Errorf("%s: %q passes", name, got)
		}
	}
}

func TestCookiesFromAServer(t *testing.T) {
	for _, c := range []struct{ in, path, want string }{
		{"jupyterhub-user-ada=t; Path=/user/ada/; HttpOnly", "", "jupyterhub-user-ada=t; Path=/user/ada/; HttpOnly"},
		{"a=1", "", "a=1"},
		{"a=\"x|y\"; path=/user/ada; samesite=lax", "", "a=\"x|y\"; path=/user/ada; samesite=lax"},
		{"a=1; Path=/user/%61da/lab", "", "a=1; Path=/user/%61da/lab"},
		{"_xsrf=x; Path=/user/ada/", "", "_xsrf=x; Path=/user/ada/"},
		{"_xsrf=x; Path=/hub/", "", ""},
		{"_xsrf=x; Path=/", "", ""},
		{"_xsrf=x; Path=/user/ada/; Path=/hub/", "", ""},
		{"_xsrf=x; Path=/hub/; Path=/user/ada/", "", ""},
		{"_xsrf=x; Path=/user/adam/", "", ""},
		{"_xsrf=x", "/user/ada/lab", "_xsrf=x"},
		{"_xsrf=x", "/user/ada", ""},
		{"__Secure-_xsrf=x; Path=/", "", ""},
		{"jupyterhub-hub-login=evil; Path=/hub/", "", ""},
		{"jupyterhub-hub-login=evil", "", ""},
		{" jupyterhub-hub-login\t=evil", "", ""},
		{"__Host-jupyterhub-hub-login=evil; Secure; Path=/", "", ""},
		{"__hOST-jupyterhub-hub-login=evil; Secure; Path=/", "", ""},
		{"=jupyterhub-hub-login=evil; Path=/", "", ""},
		{"jupyterhub-hub-login", "", ""},
		{"jupyterhub-session-id=evil; Path=/", "", ""},
		{"kbase_session=evil; Path=/; Domain=.kbase.us", "", ""},
		{"kbase_session_backup=evil", "", ""},
		{"jupyterhub-user-bob=evil; Path=/user/bob/", "", ""},
		{"jupyterhub-user-ada=t; Path=/", "", "jupyterhub-user-ada=t; Path=/user/ada/"},
		{"__Host-jupyterhub-user-ada=t; Secure; Path=/", "", "__Host-jupyterhub-user-ada=t; Secure; Path=/"},
		{"__Host-jupyterhub-user-ada=t; Secure; Path=/; Domain=e.org", "", ""},
		{"__Host-x=1; Secure; Path=/", "", ""},
		{"a=1; Path=/", "", "a=1; Path=/user/ada/"},
		{"a=1; Path=/hub", "", "a=1; Path=/user/ada/"},
		{"a=1; PATH = /user/bob/; Secure", "", "a=1; Secure; Path=/user/ada/"},
		{"a=1", "/user/ada", "a=1; Path=/user/ada/"},
		{"a=1; Domain=example.org; Path=/user/ada/x; HttpOnly", "", "a=1; HttpOnly; Path=/user/ada/x"},
		{"a=1; domain = .example.org;Domain=b", "", "a=1"},
		{"a=1; Path=\"/\"", "", "a=1"},
		{"a=1; Path", "/user/ada", "a=1; Path=/user/ada/"},
		{"a=1\x01; Path=/", "", ""},
		{"\xa0a=1", "", ""},
		{"a b=1", "", ""},
	} {
		path := c.path
		if path == "" {
			path = "/user/ada/lab/tree"
		}
		h := http.Header{"Set-Cookie": {c.in}}
		proxy.GuardAnswer(cookieConfig, h, adaRoute, path)
		if got := h.Get("Set-Cookie"); got != c.want {
			t.Errorf("%q on %s becomes %q, want %q", c.in, path, got, c.want)
		}
	}
}

func TestSeveralSetCookiesStaySeparate(t *testing.T) {
	h := http.Header{"Set-Cookie": {"a=1", "jupyterhub-hub-login=evil", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"}}
	proxy.GuardAnswer(cookieConfig, h, adaRoute, "/user/ada/")
	if got := h["Set-Cookie"]; !slices.Equal(got, []string{"a=1", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"}) {
		t.Errorf("got %q", got)
	}
}

func TestAServerSpeaksForItselfOnly(t *testing.T) {
	h := http.Header{
		"Clear-Site-Data": {`"cookies"`}, "Alt-Svc": {"h3=\":1\""}, "Service-Worker-Allowed": {"/"}, "Set-Cookie2": {"x=1"},
		"Strict-Transport-Security": {"max-age=1"}, "Etag": {"kept"},
	}
	proxy.GuardAnswer(cookieConfig, h, adaRoute, "/user/ada/")
	if len(h) != 1 || h.Get("Etag") != "kept" {
		t.Errorf("left are %v", h)
	}
	h = http.Header{"Service-Worker-Allowed": {"/user/ada/"}}
	proxy.GuardAnswer(cookieConfig, h, adaRoute, "/user/ada/static/sw.js")
	if h.Get("Service-Worker-Allowed") != "/user/ada/" {
		t.Error("a worker for the server's own path is refused")
	}
}
