package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/auth/authtest"
)

// maxHops is how many redirects a browser follows before it gives up.
const maxHops = 20

// walk follows redirects as a browser reads them, and checks that each stays at the hub; it tells where the walk ended.
func walk(t *testing.T, b *apptest.Browser, host, location string) string {
	t.Helper()
	at := location
	for range maxHops {
		path, stays := authtest.Resolve("http", host, location)
		if !stays {
			t.Errorf("%q leads to %q, which is not at the hub", at, location)
			return ""
		}
		a := b.Get("http://" + host + path)
		if a.Status/100 != 3 {
			return path
		}
		location = a.Location
	}
	t.Errorf("%q: more than %d redirects", at, maxHops)
	return ""
}

func hostOf(t *testing.T, h *apptest.Hub) string {
	t.Helper()
	u, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func TestNextAfterSignIn(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	host := hostOf(t, h)
	b := h.Browser(t)
	xsrf := b.XSRF()
	form := url.Values{"_xsrf": {xsrf}, "username": {"ada"}, "password": {"x"}}
	enter := func(t *testing.T, next string) *apptest.Answer {
		t.Helper()
		b := h.Browser(t)
		b.SetCookie("_xsrf", xsrf)
		return b.Send(http.MethodPost, "/hub/login?"+url.Values{"next": {next}}.Encode(), form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	}
	in := h.Browser(t).SignIn("ada")
	for _, next := range authtest.BadNext(host) {
		a := enter(t, next)
		if a.Status != http.StatusFound {
			t.Errorf("%q: status %d", next, a.Status)
			continue
		}
		walk(t, in, host, a.Location)
		// Who is signed in already is sent on at once, and the sign-in page keeps the address in its form.
		walk(t, in, host, "/hub/login?"+url.Values{"next": {next}}.Encode())
		if a := h.Browser(t).Get("/hub/login?" + url.Values{"next": {next}}.Encode()); strings.Contains(a.Body, "javascript:") || a.Status != http.StatusOK {
			t.Errorf("%q: the sign-in page has status %d\n%s", next, a.Status, a.Body)
		}
	}
	for _, next := range authtest.GoodNext(host) {
		if a := enter(t, next); a.Status != http.StatusFound || a.Location != next {
			t.Errorf("%q: status %d to %q", next, a.Status, a.Location)
		}
	}
}

// TestPathsStayHere asks for paths that look like another host everywhere outside of the sign-in page.
func TestPathsStayHere(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	host := hostOf(t, h)
	in := h.Browser(t).SignIn("ada")
	for _, path := range []string{
		"//e.example", "///e.example", "//e.example/", "/hub//e.example", "/hub/..//e.example", "/user//e.example", "//user/ada", "/%2fe.example", "/%5ce.example", `/%5C%5Ce.example/`,
		"/hub/user-redirect//e.example", "/hub/user-redirect/%2f%2fe.example", "/hub/user-redirect/..%2f..%2f/e.example", "/hub/user-redirect/%5c%5ce.example", "/user/ada//e.example", "/user/ada?//e.example",
		"/hub/spawn?next=//e.example", "/hub/spawn-pending/ada?next=//e.example", "/hub?next=//e.example", "//hub", "/.//e.example", "/hub/%2e%2e//e.example", "/user/%2f%2fe.example", "/user/..%2f/e.example",
	} {
		if a := in.Send(http.MethodGet, "http://"+host+path, ""); a.Status/100 == 3 {
			walk(t, in, host, a.Location)
		} else if a.Status >= 500 {
			t.Errorf("%s: status %d", path, a.Status)
		}
	}
}
