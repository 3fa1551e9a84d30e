package api_test

import (
	"testing"

	"berdlhub/internal/app/apptest"
)

// keeping is a hub where una changes users without being an administrator.
var keeping = map[string]map[string]any{
	"Authenticator": {"enable_auth_state": true},
	"CryptKeeper":   {"keys": []string{apptest.CookieSecret}},
	"JupyterHub": {"load_roles": []any{
		map[string]any{"name": "changer", "scopes": []string{"admin:users", "admin:auth_state"}, "users": []string{"una"}},
		map[string]any{"name": "of-bob", "scopes": []string{"admin:users!user=bob"}, "users": []string{"kim"}},
	}},
}

func TestChangeUser(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: keeping})
	callers := map[string]*caller{"root": admin(t, h)}
	for _, name := range []string{"una", "bob", "kim"} {
		callers[name] = tokenOf(t, h, name, "")
	}
	walk(t, callers, []step{
		{"root", "PATCH", "/users/bob", "", 400, "Invalid JSON data"},
		{"root", "PATCH", "/users/bob", "[]", 400, "Invalid JSON data"},
		{"root", "PATCH", "/users/bob", `{"color": 1}`, 400, "Invalid JSON keys: color"},
		{"root", "PATCH", "/users/bob", `{"groups": []}`, 400, "user.groups cannot be changed here"},
		{"root", "PATCH", "/users/bob", `{"roles": ["admin"]}`, 400, "user.roles cannot be changed here"},
		{"root", "PATCH", "/users/bob", `{"admin": "yes"}`, 400, "user.admin is of the wrong type"},
		{"root", "PATCH", "/users/bob", `{"admin": null}`, 400, "user.admin is of the wrong type"},
		{"root", "PATCH", "/users/bob", `{"auth_state": 3}`, 400, "user.auth_state is of the wrong type"},
		{"root", "PATCH", "/users/ghost", `{"admin": true}`, 404, "No such user: ghost"},
		{"root", "PATCH", "/users/bob", `{"name": "a/b"}`, 400, "Invalid username: a/b"},
		{"root", "PATCH", "/users/bob", `{"name": "kim"}`, 400, "User kim already exists, username must be unique"},
		{"root", "PATCH", "/users/bob", `{"name": "bob"}`, 200, `"name":"bob"`},
		{"root", "PATCH", "/users/bob", `{}`, 200, `"name":"bob"`},

		{"bob", "PATCH", "/users/bob", `{"name": "rob"}`, 403, "requires any of [admin:users]"},
		{"kim", "PATCH", "/users/una", `{"admin": false}`, 404, ""},
		{"kim", "PATCH", "/users/bob", `{"admin": true}`, 403, "Only admins can grant admin permissions"},
		{"una", "PATCH", "/users/bob", `{"name": "rob"}`, 403, "Only admins can rename users"},
		{"una", "POST", "/users/new", `{"admin": true}`, 403, "Only admins can grant admin permissions"},

		{"root", "PATCH", "/users/bob", `{"auth_state": {"k": "v"}}`, 200, `"auth_state":{"k":"v"}`},
		{"root", "GET", "/users/bob", "", 200, `"auth_state":{"k":"v"}`},
		{"root", "GET", "/users?name_filter=bob", "", 200, `"auth_state":null`},
		{"root", "PATCH", "/users/bob", `{"auth_state": null}`, 200, `"auth_state":null`},

		{"root", "PATCH", "/users/bob", `{"admin": true}`, 200, `"roles":["admin","user"]`},
		{"bob", "GET", "/users/una", "", 200, `"name":"una"`}, // at once, with the token that he had
		{"una", "PATCH", "/users/bob", `{"admin": false}`, 403, "Only admins can modify other admins"},
		{"una", "PATCH", "/users/bob", `{"auth_state": {}}`, 403, "Only admins can modify other admins"},
		{"root", "PATCH", "/users/bob", `{"admin": false}`, 200, `"roles":["user"]`},
		{"bob", "GET", "/users/una", "", 404, ""},
	})
}

