package apptest

import (
	"maps"
	"net/http"
	"net/url"
	"testing"

	"berdlhub/internal/kbase/kbasetest"
)

// StartKBase runs a hub where people sign in by KBase, set up by the names of BERDL's environment.
// A call of KBase may take 300 ms, so that one that hangs does not hold a test up.
func StartKBase(t testing.TB, k *kbasetest.Server, o Options) *Hub {
	t.Helper()
	o.Environ = append([]string{
		"KBASE_AUTH_URL=" + k.AuthURL, "KBASE_ORIGIN=" + k.Origin, "JUPYTERHUB_CRYPT_KEY=" + CookieSecret,
		"APPROVED_ROLES=BERDL_STAFF, " + kbasetest.ApprovedRole, "AUTH_FULL_ADMIN_ROLES=" + kbasetest.AdminRole,
	}, o.Environ...)
	given := o.Config
	o.Config = map[string]map[string]any{
		"JupyterHub":         {"authenticator_class": nil},
		"Authenticator":      {"allow_all": nil, "admin_users": nil},
		"KBaseAuthenticator": {"timeout": 0.3},
	}
	for class, traits := range given {
		if o.Config[class] == nil {
			o.Config[class] = map[string]any{}
		}
		maps.Copy(o.Config[class], traits)
	}
	return Start(t, o)
}

// SetCookie gives the browser a cookie for every path of the hub's host, as KBase's login does.
func (b *Browser) SetCookie(name, value string) {
	b.t.Helper()
	b.Jar.SetCookies(b.At("/"), []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// Cookie gives the value of a cookie that the browser would send to the hub's pages; empty when there is none.
func (b *Browser) Cookie(name string) string {
	b.t.Helper()
	for _, c := range b.Jar.Cookies(b.At("/hub/home")) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// At gives the address of a path of the hub.
func (b *Browser) At(path string) *url.URL {
	b.t.Helper()
	u, err := url.Parse(b.base + path)
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}
