package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
)

// sharing is a hub whose user ada may share her servers with anybody, and bob is in the group g.
var sharing = map[string]map[string]any{"JupyterHub": {
	"load_groups": map[string]any{"g": map[string]any{"users": []string{"bob"}}, "other": map[string]any{"users": []string{}}},
	"custom_scopes": map[string]any{
		"custom:board:write": map[string]any{"description": "Write on the board", "subscopes": []string{"custom:board:read"}},
		"custom:board:read":  map[string]any{"description": "Read the board"},
	},
	"load_roles": []any{
		map[string]any{"name": "sharer", "scopes": []string{"shares!user", "read:users:name", "read:groups:name", "custom:board:write!user"}, "users": []string{"ada"}},
		map[string]any{"name": "few", "scopes": []string{"shares!server=ada/lab", "read:users:name!user=bob"}, "users": []string{"cyd"}},
		map[string]any{"name": "group-keeper", "scopes": []string{"groups:shares!group=g"}, "users": []string{"bob"}},
	},
}}

// tokenOf makes a user, if needed, and a token of his with the scopes, or all that he has.
func tokenOf(t *testing.T, h *apptest.Hub, user, scopes string) *caller {
	t.Helper()
	c := admin(t, h)
	c.send("POST", "/users/"+user, "")
	body := ""
	if scopes != "" {
		body = fmt.Sprintf(`{"scopes": [%s]}`, scopes)
	}
	var made struct{ Token string }
	if a := c.expect("POST", "/users/"+user+"/tokens", body, 201, ""); json.Unmarshal([]byte(a.Body), &made) != nil {
		t.Fatal(a.Body)
	}
	return &caller{t: t, b: h.Browser(t), token: made.Token}
}

type sharingStep struct {
	who, method, path, body string
	status                  int
	part                    string
}

