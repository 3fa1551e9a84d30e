package app_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/hub"
)

// invite makes a code for ada's server, which runs.
func invite(t *testing.T, h *apptest.Hub) string {
	t.Helper()
	h.Browser(t).SignIn("ada")
	h.Ready(t, hub.ServerKey{User: "ada"})
	var made struct{ Code string }
	a := h.Service(t, http.MethodPost, "/share-codes/ada/", "")
	if err := json.Unmarshal([]byte(a.Body), &made); err != nil || made.Code == "" {
		t.Fatalf("make a code: status %d, %v\n%s", a.Status, err, a.Body)
	}
	return made.Code
}

// enter says how bob fares at ada's server, with a browser that has no session there.
func enter(t *testing.T, h *apptest.Hub) string {
	t.Helper()
	a := consent(h.Browser(t).SignIn("bob"), "/user/ada/lab")
	if a.Status != http.StatusOK {
		return fmt.Sprint(a.Status)
	}
	return strings.TrimSpace(a.Body)
}

var (
	consentForm  = regexp.MustCompile(`<form method="post" action="([^"]*oauth2/authorize[^"]*)">`)
	consentScope = regexp.MustCompile(`name="scopes" value="([^"]*)"`)
)

// consent goes to a page in a server of somebody else, and agrees when the hub asks.
func consent(b *apptest.Browser, path string) *apptest.Answer {
	a := b.Follow(path)
	form := consentForm.FindStringSubmatch(a.Body)
	if form == nil {
		return a
	}
	fields := url.Values{}
	for _, m := range consentScope.FindAllStringSubmatch(a.Body, -1) {
		fields.Add("scopes", html.UnescapeString(m[1]))
	}
	if a = b.Post(html.UnescapeString(form[1]), fields); a.Status != http.StatusFound {
		return a
	}
	return b.Follow(a.Location)
}

const bobIsIn = "the server of ada, seen by bob"

// groups puts bob into the group g.
var groups = map[string]map[string]any{"JupyterHub": {"load_groups": map[string]any{"g": map[string]any{"users": []string{"bob"}}}}}

// TestSharesOpenServers goes into a shared server with a browser, through OAuth: with a share of one's own and with one of a group.
func TestSharesOpenServers(t *testing.T) {
	t.Parallel()
	h := guarded(t, apptest.Options{Config: groups})
	h.Browser(t).SignIn("ada")
	h.Ready(t, hub.ServerKey{User: "ada"})
	if got := enter(t, h); got != "403" {
		t.Fatalf("without a share: %s", got)
	}
	for _, with := range []string{`{"user": "bob"}`, `{"group": "g"}`} {
		if a := h.Service(t, http.MethodPost, "/shares/ada/", with); a.Status != http.StatusOK {
			t.Fatalf("share: status %d\n%s", a.Status, a.Body)
		}
		if got := enter(t, h); got != bobIsIn {
			t.Errorf("shared with %s: %s", with, got)
		}
		inside := h.Browser(t).SignIn("bob")
		consent(inside, "/user/ada/lab")
		if a := h.Service(t, http.MethodPatch, "/shares/ada/", with); a.Status != http.StatusOK || a.Body != "{}" {
			t.Fatalf("end the share: status %d\n%s", a.Status, a.Body)
		}
		if got := enter(t, h); got != "403" {
			t.Errorf("after the end of %s: %s", with, got)
		}
		if a := inside.Follow("/user/ada/lab"); a.Status != http.StatusForbidden {
			t.Errorf("the session in the server outlives the share: status %d\n%s", a.Status, a.Body)
		}
	}
}

