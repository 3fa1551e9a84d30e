package app_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/hub"
)

// The services of the OAuth tests: grafana has its user's word asked for, trusted is one that the operator trusts.
var oauthServices = map[string]map[string]any{"JupyterHub": {
	"services": []any{
		map[string]any{"name": "tests", "api_token": apptest.ServiceToken, "admin": true},
		map[string]any{"name": "grafana", "api_token": "grafana-secret", "url": "http://127.0.0.1:1/", "oauth_redirect_uri": "/services/grafana/callback", "oauth_no_confirm": false},
		map[string]any{"name": "trusted", "api_token": "trusted-secret", "url": "http://127.0.0.1:1/", "oauth_redirect_uri": "/services/trusted/callback?x=1", "oauth_no_confirm": true},
	},
	"load_roles": []any{
		map[string]any{"name": "user", "scopes": []string{"self", "access:services!service=grafana", "access:services!service=trusted"}},
	},
}}

const (
	grafana = "service-grafana"
	trusted = "service-trusted"
)

// authorize asks for a code; fields come in pairs, an empty value takes one away.
func authorize(b *apptest.Browser, client string, fields ...string) *apptest.Answer {
	return b.Get("/hub/api/oauth2/authorize?" + authorization(client, fields...))
}

func authorization(client string, fields ...string) string {
	q := url.Values{"client_id": {client}, "response_type": {"code"}, "state": {"s p+/"}}
	for i := 0; i+1 < len(fields); i += 2 {
		q.Del(fields[i])
		if fields[i+1] != "" {
			q.Set(fields[i], fields[i+1])
		}
	}
	return q.Encode()
}

// exchange goes to the token endpoint.
func exchange(b *apptest.Browser, client, secret, code string, fields ...string) *apptest.Answer {
	form := url.Values{"client_id": {client}, "client_secret": {secret}, "grant_type": {"authorization_code"}, "code": {code}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.Send(http.MethodPost, "/hub/api/oauth2/token", form.Encode(), "Content-Type", formKind)
}

// returned reads what a redirect to the client carries.
func returned(t *testing.T, a *apptest.Answer, path string) url.Values {
	t.Helper()
	u, err := url.Parse(a.Location)
	if err != nil || a.Status != http.StatusFound || u.Path != path || u.Host != "" {
		t.Fatalf("status %d to %q; want %s\n%s", a.Status, a.Location, path, a.Body)
	}
	return u.Query()
}

func TestAuthorizeFaults(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: oauthServices})
	b := h.Browser(t).SignIn("ada")
	for name, tt := range map[string]struct {
		client string
		fields []string
		status int
		code   string // goes back to the client
	}{
		"unknown client":       {client: "service-nosuch", status: 400},
		"no client":            {client: "", status: 400},
		"plain tokens' client": {client: "jupyterhub", status: 400},
		"another address":      {client: trusted, fields: []string{"redirect_uri", "https://e.example/callback"}, status: 400},
		"longer address":       {client: trusted, fields: []string{"redirect_uri", "/services/trusted/callback?x=1&y=2"}, status: 400},
		"no response type":     {client: trusted, fields: []string{"response_type", ""}, status: 302, code: "invalid_request"},
		"implicit flow":        {client: trusted, fields: []string{"response_type", "token"}, status: 302, code: "unsupported_response_type"},
		"unknown challenge":    {client: trusted, fields: []string{"code_challenge", "x", "code_challenge_method", "S512"}, status: 302, code: "invalid_request"},
		"unknown scope":        {client: trusted, fields: []string{"scope", "nosuch:scope"}, status: 302, code: "invalid_scope"},
		"scope of others":      {client: trusted, fields: []string{"scope", "admin:users"}, status: 302, code: "invalid_scope"},
	} {
		a := authorize(b, tt.client, tt.fields...)
		if a.Status != tt.status {
			t.Errorf("%s: status %d to %q\n%s", name, a.Status, a.Location, a.Body)
			continue
		}
		if tt.code == "" {
			continue
		}
		if q := returned(t, a, "/services/trusted/callback"); q.Get("error") != tt.code || q.Get("state") != "s p+/" || q.Get("code") != "" || q.Get("x") != "1" {
			t.Errorf("%s: the client gets %v", name, q)
		}
	}
}