func TestShares(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: sharing})
	callers := map[string]*caller{"root": admin(t, h)}
	for _, name := range []string{"ada", "bob", "cyd", "dan"} {
		callers[name] = tokenOf(t, h, name, "")
	}
	callers["root"].expect("PUT", "/users/ada/servers/lab", "", 201, "")
	callers["root"].expect("POST", "/users/ada/servers/run", "", 201, "")
	for _, step := range []sharingStep{
		{"ada", "GET", "/shares/ada", "", 200, `{"_pagination":{"limit":200,"next":null,"offset":0,"total":0},"items":[]}`},
		{"ada", "POST", "/shares/ada", `{"user": "bob"}`, 405, ""},
		{"ada", "PATCH", "/shares/ada", `{"user": "bob"}`, 405, ""},
		{"ada", "DELETE", "/shares/ada", "", 405, ""},
		{"ada", "POST", "/share-codes/ada", "", 405, ""},
		{"ada", "POST", "/shares/ada/lab", "", 400, "Specify exactly one of `user` or `group`"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob", "group": "g"}`, 400, "Specify exactly one of `user` or `group`"},
		{"ada", "POST", "/shares/ada/lab", `{"user": ""}`, 400, "Specify exactly one of `user` or `group`"},
		{"ada", "POST", "/shares/ada/lab", `{"user": 3}`, 400, "must be null or a string"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "a\u0000"}`, 400, "must be null or a string"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob", "expires_in": 60}`, 400, "Extra inputs are not permitted: expires_in"},
		{"ada", "POST", "/shares/ada/lab", `[]`, 400, "must be a JSON object"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob", "scopes": "self"}`, 400, "scopes must be null or a list of strings"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob", "scopes": ["nonsense"]}`, 400, "Scope 'nonsense' for share does not exist"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob", "scopes": ["access:servers!user=ada"]}`, 400, "only !server=ada/lab"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob", "scopes": ["access:servers!server=ada/run"]}`, 400, "only !server=ada/lab"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob", "scopes": ["access:servers!server"]}`, 400, "only !server=ada/lab"},
		{"ada", "POST", "/shares/ada/none", `{"user": "bob"}`, 404, "No such server: ada/none"},
		{"ada", "POST", "/shares/ada/", `{"user": "bob"}`, 404, "No such server: ada/"},
		{"ada", "POST", "/shares/bob/", `{"user": "bob"}`, 404, "No access to resources"},
		{"bob", "POST", "/shares/ada/lab", `{"user": "bob"}`, 403, "requires any of [shares]"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob", "scopes": ["admin:servers"]}`, 403, "Do not have permission to grant share with scope admin:servers!server=ada/lab"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob", "scopes": ["inherit"]}`, 403, "Do not have permission to grant share with scope inherit"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob", "scopes": ["self"]}`, 403, "Do not have permission to grant share with scope self"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob", "scopes": ["(no_scope)"]}`, 403, "Do not have permission"},
		{"ada", "POST", "/shares/ada/lab", `{"user": "ghost"}`, 400, "No such user: ghost"},
		{"ada", "POST", "/shares/ada/lab", `{"group": "ghost"}`, 400, "No such group: ghost"},
		{"cyd", "POST", "/shares/ada/lab", `{"user": "dan"}`, 403, "Need scope 'read:users:name' to share with users by name"},
		{"cyd", "POST", "/shares/ada/lab", `{"group": "g"}`, 403, "Need scope 'read:groups:name' to share with groups by name"},
		{"cyd", "GET", "/shares/ada", "", 404, "No access to resources"},
		{"cyd", "GET", "/shares/ada/lab", "", 200, `"total":0`},
		{"cyd", "GET", "/shares/ada/run", "", 404, "No access to resources"},
		{"cyd", "POST", "/shares/ada/lab", `{"user": "bob", "scopes": ["read:servers"]}`, 403, "Do not have permission to grant share with scope read:servers!server=ada/lab"},

		{"cyd", "POST", "/shares/ada/lab", `{"user": "bob"}`, 200, `"scopes":["access:servers!server=ada/lab"]`},
		{"bob", "GET", "/user", "", 200, `"access:servers!server=ada/lab"`},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob", "scopes": ["start:servers", "custom:board:write!server=ada/lab"]}`, 200, `"scopes":["access:servers!server=ada/lab","custom:board:write!server=ada/lab","start:servers!server=ada/lab"]`},
		{"bob", "GET", "/user", "", 200, `"custom:board:read!server=ada/lab"`},
		{"bob", "POST", "/users/ada/servers/lab", "", 201, ""},
		{"bob", "DELETE", "/users/ada/servers/lab", "", 404, ""},
		{"bob", "POST", "/shares/ada/lab", `{"user": "bob"}`, 403, "requires any of [shares]"},
		{"ada", "POST", "/shares/ada/run", `{"group": "g", "scopes": []}`, 200, `"kind":"group"`},
		{"ada", "POST", "/shares/ada/run", `{"user": "dan", "scopes": ["shares"]}`, 200, `"scopes":["shares!server=ada/run"]`},
		{"dan", "POST", "/shares/ada/run", `{"user": "dan", "scopes": ["start:servers"]}`, 403, "Do not have permission"},
		{"dan", "POST", "/shares/ada/lab", `{"user": "dan"}`, 404, "No access to resources"},
		{"dan", "DELETE", "/shares/ada/run", "", 204, ""}, // he holds all of shares there, his own included
		{"dan", "DELETE", "/shares/ada/run", "", 403, ""},
		{"ada", "POST", "/shares/ada/run", `{"group": "g"}`, 200, `"group":{"name":"g"}`},

		{"bob", "GET", "/users/bob/shared", "", 200, `"total":2`},
		{"bob", "GET", "/users/dan/shared", "", 404, "No access to resources"},
		{"bob", "GET", "/groups/g/shared", "", 200, `"total":1`},
		{"bob", "GET", "/groups/other/shared", "", 404, ""},
		{"root", "GET", "/groups/ghost/shared", "", 404, "No such group: ghost"},
		{"root", "GET", "/users/ghost/shared", "", 404, "No such user: ghost"},
		{"root", "GET", "/shares/ghost", "", 404, "No such user: ghost"},
		{"bob", "GET", "/users/bob/shared/ada/lab", "", 200, `"server":{"full_url":null,"name":"lab","ready":true,"url":"/user/ada/lab/","user":{"name":"ada"}}`},
		{"bob", "GET", "/users/bob/shared/ada/run", "", 404, "No such share"}, // through the group alone
		{"bob", "GET", "/users/bob/shared/ada/", "", 404, "No such share"},
		{"bob", "GET", "/users/bob/shared/ada", "", 404, "null"},
		{"bob", "GET", "/users/bob/shared/a%00/lab", "", 404, `"status":404`},
		{"bob", "GET", "/groups/g/shared/ada/run", "", 200, `"group":{"name":"g"}`},
		{"bob", "DELETE", "/groups/g/shared/ada/lab", "", 404, "No such share"},
		{"bob", "DELETE", "/groups/g/shared/ada/run", "", 204, ""},
		{"bob", "DELETE", "/groups/g/shared/ada/run", "", 404, ""},
		{"ada", "PATCH", "/shares/ada/lab", `{"user": "bob", "scopes": ["start:servers", "delete:servers"]}`, 200, `"scopes":["access:servers!server=ada/lab","custom:board:write!server=ada/lab"]`},
		{"ada", "PATCH", "/shares/ada/lab", `{"user": "bob", "scopes": ["nonsense"]}`, 400, ""},
		{"ada", "PATCH", "/shares/ada/lab", `{"user": "ghost"}`, 200, `{}`},
		{"ada", "PATCH", "/shares/ada/lab", `{"group": "g"}`, 200, `{}`},
		{"ada", "PATCH", "/shares/ada/none", `{"group": "g"}`, 404, `No such server`},
		{"bob", "DELETE", "/users/bob/shared/ada/lab", "", 204, ""},
		{"bob", "GET", "/users/bob/shared", "", 200, `"total":0`},
		{"ada", "POST", "/shares/ada/lab", `{"user": "bob"}`, 200, ``},
		{"ada", "PATCH", "/shares/ada/lab", `{"user": "bob"}`, 200, `{}`},
		{"ada", "DELETE", "/shares/ada/lab", "", 204, ""},
		{"ada", "DELETE", "/shares/ada/none", "", 404, ""},
	} {
		callers[step.who].expect(step.method, step.path, step.body, step.status, step.part)
	}
	if a := callers["ada"].send("PATCH", "/shares/ada/lab", `{"user": "ghost"}`); a.Body != "{}" {
		t.Errorf("nothing is %s", a.Body)
	}
}

