package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
)

const (
	service     = "service-probe"
	secret      = "secret-token-of-the-probe-service"
	redirectURI = "http://127.0.0.1:9/services/probe/oauth_callback"
)

// start runs a hub with a service that signs its visitors in; more overrides the service's entry.
func start(t *testing.T, more map[string]any) *apptest.Hub {
	t.Helper()
	probe := map[string]any{"name": "probe", "api_token": secret, "url": "http://127.0.0.1:9", "oauth_redirect_uri": redirectURI}
	maps.Copy(probe, more)
	return apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {
		"services":   []any{map[string]any{"name": "tests", "api_token": apptest.ServiceToken, "admin": true}, probe},
		"load_roles": []any{map[string]any{"name": "visitors", "scopes": []string{"access:services!service=probe"}, "users": []string{"ada"}}},
	}}})
}

// ask goes to the authorize page with the parameters of a good request, changed by pairs of name and value.
func ask(b *apptest.Browser, changes ...string) *apptest.Answer {
	return b.Get("/hub/api/oauth2/authorize?" + parameters(changes...).Encode())
}

func parameters(changes ...string) url.Values {
	q := url.Values{"client_id": {service}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "state": {"s1"}}
	for i := 0; i+1 < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return q
}

// came reads what came back to the client.
func came(t *testing.T, a *apptest.Answer) url.Values {
	t.Helper()
	u, err := url.Parse(a.Location)
	if a.Status != http.StatusFound || err != nil || !strings.HasPrefix(a.Location, redirectURI+"?") {
		t.Fatalf("status %d, location %q\n%s", a.Status, a.Location, a.Body)
	}
	return u.Query()
}