func TestExchange(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: oauthServices})
	b, program := h.Browser(t).SignIn("ada"), h.Browser(t)
	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	code := returned(t, authorize(b, trusted, "code_challenge", challenge, "code_challenge_method", "S256"), "/services/trusted/callback").Get("code")
	for name, tt := range map[string]struct {
		client, secret, code string
		fields               []string
		status               int
		error                string
	}{
		"wrong secret":       {trusted, "wrong-secret", code, []string{"code_verifier", verifier}, 401, "invalid_client"},
		"no secret":          {trusted, "", code, []string{"code_verifier", verifier}, 401, "invalid_client"},
		"unknown client":     {"nosuch", "trusted-secret", code, []string{"code_verifier", verifier}, 401, "invalid_client"},
		"somebody else's":    {grafana, "grafana-secret", code, []string{"code_verifier", verifier}, 400, "invalid_grant"},
		"unknown code":       {trusted, "trusted-secret", "nosuch", []string{"code_verifier", verifier}, 400, "invalid_grant"},
		"no code":            {trusted, "trusted-secret", "", nil, 400, "invalid_request"},
		"no verifier":        {trusted, "trusted-secret", code, nil, 400, "invalid_request"},
		"wrong verifier":     {trusted, "trusted-secret", code, []string{"code_verifier", strings.Repeat("w", 43)}, 400, "invalid_grant"},
		"another address":    {trusted, "trusted-secret", code, []string{"code_verifier", verifier, "redirect_uri", "/x"}, 400, "invalid_request"},
		"another grant type": {trusted, "trusted-secret", code, []string{"grant_type", "password"}, 400, "unsupported_grant_type"},
	} {
		a := exchange(program, tt.client, tt.secret, tt.code, tt.fields...)
		if a.Status != tt.status || !strings.Contains(compact(a.Body), `"error":"`+tt.error+`"`) {
			t.Errorf("%s: status %d\n%s", name, a.Status, a.Body)
		}
	}
	// None of these used the code up; the right exchange does.
	a := exchange(program, trusted, "trusted-secret", code, "code_verifier", verifier, "redirect_uri", "/services/trusted/callback?x=1")
	var grant struct {
		Token     string `json:"access_token"`
		Type      string `json:"token_type"`
		ExpiresIn int    `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(a.Body), &grant); err != nil || a.Status != http.StatusOK || grant.Token == "" || grant.Type != "Bearer" || grant.ExpiresIn != 14*24*3600 {
		t.Fatalf("status %d\n%s", a.Status, a.Body)
	}
	if a := exchange(program, trusted, "trusted-secret", code, "code_verifier", verifier); a.Status != http.StatusBadRequest {
		t.Errorf("a second exchange: status %d\n%s", a.Status, a.Body)
	}
	who := program.Send(http.MethodGet, "/hub/api/user", "", "Authorization", "Bearer "+grant.Token)
	if body := compact(who.Body); who.Status != http.StatusOK || !strings.Contains(body, `"name":"ada"`) || !strings.Contains(body, `"access:services!service=trusted"`) {
		t.Errorf("who: status %d\n%s", who.Status, who.Body)
	}
	if a := program.Send(http.MethodPost, "/hub/api/users/ada/server", "", "Authorization", "Bearer "+grant.Token); a.Status/100 != 4 {
		t.Errorf("a token that only identifies starts a server: status %d", a.Status)
	}
}

func TestConsent(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: oauthServices})
	b := h.Browser(t).SignIn("ada")
	page := authorize(b, grafana)
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "grafana") || !strings.Contains(page.Body, `name="scopes"`) {
		t.Fatalf("status %d to %q\n%s", page.Status, page.Location, page.Body)
	}
	path := "/hub/api/oauth2/authorize?" + authorization(grafana)
	if a := b.Send(http.MethodPost, path, "", "Content-Type", formKind); a.Status != http.StatusForbidden {
		t.Errorf("consent without _xsrf: status %d", a.Status)
	}
	if q := returned(t, b.Post(path, url.Values{"scopes": {"admin:users"}}), "/services/grafana/callback"); q.Get("error") != "invalid_scope" {
		t.Errorf("consent to more than was asked: %v", q)
	}
	q := returned(t, b.Post(path, url.Values{"scopes": {"access:services!service=grafana"}}), "/services/grafana/callback")
	if a := exchange(h.Browser(t), grafana, "grafana-secret", q.Get("code")); a.Status != http.StatusOK {
		t.Fatalf("status %d\n%s", a.Status, a.Body)
	}
	if a := authorize(b, grafana); a.Status != http.StatusFound {
		t.Errorf("asked again: status %d", a.Status)
	}
	if a := authorize(h.Browser(t).SignIn("bob"), grafana); a.Status != http.StatusOK {
		t.Errorf("another user is not asked: status %d to %q", a.Status, a.Location)
	}
}

// TestCodeOfAnotherUser holds that a code brings its own user into a server, whoever's browser carries it there.
func TestCodeOfAnotherUser(t *testing.T) {
	t.Parallel()
	h := guarded(t, apptest.Options{})
	ada, bob := h.Browser(t).SignIn("ada"), h.Browser(t).SignIn("bob")
	h.Ready(t, hub.ServerKey{User: "ada"})
	h.Ready(t, hub.ServerKey{User: "bob"})
	code := returned(t, authorize(bob, "jupyterhub-user-bob"), "/user/bob/oauth_callback").Get("code")
	if a := bob.Get("/user/ada/oauth_callback?" + url.Values{"code": {code}, "state": {"/user/ada/lab"}}.Encode()); a.Status != http.StatusForbidden {
		t.Errorf("a code for another server: status %d\n%s", a.Status, a.Body)
	}
	if a := authorize(bob, "jupyterhub-user-ada"); a.Status != http.StatusForbidden || !strings.Contains(a.Body, "You do not have permission to access") {
		t.Errorf("bob asks for ada's server: status %d\n%s", a.Status, a.Body)
	}
	if got := open(ada); got != inside {
		t.Errorf("ada: %s", got)
	}
}
