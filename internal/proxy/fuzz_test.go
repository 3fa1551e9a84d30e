package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"berdlhub/internal/proxy"
)

// FuzzLookup compares the tree with a list that is searched from end to end, for any prefix and path.
func FuzzLookup(f *testing.F) {
	f.Add("/user/ada/", "/user/a%2Fb/", "/user/%61da/x")
	f.Add("/", "//", "//")
	f.Add("/a//b/", "/a/", "/a//b")
	f.Add("/%25/", "/%2f/", "/%25%2F/")
	f.Fuzz(func(t *testing.T, one, two, path string) {
		table, list := proxy.NewTable(), map[string]string{}
		for _, p := range []string{one, two} {
			if table.Set(proxy.Route{Prefix: p, Target: "http://h:1"}) == nil {
				list[plainForm(p)] = p
			}
		}
		if strings.Contains(plainForm(path), "%") || strings.Contains(path, "\x00") || strings.Contains(path, "%00") || strings.Contains(one+two, "%00") {
			_, _ = table.Lookup(path) // the list cannot tell these apart; the tree must only live through them
			return
		}
		if got, want := found(table, path), longestOf(list, path); got != want {
			t.Fatalf("routes %q and %q: Lookup(%q) = %q, want %q", one, two, path, got, want)
		}
		for key, p := range list {
			if found(table, p) != p {
				t.Fatalf("%q (%q) does not lead to itself", p, key)
			}
			table.Delete(p)
		}
		if table.Len() != 0 || found(table, path) != "" {
			t.Fatal("deleted routes are left")
		}
	})
}

// readCookies reads a Cookie header as the most forgiving server would.
func readCookies(header string) (names []string) {
	for part := range strings.SplitSeq(header, ";") {
		part = strings.TrimLeft(strings.TrimSpace(part), "= \t")
		name, _, _ := strings.Cut(part, "=")
		names = append(names, strings.TrimSpace(name))
	}
	return names
}

// FuzzCookieHeader asserts that no cookie of the platform passes, and that what passes is made of the bytes that came.
func FuzzCookieHeader(f *testing.F) {
	f.Add("a=1; jupyterhub-hub-login=S; b=2")
	f.Add(`x="a;b"; __Host-jupyterhub-hub-login=S`)
	f.Add("=kbase_session=S; jupyterhub-user-ada=1;;; jupyterhub-user-bob")
	f.Fuzz(func(t *testing.T, header string) {
		if strings.ContainsAny(header, "\r\n\v\f\x00\u0085\u00a0") {
			return // cannot be in a header
		}
		got := proxy.FilterCookies(cookieConfig, []string{header}, adaRule)
		for _, name := range readCookies(got) {
			name = strings.TrimPrefix(name, "__Host-")
			if name == "jupyterhub-hub-login" || name == "jupyterhub-services" ||
				strings.HasPrefix(name, "jupyterhub-user-") && name != "jupyterhub-user-ada" && !strings.HasPrefix(name, "jupyterhub-user-ada-oauth-state") {
				t.Fatalf("%q lets %q pass: %q", header, name, got)
			}
		}
		rest := header
		for part := range strings.SplitSeq(got, ";") {
			_, after, ok := strings.Cut(rest, part)
			if !ok {
				t.Fatalf("%q becomes %q, of other bytes", header, got)
			}
			rest = after
		}
		if again := proxy.FilterCookies(cookieConfig, []string{got}, adaRule); again != got {
			t.Fatalf("%q becomes %q, then %q", header, got, again)
		}
	})
}

// FuzzSetCookie asserts, with the standard library's reader as the browser, that a cookie stays with its server.
func FuzzSetCookie(f *testing.F) {
	f.Add("a=1; Path=/; Domain=x", "/user/ada/lab")
	f.Add("_xsrf=1; path=/hub/", "/user/ada")
	f.Add("=jupyterhub-hub-login=1", "/user/ada/")
	f.Add("__Host-jupyterhub-user-ada=1; Path=/; Secure", "/user/ada/")
	f.Fuzz(func(t *testing.T, raw, path string) {
		h := http.Header{"Set-Cookie": {raw}}
		proxy.GuardAnswer(cookieConfig, h, adaRoute, path)
		got := h.Get("Set-Cookie")
		if strings.ContainsAny(got, "\r\n") {
			t.Fatalf("%q becomes two headers: %q", raw, got)
		}
		c, err := http.ParseSetCookie(got)
		if err != nil || strings.HasPrefix(strings.ToLower(c.Name), "__host-jupyterhub-user-ada") {
			return
		}
		name := strings.TrimPrefix(c.Name, "__Secure-")
		switch {
		case c.Domain != "":
			t.Fatalf("%q keeps a domain: %q", raw, got)
		case c.Path != "" && c.Path != "/user/ada" && !strings.HasPrefix(c.Path, "/user/ada/") && !strings.Contains(c.Path, "%"):
			t.Fatalf("%q on %q reaches %q: %q", raw, path, c.Path, got)
		case c.Path == "" && !strings.HasPrefix(path, "/user/ada/") && !strings.Contains(path, "%"):
			t.Fatalf("%q on %q has the browser's own path: %q", raw, path, got)
		case name == "jupyterhub-hub-login", name == "kbase_session", name == "jupyterhub-session-id", name == "jupyterhub-user-bob":
			t.Fatalf("%q sets a cookie of the platform: %q", raw, got)
		}
		if again := (http.Header{"Set-Cookie": {got}}); true {
			proxy.GuardAnswer(cookieConfig, again, adaRoute, path)
			if again.Get("Set-Cookie") != got {
				t.Fatalf("%q becomes %q, then %q", raw, got, again.Get("Set-Cookie"))
			}
		}
	})
}