// exchange posts to the token endpoint, with the fields of a good request changed by pairs.
func exchange(b *apptest.Browser, code string, changes ...string) (*apptest.Answer, map[string]any) {
	form := url.Values{"client_id": {service}, "client_secret": {secret}, "grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}}
	for i := 0; i+1 < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	a := b.Send(http.MethodPost, "/hub/api/oauth2/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	var answer map[string]any
	_ = json.Unmarshal([]byte(a.Body), &answer) // a nil map answers every question with nothing
	return a, answer
}

func TestFlow(t *testing.T) {
	t.Parallel()
	h := start(t, map[string]any{"oauth_no_confirm": true})
	nobody, ada := h.Browser(t), h.Browser(t).SignIn("ada")
	if a := ask(nobody); a.Status != http.StatusFound || !strings.HasPrefix(a.Location, "/hub/login?next=%2Fhub%2Fapi%2Foauth2%2Fauthorize%3F") {
		t.Errorf("nobody: status %d, location %s", a.Status, a.Location)
	}
	back := came(t, ask(ada))
	if back.Get("state") != "s1" || len(back.Get("code")) != 30 {
		t.Fatalf("came back with %v", back)
	}
	code := back.Get("code")

	// Every failure leaves the code usable.
	for _, tc := range []struct {
		changes []string
		status  int
		code    string
	}{
		{[]string{"client_secret", "wrong-secret-of-the-client"}, 401, "invalid_client"},
		{[]string{"client_id", "service-none"}, 401, "invalid_client"},
		{[]string{"client_id", "jupyterhub", "client_secret", ""}, 401, "invalid_client"},
		{[]string{"grant_type", "refresh_token"}, 400, "unsupported_grant_type"},
		{[]string{"grant_type", ""}, 400, "unsupported_grant_type"},
		{[]string{"code", ""}, 400, "invalid_request"},
		{[]string{"code", "abcdefghijklmnopqrstuvwxyz0123"}, 400, "invalid_grant"},
		{[]string{"redirect_uri", "http://evil.example/"}, 400, "invalid_request"},
	} {
		if a, answer := exchange(nobody, code, tc.changes...); a.Status != tc.status || answer["error"] != tc.code {
			t.Errorf("%v: status %d, %s; want %d %s", tc.changes, a.Status, a.Body, tc.status, tc.code)
		}
	}
	a, answer := exchange(nobody, code)
	if a.Status != http.StatusOK || answer["token_type"] != "Bearer" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("status %d, %v: %s", a.Status, a.Header, a.Body)
	}
	if a, answer := exchange(nobody, code); a.Status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
		t.Errorf("the code was taken twice: %d %s", a.Status, a.Body)
	}
	who := nobody.Send(http.MethodGet, "/hub/api/user", "", "Authorization", "Bearer "+answer["access_token"].(string))
	for _, part := range []string{`"name":"ada"`, `"access:services!service=probe"`, `"read:users:name!user=ada"`} {
		if !strings.Contains(who.Body, part) {
			t.Errorf("the token's user lacks %s: %s", part, who.Body)
		}
	}
	if strings.Contains(who.Body, "servers") {
		t.Errorf("the token holds more than the client may have: %s", who.Body)
	}
	if a := ada.Get("/hub/logout"); a.Status != http.StatusFound {
		t.Errorf("sign out: %d", a.Status)
	}
	if gone := nobody.Send(http.MethodGet, "/hub/api/user", "", "Authorization", "Bearer "+answer["access_token"].(string)); gone.Status != http.StatusForbidden {
		t.Errorf("after the sign-out the token still works: %d", gone.Status)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	h := start(t, nil)
	ada := h.Browser(t).SignIn("ada")
	for _, tc := range []struct {
		name    string
		changes []string
		status  int
	}{
		{"no client", []string{"client_id", ""}, 400},
		{"unknown client", []string{"client_id", "service-none"}, 400},
		{"the client of plain tokens", []string{"client_id", "jupyterhub"}, 400},
		{"another redirect", []string{"redirect_uri", "http://evil.example/"}, 400},
		{"a longer redirect", []string{"redirect_uri", redirectURI + "/x"}, 400},
	} {
		if a := ask(ada, tc.changes...); a.Status != tc.status || a.Location != "" {
			t.Errorf("%s: status %d, location %q; want a page with %d", tc.name, a.Status, a.Location, tc.status)
		}
	}
	for _, tc := range []struct {
		changes []string
		code    string
	}{
		{[]string{"response_type", ""}, "invalid_request"},
		{[]string{"response_type", "token"}, "unsupported_response_type"},
		{[]string{"scope", "nonsense"}, "invalid_scope"},
		{[]string{"scope", "admin:users"}, "invalid_scope"},
		{[]string{"code_challenge", "x", "code_challenge_method", "S512"}, "invalid_request"},
	} {
		if back := came(t, ask(ada, tc.changes...)); back.Get("error") != tc.code || back.Get("state") != "s1" || back.Has("code") {
			t.Errorf("%v: came back with %v, want %s", tc.changes, back, tc.code)
		}
	}
	if a := ask(h.Browser(t).SignIn("bob")); a.Status != http.StatusForbidden || !strings.Contains(a.Body, "You do not have permission to access JupyterHub service probe") {
		t.Errorf("a user without access: status %d\n%s", a.Status, a.Body)
	}
}

func TestPKCE(t *testing.T) {
	t.Parallel()
	h := start(t, map[string]any{"oauth_no_confirm": true})
	ada := h.Browser(t).SignIn("ada")
	verifier := "a-verifier-of-forty-three-characters-or-more-0"
	sum := sha256.Sum256([]byte(verifier))
	code := came(t, ask(ada, "code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method", "S256")).Get("code")
	if a, answer := exchange(ada, code); answer["error"] != "invalid_request" {
		t.Errorf("without a verifier: %s", a.Body)
	}
	if a, answer := exchange(ada, code, "code_verifier", "another-verifier-of-forty-three-characters-000"); answer["error"] != "invalid_grant" {
		t.Errorf("with a wrong verifier: %s", a.Body)
	}
	if a, _ := exchange(ada, code, "code_verifier", verifier); a.Status != http.StatusOK {
		t.Errorf("with the verifier: %s", a.Body)
	}
}

// TestConsent goes through the page that asks: it is shown once, refuses another site's answer, and cannot be widened.
func TestConsent(t *testing.T) {
	t.Parallel()
	h := start(t, nil)
	ada := h.Browser(t).SignIn("ada")
	page := ask(ada)
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "probe") {
		t.Fatalf("status %d, want the page that asks\n%s", page.Status, page.Body)
	}
	at := "/hub/api/oauth2/authorize?" + parameters().Encode()
	form := url.Values{"scopes": {"access:services!service=probe"}}
	if a := ada.Send(http.MethodPost, at, form.Encode(), "Content-Type", "application/x-www-form-urlencoded"); a.Status != http.StatusForbidden {
		t.Errorf("without _xsrf: status %d", a.Status)
	}
	form.Set("_xsrf", apptest.XSRFOf(page.Body))
	if a := ada.Send(http.MethodPost, at, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"); a.Status != http.StatusForbidden {
		t.Errorf("from another site: status %d", a.Status)
	}
	wider := url.Values{"scopes": {"access:services!service=probe", "self"}, "_xsrf": form["_xsrf"]}
	if back := came(t, ada.Send(http.MethodPost, at, wider.Encode(), "Content-Type", "application/x-www-form-urlencoded")); back.Get("error") != "invalid_scope" {
		t.Errorf("more than was asked: came back with %v", back)
	}
	code := came(t, ada.Send(http.MethodPost, at, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")).Get("code")
	if a, _ := exchange(ada, code); a.Status != http.StatusOK {
		t.Fatalf("exchange: %s", a.Body)
	}
	if back := came(t, ask(ada)); back.Get("code") == "" {
		t.Errorf("asked again although the user has agreed: %v", back)
	}
}

// TestRequiredPKCE refuses a client without a challenge when the configuration says so.
func TestRequiredPKCE(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {
		"oauth_require_pkce": true,
		"services": []any{
			map[string]any{"name": "probe", "api_token": secret, "url": "http://127.0.0.1:9", "oauth_redirect_uri": redirectURI},
		},
	}}})
	if back := came(t, ask(h.Browser(t).SignIn("root-admin"))); back.Get("error_description") != "Code challenge required." {
		t.Errorf("came back with %v", back)
	}
}