func TestShareCodes(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: sharing})
	callers := map[string]*caller{"root": admin(t, h), "ada": tokenOf(t, h, "ada", ""), "bob": tokenOf(t, h, "bob", "")}
	callers["root"].expect("PUT", "/users/ada/servers/lab", "", 201, "")
	callers["root"].expect("PUT", "/users/ada/servers/two", "", 201, "")
	var made struct {
		ID, Code  string
		AcceptURL string `json:"accept_url"`
	}
	a := callers["ada"].expect("POST", "/share-codes/ada/lab", `{"scopes": ["access:servers"], "expires_in": 60}`, 200, `"exchange_count":0,"expires_at":"20`)
	if err := json.Unmarshal([]byte(a.Body), &made); err != nil || len(made.Code) != 43 || made.AcceptURL != "/hub/accept-share?code="+made.Code || !strings.Contains(a.Body, `"full_accept_url":null`) {
		t.Errorf("%v in %s", err, a.Body)
	}
	for _, step := range []sharingStep{
		{"ada", "POST", "/share-codes/ada/two", "", 200, `"scopes":["access:servers!server=ada/two"]`},
		{"ada", "POST", "/share-codes/ada/two", `{"expires_in": 59}`, 400, "expires_in must be"},
		{"ada", "POST", "/share-codes/ada/two", `{"expires_in": 31536001}`, 400, "expires_in must be"},
		{"ada", "POST", "/share-codes/ada/two", `{"expires_in": null}`, 400, "expires_in must be"},
		{"ada", "POST", "/share-codes/ada/two", `{"expires_in": "soon"}`, 400, "expires_in must be"},
		{"ada", "POST", "/share-codes/ada/two", `{"user": "bob"}`, 400, "Extra inputs are not permitted: user"},
		{"ada", "POST", "/share-codes/ada/two", `{"scopes": ["nonsense"]}`, 400, "does not exist"},
		{"ada", "POST", "/share-codes/ada/two", `{"scopes": ["access:servers!user"]}`, 400, "only !server=ada/two"},
		{"ada", "POST", "/share-codes/ada/two", `{"scopes": ["admin:servers"]}`, 403, "Do not have permission to grant share with scope"},
		{"ada", "POST", "/share-codes/ada/none", "", 404, "No such server: ada/none"},
		{"bob", "POST", "/share-codes/ada/two", "", 403, "requires any of [shares]"},
		{"bob", "GET", "/share-codes/ada", "", 404, "No access to resources"},
		{"root", "GET", "/share-codes/ghost", "", 404, "No such user: ghost"},
		{"ada", "GET", "/share-codes/ada", "", 200, `"total":2`},
		{"ada", "GET", "/share-codes/ada?limit=1", "", 200, `/hub/api/share-codes/ada?limit=1&offset=1"`},
		{"ada", "GET", "/share-codes/ada?limit=x", "", 400, "offset and limit must be integers"},
		{"ada", "GET", "/share-codes/ada/two", "", 200, `"total":1`},
		{"ada", "DELETE", "/share-codes/ada/two?id=" + made.ID, "", 404, "No code found matching id=sc_"},
		{"ada", "DELETE", "/share-codes/ada/two?code=" + made.Code, "", 404, "No matching code found"},
		{"ada", "DELETE", "/share-codes/ada/lab?id=1", "", 404, "No code found matching id=1"},
		{"ada", "DELETE", "/share-codes/ada/lab?id=sc_0", "", 404, "No code found matching id=sc_0"},
		{"ada", "DELETE", "/share-codes/ada/lab?code=x", "", 404, "No matching code found"},
		{"ada", "DELETE", "/share-codes/ada/lab?code=" + made.Code, "", 204, ""},
		{"ada", "DELETE", "/share-codes/ada/lab?code=" + made.Code, "", 404, ""},
		{"ada", "DELETE", "/share-codes/ada/two", "", 204, ""},
		{"ada", "DELETE", "/share-codes/ada/none", "", 404, ""},
		{"ada", "GET", "/share-codes/ada", "", 200, `"total":0`},
	} {
		callers[step.who].expect(step.method, step.path, step.body, step.status, step.part)
	}
	for range 3 {
		callers["ada"].expect("POST", "/share-codes/ada/lab", "", 200, "")
	}
	list := callers["ada"].expect("GET", "/share-codes/ada/lab", "", 200, `"total":3`)
	if strings.Contains(list.Body, `"code"`) || strings.Contains(list.Body, "accept_url") {
		t.Errorf("a list tells codes: %s", list.Body)
	}
}

// TestShareModels holds the models of shares against the fields of JupyterHub 6.1.1, where the hub knows its public address.
func TestShareModels(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {
		"public_url": "https://hub.example.org/",
	}}})
	c := admin(t, h)
	for _, name := range []string{"ada", "bob"} {
		c.expect(http.MethodPost, "/users/"+name, "", 201, "")
	}
	c.expect("PUT", "/users/ada/servers/lab", "", 201, "")
	var s story
	s.add("a share", c.send("POST", "/shares/ada/lab", `{"user": "bob"}`))
	s.add("what is shared with bob", c.send("GET", "/users/bob/shared?limit=1", ""))
	created := c.send("POST", "/share-codes/ada/lab", "")
	s.add("a code", created)
	s.add("codes", c.send("GET", "/share-codes/ada/lab", ""))
	s.holdAgainst(t, "shares")
}
