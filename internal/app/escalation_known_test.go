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
	for _, name := range []string{"private", "second"} {
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
	{"a token of an administrator that makes tokens", "clerk", "POST", "/users/root-admin/tokens", `{"roles": ["user"]}`, 403, tooMuch},
	{"a token of a user that makes tokens", "clerk", "POST", "/users/ada/tokens", `{"scopes": ["tokens"]}`, 400, ""},
	{"the same, with a filter", "clerk", "POST", "/users/ada/tokens", `{"scopes": ["tokens!user"]}`, 403, tooMuch},
	{"a token of a teacher", "clerk", "POST", "/users/tea/tokens", "", 403, tooMuch},
	{"a token of a plain user", "clerk", "POST", "/users/ada/tokens", "", 201, `"servers!user=ada"`},
	{"a launcher's token of a user", "launcher", "POST", "/users/ada/tokens", "", 201, `"access:servers!user=ada"`},
	{"oneself into a group with a role", "gus", "POST", "/groups/office/users", `{"users": ["gus"]}`, 403, tooMuch},
	{"another into a group with a role", "gus", "POST", "/groups/office/users", `{"users": ["ada"]}`, 403, tooMuch},
	{"into a group without one", "gus", "POST", "/groups/plain/users", `{"users": ["gus"]}`, 200, ""},
	{"a group with a role goes, to be made again", "gus", "DELETE", "/groups/office", "", 403, tooMuch},
	{"a group without one goes", "gus", "DELETE", "/groups/plain", "", 204, ""},
	{"groups are made", "gus", "POST", "/groups", `{"groups": ["plain", "more"], "users": ["gus"]}`, 201, ""},
	{"an administrator into one's reach", "tea", "POST", "/groups/class/users", `{"users": ["root-admin"]}`, 403, "you would hold access:servers"},
	{"a group is emptied", "tea", "DELETE", "/groups/class/users", `{"users": ["ada"]}`, 200, ""},
	{"and filled again", "tea", "POST", "/groups/class/users", `{"users": ["ada"]}`, 403, "you would hold access:servers"},
	{"an administrator is made of oneself", "reg", "PATCH", "/users/reg", `{"admin": true}`, 403, ""},
	{"an administrator is made of another", "weak-admin", "PATCH", "/users/eve", `{"admin": true}`, 403, ""},
	{"an administrator is unmade", "reg", "PATCH", "/users/root-admin", `{"admin": false}`, 403, ""},
	{"a name that means something", "reg", "PATCH", "/users/reg", `{"name": "boss"}`, 403, ""},
	{"a private server into one's reach", "moe", "PATCH", "/users/ada/servers/private", `{"name": "open"}`, 403, "you would hold access:servers"},
	{"a server gets another name", "moe", "PATCH", "/users/ada/servers/private", `{"name": "other"}`, 200, `"name":"other"`},
	{"a service is an administrator", "sue", "POST", "/services/mine", `{"admin": true, "api_token": "token-of-a-thief"}`, 400, "Only admins"},
	{"a service is made", "sue", "POST", "/services/mine", `{"api_token": "token-of-a-thief"}`, 201, ""},
	{"a service that everybody trusts", "sue", "POST", "/services/trusted", `{"url": "http://127.0.0.1:1", "oauth_no_confirm": true}`, 400, "Only admins"},
	{"a service that is given all", "sue", "POST", "/services/greedy", `{"url": "http://127.0.0.1:1", "oauth_client_allowed_scopes": ["inherit"]}`, 403, ""},
	{"a service takes another's token", "sue", "POST", "/services/thief", `{"api_token": "token-of-the-launcher"}`, 400, ""},
	{"a configured service goes, to be made again", "sue", "DELETE", "/services/launcher", "", 403, tooMuch},
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
