package api_test

import (
	"encoding/json"
	"testing"

	"berdlhub/internal/app/apptest"
)

func TestServices(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := map[string]map[string]any{"JupyterHub": {"load_roles": []any{
		map[string]any{"name": "one", "scopes": []string{"admin:services!service=mine", "list:services!service=tests", "read:services!service=tests"}, "users": []string{"kim"}},
		map[string]any{"name": "maker", "scopes": []string{"admin:services", "read:services"}, "users": []string{"max"}},
	}}}
	h := apptest.Start(t, apptest.Options{Config: config, Dir: dir})
	callers := map[string]*caller{"root": admin(t, h), "kim": tokenOf(t, h, "kim", ""), "max": tokenOf(t, h, "max", ""), "bob": tokenOf(t, h, "bob", "")}
	callers["new"] = &caller{t: t, b: h.Browser(t), token: "token-of-the-new-one"}
	walk(t, callers, []step{
		{"root", "GET", "/services", "", 200, `{"tests":{"admin":true,"command":[],"display":true,"info":{},"kind":"service","name":"tests","pid":0,"prefix":"","roles":["admin"],"url":""}}`},
		{"kim", "GET", "/services", "", 200, `{"tests":{"admin":true,`},
		{"bob", "GET", "/services", "", 403, "requires any of [list:services]"},
		{"root", "GET", "/services/none", "", 404, "No such service: none"},
		{"kim", "GET", "/services/none", "", 404, "No access to resources or resources not found"},

		{"root", "POST", "/services/s", "", 400, "Invalid service data"},
		{"root", "POST", "/services/s", `{}`, 400, "Invalid service data"},
		{"root", "POST", "/services/s", `[]`, 400, "Invalid service data"},
		{"root", "POST", "/services/s", `{"color": 1}`, 400, "Invalid JSON keys: color"},
		{"root", "POST", "/services/s", `{"admin": "yes"}`, 400, "service.admin is of the wrong type"},
		{"root", "POST", "/services/s", `{"command": ["sh"]}`, 400, "Can not create managed service s at runtime"},
		{"root", "POST", "/services/s", `{"url": "ftp://x"}`, 400, "Failed to create service s"},
		{"root", "POST", "/services/s", `{"url": "http://me:secret@x"}`, 400, "Failed to create service s"},
		{"root", "POST", "/services/s", `{"oauth_client_id": "mine"}`, 400, "service-"},
		{"root", "POST", "/services/s", `{"oauth_client_allowed_scopes": ["nonsense"]}`, 400, "nonsense"},
		{"root", "POST", "/services/s", `{"api_token": "short"}`, 400, "8 to 64 characters"},
		{"root", "POST", "/services/s", `{"api_token": "` + apptest.ServiceToken + `"}`, 400, "API token cannot be used"},
		{"root", "GET", "/services/s", "", 404, ""}, // nothing is left of those

		{"root", "POST", "/services/new", `{"name": "old", "url": "http://127.0.0.1:9", "api_token": "token-of-the-new-one", "info": {"a": [1]},
			"oauth_client_allowed_scopes": ["read:users:name!user"], "command": [], "environment": {}}`, 201, `"name":"new"`},
		{"root", "GET", "/services/new", "", 200, `{"admin":false,"command":[],"display":true,"info":{"a":[1]},"kind":"service","name":"new","pid":0,"prefix":"/services/new/","roles":[],"url":"http://127.0.0.1:9"}`},
		{"root", "POST", "/services/new", `{"admin": false}`, 409, "Service new already exists"},
		{"new", "GET", "/user", "", 200, `"name":"new"`},
		{"new", "GET", "/users", "", 403, ""},
		{"root", "POST", "/services/taken", `{"api_token": "token-of-the-new-one"}`, 400, "API token cannot be used"},
		{"root", "POST", "/services/power", `{"admin": true, "display": false}`, 201, `"roles":["admin"]`},

		{"max", "POST", "/services/bad", `{"admin": true}`, 400, "Only admins"},
		{"max", "POST", "/services/bad", `{"oauth_no_confirm": true}`, 400, "Only admins"},
		{"max", "POST", "/services/bad", `{"oauth_client_allowed_scopes": ["admin:users"]}`, 403, ""},
		{"max", "DELETE", "/services/power", "", 403, ""}, // made again, it would have the role
		{"kim", "POST", "/services/mine", `{"display": true}`, 201, `{"admin":false`},
		{"kim", "POST", "/services/other", `{"display": true}`, 404, ""},
		{"bob", "POST", "/services/other", `{"display": true}`, 403, "requires any of [admin:services]"},

		{"root", "DELETE", "/services/tests", "", 405, "Service tests is not modifiable at runtime"},
		{"root", "DELETE", "/services/none", "", 404, "Service none does not exist"},
		{"kim", "DELETE", "/services/mine", "", 200, ""},
	})
	h.Stop(t)

	again := apptest.Start(t, apptest.Options{Config: config, Dir: dir})
	callers["root"], callers["new"].b = admin(t, again), again.Browser(t)
	walk(t, callers, []step{
		{"root", "GET", "/services/new", "", 200, `"info":{"a":[1]}`},
		{"new", "GET", "/user", "", 200, `"name":"new"`},
		{"root", "DELETE", "/services/new", "", 200, ""},
		{"new", "GET", "/user", "", 403, ""},
		{"root", "GET", "/services/mine", "", 404, ""},
	})
}

// TestServiceSignsIn holds that people can sign in to a service that was made while the hub runs.
func TestServiceSignsIn(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	c := admin(t, h)
	c.expect("POST", "/services/board", `{"url": "http://127.0.0.1:9", "api_token": "token-of-the-board", "oauth_redirect_uri": "http://127.0.0.1:9/done"}`, 201, "")
	b := h.Browser(t).SignIn("root-admin") // others have no access to it
	const ask = "/hub/api/oauth2/authorize?client_id=service-board&response_type=code&state=s&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fdone"
	if a := b.Get(ask); a.Status != 200 && a.Status != 302 {
		t.Errorf("the client is not known: status %d\n%s", a.Status, a.Body)
	}
	c.expect("DELETE", "/services/board", "", 200, "")
	if a := b.Get(ask); a.Status != 400 {
		t.Errorf("the client is still known: status %d", a.Status)
	}
	var left map[string]json.RawMessage
	if a := c.expect("GET", "/services", "", 200, ""); json.Unmarshal([]byte(a.Body), &left) != nil || len(left) != 1 {
		t.Errorf("there are %s", a.Body)
	}
}