func TestRenameUser(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	callers := map[string]*caller{"root": admin(t, h), "bob": tokenOf(t, h, "bob", "")}
	walk(t, callers, []step{
		{"root", "PUT", "/users/bob/servers/lab", `{"user_options": {"a": 1}}`, 201, ""},
		{"root", "POST", "/users/bob/server", "", 201, ""},
		{"root", "PATCH", "/users/bob", `{"name": "rob"}`, 400, "Please stop it before renaming the user"},
		{"root", "DELETE", "/users/bob/server", "", 204, ""},
		{"bob", "GET", "/user", "", 200, `"name":"bob"`},
		{"root", "PATCH", "/users/bob", `{"name": "Rob"}`, 200, `"name":"rob"`},
		{"root", "GET", "/users/bob", "", 404, "No such user: bob"},
		{"root", "GET", "/users/rob?include_stopped_servers", "", 200, `"full_name":"rob/lab"`},
		{"bob", "GET", "/user", "", 200, `"name":"rob"`},
		{"bob", "GET", "/users/rob/servers/lab", "", 200, `"user_options":{"a":1}`},
		{"bob", "POST", "/users/rob/servers/lab", "", 201, ""},
		{"root", "POST", "/users/bob", "", 201, ""},
		{"bob", "GET", "/users/bob", "", 404, ""}, // whoever has the name now is somebody else
	})
}

func TestChangeServer(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	callers := map[string]*caller{"ada": tokenOf(t, h, "ada", ""), "bob": tokenOf(t, h, "bob", "")}
	walk(t, callers, []step{
		{"ada", "PUT", "/users/ada/servers/lab", `{"display_name": "Lab"}`, 201, ""},
		{"ada", "PUT", "/users/ada/servers/other", "", 201, ""},
		{"ada", "PATCH", "/users/ada/servers/none", `{"name": "x"}`, 404, "ada has no server named 'none'"},
		{"ada", "PATCH", "/users/ada/servers/lab", "", 400, "Must specify at least one field to modify."},
		{"ada", "PATCH", "/users/ada/servers/lab", `{}`, 400, "Must specify at least one field to modify."},
		{"ada", "PATCH", "/users/ada/servers/lab", `{"color": 1}`, 400, "Invalid JSON keys: color"},
		{"ada", "PATCH", "/users/ada/servers/lab", `{"name": 3}`, 400, "name must be a string"},
		{"ada", "PATCH", "/users/ada/servers/lab", `{"name": "a\u0000b"}`, 400, "name must be a string"},
		{"ada", "PATCH", "/users/ada/servers/lab", `{"user_options": [1]}`, 400, "user_options must be a dict"},
		{"ada", "PATCH", "/users/ada/servers/lab", `{"user_options": null}`, 400, "user_options must be a dict"},
		{"ada", "PATCH", "/users/ada/servers/lab", `{"name": "Not So"}`, 400, "Invalid server_name: 'Not So'"},
		{"ada", "PATCH", "/users/ada/servers/lab", `{"name": "other"}`, 409, "There is already a server named 'other'"},
		{"ada", "PATCH", "/users/ada/servers/lab", `{"name": ""}`, 409, ""},
		{"bob", "PATCH", "/users/ada/servers/lab", `{"name": "x"}`, 404, "No access to resources"},
		{"ada", "PATCH", "/users/ada/servers/lab", `{"display_name": "Big  lab", "user_options": {"n": 2}}`, 200, `"display_name":"Big  lab"`},
		{"ada", "PATCH", "/users/ada/servers/lab", `{"name": "big"}`, 200, `"full_name":"ada/big"`},
		{"ada", "GET", "/users/ada/servers/lab", "", 404, ""},
		{"ada", "GET", "/users/ada/servers/big", "", 200, `"user_options":{"n":2}`},
		{"ada", "POST", "/users/ada/servers/big", "", 201, ""},
		{"ada", "PATCH", "/users/ada/servers/big", `{"name": "lab"}`, 400, "ada:big is active. Please stop it before modifying it."},
		{"ada", "DELETE", "/users/ada/servers/big", "", 204, ""},
		{"ada", "PATCH", "/users/ada/server", `{"user_options": {"d": 1}}`, 200, `"user_options":{"d":1}`},
		{"ada", "PATCH", "/users/ada/server", `{"name": "x"}`, 400, ""},
	})
}