func TestAcceptShare(t *testing.T) {
	t.Parallel()
	h := guarded(t, apptest.Options{})
	code := invite(t, h)
	path := "/hub/accept-share?code=" + code
	if a := h.Browser(t).Get(path); a.Status != http.StatusFound || a.Location != "/hub/login?next="+url.QueryEscape(path) {
		t.Errorf("nobody: status %d to %s", a.Status, a.Location)
	}
	ada, bob := h.Browser(t).SignIn("ada"), h.Browser(t).SignIn("bob")
	for _, tt := range []struct {
		b      *apptest.Browser
		path   string
		status int
	}{
		{bob, "/hub/accept-share", 400},
		{bob, "/hub/accept-share?code=", 400},
		{bob, "/hub/accept-share?code=" + code[1:], 404},
		{bob, "/hub/accept-share?code=%00%ff", 404},
		{ada, path, 403},
	} {
		if a := tt.b.Get(tt.path); a.Status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.path, a.Status, tt.status)
		}
	}
	if a := bob.Get(path); a.Status != http.StatusOK || !strings.Contains(a.Body, ">ada</strong> shares a server with you, bob") || strings.Contains(a.Body, "is not running") {
		t.Errorf("status %d\n%s", a.Status, a.Body)
	}
	if got := enter(t, h); got != "403" {
		t.Errorf("a look at the page let bob in: %s", got)
	}
	post := func(b *apptest.Browser, code, next string) *apptest.Answer {
		return b.Post("/hub/accept-share"+next, url.Values{"code": {code}})
	}
	if a := post(bob, code[1:], ""); a.Status != http.StatusBadRequest {
		t.Errorf("an unknown code: status %d", a.Status)
	}
	if a := post(ada, code, ""); a.Status != http.StatusBadRequest {
		t.Errorf("an own code: status %d", a.Status)
	}
	if a := post(bob, code, ""); a.Status != http.StatusFound || a.Location != "/user/ada/" {
		t.Fatalf("accept: status %d to %q\n%s", a.Status, a.Location, a.Body)
	}
	if a := post(bob, code, "?next=/user/ada/lab/tree"); a.Location != "/user/ada/lab/tree" {
		t.Errorf("accept once more: status %d to %q", a.Status, a.Location)
	}
	if a := post(bob, code, "?next=https://e.example/"); a.Location != "/user/ada/" {
		t.Errorf("another site's address: status %d to %q", a.Status, a.Location)
	}
	if got := enter(t, h); got != bobIsIn {
		t.Error(got)
	}
	if a := h.Service(t, http.MethodGet, "/share-codes/ada/", ""); !strings.Contains(a.Body, `"exchange_count":3`) || !strings.Contains(a.Body, `"last_exchanged_at":"2`) {
		t.Error(a.Body)
	}
	if home := bob.Get("/hub/home"); !strings.Contains(home.Body, "Shared with you") || !strings.Contains(home.Body, `href="/user/ada/"`) {
		t.Errorf("home shows no shared server:\n%s", home.Body)
	}
	if home := ada.Get("/hub/home"); strings.Contains(home.Body, "Shared with you") {
		t.Error("home shows ada her own server as shared")
	}
}

// TestForgedInvitation holds that no other site makes a user accept a share.
func TestForgedInvitation(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	code := invite(t, h)
	bob := h.Browser(t).SignIn("bob")
	accept := change{method: "POST", path: "accept-share", form: url.Values{"code": {code}}}
	accepted := func() bool {
		return !strings.Contains(h.Service(t, http.MethodGet, "/users/bob/shared", "").Body, `"total":0`)
	}
	all := forgeries(h.Browser(t).SignIn("bob").XSRF())
	for _, way := range []string{"no headers, no token", "cross-site with the token", "cross-site no-cors", "no-cors of this host", "cross-site text", "cross-site GET", "another session's token", "garbage"} {
		f, known := all[way]
		if !known {
			t.Fatalf("there is no forgery %q", way)
		}
		b := h.Browser(t).SignIn("bob")
		a := accept.send(b, "bob", "", b.XSRF(), &f)
		if accepted() {
			t.Fatalf("%s: accepted, status %d", way, a.Status)
		}
		if !f.get && (a.Status < 400 || a.Status > 499) {
			t.Errorf("%s: status %d", way, a.Status)
		}
	}
	if a := accept.send(bob, "bob", "", bob.XSRF(), nil); a.Status != http.StatusFound || !accepted() {
		t.Errorf("rightly: status %d\n%s", a.Status, a.Body)
	}
}
