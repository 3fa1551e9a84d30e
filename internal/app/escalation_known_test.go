package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
)

// escalated is a hub with one user for each way to more power.
var escalated = map[string]map[string]any{"JupyterHub": {
	"load_groups": map[string]any{
		"class": map[string]any{"users": []string{"ada"}}, "office": map[string]any{"users": []string{}}, "plain": map[string]any{"users": []string{}},
	},
	"services": []any{
		map[string]any{"name": "tests", "api_token": apptest.ServiceToken, "admin": true},
		map[string]any{"name": "launcher", "api_token": "token-of-the-launcher"},
	},
	"load_roles": []any{
		map[string]any{"name": "registrar", "scopes": []string{"admin:users"}, "users": []string{"reg"}},
		map[string]any{"name": "clerk", "scopes": []string{"tokens", "read:users:name"}, "users": []string{"clerk"}},
		map[string]any{"name": "teacher", "scopes": []string{"groups!group=class", "access:servers!group=class"}, "users": []string{"tea"}},
		map[string]any{"name": "groups", "scopes": []string{"admin:groups", "groups"}, "users": []string{"gus"}},
		map[string]any{"name": "services", "scopes": []string{"admin:services"}, "users": []string{"sue"}},
		map[string]any{"name": "office", "scopes": []string{"admin:users", "tokens"}, "groups": []string{"office"}},
		map[string]any{"name": "mover", "scopes": []string{"start:servers!user=ada", "access:servers!server=ada/open"}, "users": []string{"moe"}},
		map[string]any{"name": "launcher", "scopes": []string{"admin:users", "servers", "tokens"}, "services": []string{"launcher"}},
	},
}}

// TestPrivilegeEscalationKnown tries the ways to more power that are known, each once, beside what stays allowed.
func TestPrivilegeEscalationKnown(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: escalated})
	h.Browser(t).SignIn("root-admin")
	for _, name := range []string{"private", "open2"} {
		h.Service(t, http.MethodPut, "/users/ada/servers/"+name, "")
	}
	tokens := map[string]string{"launcher": "token-of-the-launcher"}
	for _, name := range []string{"reg", "clerk", "tea", "gus", "sue", "moe"} {
		tokens[name] = tokenFor(t, h, name, "")
	}
	tokens["weak-admin"] = tokenFor(t, h, "root-admin", `{"scopes": ["admin:users", "tokens!user=eve"]}`)
	for _, tt := range knownWays {
		a := h.Browser(t).Send(tt.method, "/hub/api"+tt.path, tt.body, "Authorization", "token "+tokens[tt.who])
		if a.Status != tt.status || !strings.Contains(a.Body, tt.part) {
			t.Errorf("%s: %s: %s %s %s: status %d\n%s\nwant %d with %q", tt.name, tt.who, tt.method, tt.path, tt.body, a.Status, a.Body, tt.status, tt.part)
		}
	}
}

func tokenFor(t *testing.T, h *apptest.Hub, user, body string) string {
	t.Helper()
	var made struct{ Token string }
	a := h.Service(t, http.MethodPost, "/users/"+user+"/tokens", body)
	if err := json.Unmarshal([]byte(a.Body), &made); err != nil || made.Token == "" {
		t.Fatalf("make a token for %s: status %d\n%s", user, a.Status, a.Body)
	}
	return made.Token
}

type knownWay struct {
	name, who, method, path, body string
	status                        int
	part                          string
}

const tooMuch = "You cannot grant what you do not hold"

var knownWays = []knownWay{
	{"an administrator is made", "reg", "POST", "/users/boss", `{"admin": true}`, 403, "Only admins can grant admin permissions"},
	{"administrators are made", "reg", "POST", "/users", `{"usernames": ["boss"], "admin": true}`, 403, "Only admins can grant admin permissions"},
	{"a token for less makes an administrator", "weak-admin", "POST", "/users/boss", `{"admin": true}`, 403, "Only admins can grant admin permissions"},
	{"a user is made", "reg", "POST", "/users/eve", "", 201, `"name":"eve"`},
	{"a token of an administrator", "clerk", "POST", "/users/root-admin/tokens", "", 403, tooMuch},
	{"a token of an administrator for less", "clerk", "POST", "/users/root-admin/tokens", `{"scopes": ["admin:users"]}`, 403, tooMuch},
	{"a token of an administrator for what the maker has", "clerk", "POST", "/users/root-admin/tokens", `{"scopes": ["read:users:name"]}`, 201, ""},
	{"a token of a teacher", "clerk", "POST", "/users/tea/tokens", "", 403, tooMuch},
	{"a token of a plain user", "clerk", "POST", "/users/ada/tokens", "", 201, `"servers!user=ada"`},
	{"a launcher's token of a user", "launcher", "POST", "/users/ada/tokens", "", 201, `"access:servers!user=ada"`},
	{"a launcher's token of an administrator", "launcher", "POST", "/users/root-admin/tokens", "", 403, tooMuch},
}

// TestPrivilegeEscalationLater holds that a token for somebody else does not grow with its owner.
func TestPrivilegeEscalationLater(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: escalated})
	for _, name := range []string{"ada", "clerk"} {
		h.Service(t, http.MethodPost, "/users/"+name, "")
	}
	program, clerk := h.Browser(t), tokenFor(t, h, "clerk", "")
	var made struct{ Token string }
	if a := program.Send(http.MethodPost, "/hub/api/users/ada/tokens", "", "Authorization", "token "+clerk); json.Unmarshal([]byte(a.Body), &made) != nil || made.Token == "" {
		t.Fatalf("status %d\n%s", a.Status, a.Body)
	}
	own := tokenFor(t, h, "ada", "")
	h.Service(t, http.MethodPost, "/users/bob", "")
	h.Service(t, http.MethodPut, "/users/bob/servers/lab", "")
	if a := h.Service(t, http.MethodPost, "/shares/bob/lab", `{"user": "ada"}`); a.Status != http.StatusOK {
		t.Fatalf("share: status %d\n%s", a.Status, a.Body)
	}
	for token, want := range map[string]bool{own: true, made.Token: false} {
		a := program.Send(http.MethodGet, "/hub/api/user", "", "Authorization", "token "+token)
		if got := strings.Contains(a.Body, "access:servers!server=bob/lab"); got != want {
			t.Errorf("a share is held: %t, want %t\n%s", got, want, a.Body)
		}
	}
}
