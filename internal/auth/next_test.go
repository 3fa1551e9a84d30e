package auth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"berdlhub/internal/auth"
	"berdlhub/internal/auth/authtest"
	"berdlhub/internal/secret"
)

const host = "hub.test:8000"

// open gives an Auth that needs no database for what is asked of it here.
func open(t testing.TB, change func(*auth.Config)) *auth.Auth {
	t.Helper()
	cookies, err := secret.ParseCookieSecret(strings.Repeat("5a", 32))
	if err != nil {
		t.Fatal(err)
	}
	cfg := auth.Config{Cookies: cookies}
	if change != nil {
		change(&cfg)
	}
	a, err := auth.New(cfg, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func request(target string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, http.NoBody)
	r.Host = host
	return r
}

// checkNext holds an accepted target against the way a browser reads it.
func checkNext(t *testing.T, raw, target string) {
	t.Helper()
	path, stays := authtest.Resolve("http", host, target)
	if !stays || strings.HasPrefix(path, "//") || !strings.HasPrefix(target, "/") {
		t.Errorf("%q became %q, which a browser reads as %q (on this host: %t)", raw, target, path, stays)
	}
	if strings.ContainsFunc(target, func(r rune) bool { return r < ' ' }) {
		t.Errorf("%q became %q, which has control characters", raw, target)
	}
}

func TestNextStaysHere(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	bad := authtest.BadNext(host)
	if len(bad) < 60 {
		t.Errorf("only %d bad forms", len(bad))
	}
	refused := 0
	for _, raw := range bad {
		target, ok := a.Next(request("/hub/login"), raw)
		if !ok {
			refused++
			continue
		}
		checkNext(t, raw, target)
	}
	if refused < 60 {
		t.Errorf("only %d of %d were refused", refused, len(bad))
	}
	for _, raw := range authtest.GoodNext(host) {
		if target, ok := a.Next(request("/hub/login"), raw); !ok || target != raw {
			t.Errorf("%q became %q, %t", raw, target, ok)
		}
	}
}

func TestNextOfThisHost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		public, proto, raw, want string
	}{
		"absolute":             {raw: "http://" + host + "/hub/home?x=1#y", want: "/hub/home?x=1#y"},
		"without scheme":       {raw: "//" + host + "/hub/home", want: "/hub/home"},
		"host only":            {raw: "http://" + host, want: "/"},
		"query only":           {raw: "http://" + host + "?x", want: "/?x"},
		"extra slashes":        {raw: "http://" + host + "//e.example", want: "/e.example"},
		"other scheme":         {raw: "https://" + host + "/hub/home"},
		"https hub":            {proto: "https", raw: "https://" + host + "/hub/home", want: "/hub/home"},
		"https hub, http next": {proto: "https", raw: "http://" + host + "/hub/home"},
		"public address":       {public: "https://hub.example.org/", raw: "https://hub.example.org/user/ada/", want: "/user/ada/"},
		"public look-alike":    {public: "https://hub.example.org/", raw: "https://hub.example.org.e.example/"},
		"backslash":            {raw: `/hub/home\x`, want: "/hub/home%5Cx"},
		"nothing":              {},
	} {
		a := open(t, func(c *auth.Config) { c.PublicURL = tt.public })
		r := request("/hub/login")
		r.RemoteAddr = "127.0.0.1:1"
		if tt.proto != "" {
			r.Header.Set("X-Forwarded-Proto", tt.proto)
		}
		if got, ok := a.Next(r, tt.raw); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q became %q, %t; want %q", name, tt.raw, got, ok, tt.want)
		}
	}
}

func FuzzNext(f *testing.F) {
	for _, raw := range append(authtest.BadNext(host), authtest.GoodNext(host)...) {
		f.Add(raw)
	}
	a := open(f, nil)
	f.Fuzz(func(t *testing.T, raw string) {
		target, ok := a.Next(request("/hub/login"), raw)
		if !ok {
			return
		}
		checkNext(t, raw, target)
		if again, ok := a.Next(request("/hub/login"), target); !ok || again != target {
			t.Errorf("%q became %q, and that %q, %t", raw, target, again, ok)
		}
	})
}
