package api_test

import (
	"encoding/json"
	"testing"

	"berdlhub/internal/app/apptest"
)

// grouping is a hub with callers who hold parts of what can be done with groups and services.
var grouping = map[string]map[string]any{"JupyterHub": {
	"load_groups": map[string]any{"g": map[string]any{"users": []string{"bob"}}, "other": map[string]any{"users": []string{}}},
	"load_roles": []any{
		map[string]any{"name": "keeper", "scopes": []string{"groups!group=g", "list:groups!group=g", "read:users:name"}, "users": []string{"kim"}},
		map[string]any{"name": "names", "scopes": []string{"list:groups", "read:groups:name"}, "users": []string{"nan"}},
		map[string]any{"name": "wrong", "scopes": []string{"list:groups!user=eve", "read:roles:groups!group=g"}, "users": []string{"eve"}},
		map[string]any{"name": "of-g", "scopes": []string{"read:hub"}, "groups": []string{"g"}},
	},
}}

// step is a request of somebody, with its status and a part of the answer.
type step struct {
	who, method, path, body string
	status                  int
	part                    string
}

func walk(t *testing.T, callers map[string]*caller, steps []step) {
	t.Helper()
	for _, s := range steps {
		t.Log(s.who)
		callers[s.who].expect(s.method, s.path, s.body, s.status, s.part)
	}
}

// grouped starts a hub with the callers.
func grouped(t *testing.T) map[string]*caller {
	t.Helper()
	h := apptest.Start(t, apptest.Options{Config: grouping})
	callers := map[string]*caller{"root": admin(t, h)}
	for _, name := range []string{"bob", "kim", "nan", "eve"} {
		callers[name] = tokenOf(t, h, name, "")
	}
	return callers
}

func TestGroups(t *testing.T) {
	t.Parallel()
	walk(t, grouped(t), []step{
		{"root", "GET", "/groups", "", 200, `[{"kind":"group","name":"g","properties":{},"roles":["of-g"],"users":["bob"]},{"kind":"group","name":"other","properties":{},"roles":[],"users":[]}]`},
		{"root", "GET", "/groups?limit=1&offset=1", "", 200, `[{"kind":"group","name":"other"`},
		{"nan", "GET", "/groups", "", 200, `[{"kind":"group","name":"g"},{"kind":"group","name":"other"}]`},
		{"kim", "GET", "/groups", "", 200, `[{"kind":"group","name":"g","properties":{},"users":["bob"]}]`},
		{"eve", "GET", "/groups", "", 403, "requires any of [list:groups]"},
		{"bob", "GET", "/groups", "", 403, "requires any of [list:groups]"},

		{"root", "POST", "/groups", `{}`, 400, "Must specify at least one group to create"},
		{"root", "POST", "/groups", `{"groups": "g"}`, 400, "Must specify at least one group to create"},
		{"root", "POST", "/groups", `[]`, 400, "Must specify at least one group to create"},
		{"root", "POST", "/groups", `{"groups": ["new", "g"]}`, 409, "Group g already exists"},
		{"root", "GET", "/groups/new", "", 404, "No such group: new"},
		{"root", "POST", "/groups", `{"groups": ["new"], "users": ["ghost"]}`, 400, "No such user: ghost"},
		{"root", "POST", "/groups", `{"groups": ["new"], "color": "red"}`, 400, "Invalid JSON keys: color"},
		{"root", "POST", "/groups", `{"groups": ["a\u0000b"]}`, 400, ""},
		{"root", "POST", "/groups", `{"groups": [""]}`, 400, ""},
		{"root", "POST", "/groups", `{"groups": ["new", "few"], "users": ["BOB"]}`, 201, `[{"kind":"group","name":"new","properties":{},"roles":[],"users":["bob"]},{"kind":"group","name":"few"`},
		{"kim", "POST", "/groups", `{"groups": ["mine"]}`, 403, "requires any of [admin:groups]"},

		{"root", "POST", "/groups/one", `{"users": ["kim"], "name": "two", "roles": []}`, 201, `{"kind":"group","name":"one","properties":{},"roles":[],"users":["kim"]}`},
		{"root", "POST", "/groups/one", "", 409, "Group one already exists"},
		{"root", "POST", "/groups/bare", "", 201, `"users":[]`},
		{"root", "POST", "/groups/x", `{"users": 3}`, 400, "group.users is of the wrong type"},
		{"root", "POST", "/groups/x", `{"groups": ["y"]}`, 400, "Invalid JSON keys: groups"},
		{"root", "POST", "/groups/a%2Fb%20%C3%BC", "", 201, `"name":"a/b ü"`},
		{"root", "GET", "/groups/a%2Fb%20%C3%BC", "", 200, `"name":"a/b ü"`},

		{"kim", "GET", "/groups/g", "", 200, `"users":["bob"]`},
		{"kim", "GET", "/groups/other", "", 404, "No access to resources or resources not found"},
		{"nan", "GET", "/groups/g", "", 200, `{"kind":"group","name":"g"}`},
		{"eve", "GET", "/groups/g", "", 200, `{"kind":"group","name":"g","roles":["of-g"]}`},
		{"bob", "GET", "/groups/g", "", 403, "requires any of [read:groups, read:groups:name, read:roles:groups]"},

		{"kim", "POST", "/groups/other/users", `{"users": ["eve"]}`, 404, "No access to resources or resources not found"},
		{"root", "POST", "/groups/g/users", `{"users": ["Eve", "bob"]}`, 200, `"users":["bob","eve"]`},
		{"root", "POST", "/groups/g/users", `{}`, 400, "Must specify users to add"},
		{"root", "POST", "/groups/g/users", `{"users": null}`, 400, "Must specify users to add"},
		{"root", "POST", "/groups/g/users", `{"users": ["ghost"]}`, 400, "No such user: ghost"},
		{"root", "POST", "/groups/none/users", `{"users": ["eve"]}`, 404, "No such group: none"},
		{"kim", "DELETE", "/groups/g/users", `{"users": ["eve", "nan"]}`, 200, `"users":["bob"]`},
		{"root", "DELETE", "/groups/g/users", "", 400, "Must specify users to delete"},
		{"root", "DELETE", "/groups/none/users", `{"users": []}`, 404, "No such group: none"},

		{"kim", "PUT", "/groups/g/properties", `{"quota": {"cpu": 2}}`, 200, `"properties":{"quota":{"cpu":2}}`},
		{"kim", "PUT", "/groups/g/properties", `{}`, 200, `"properties":{}`},
		{"kim", "PUT", "/groups/g/properties", "", 400, "Must specify properties"},
		{"kim", "PUT", "/groups/g/properties", `[1]`, 400, "Must specify properties"},
		{"root", "PUT", "/groups/none/properties", `{}`, 404, "No such group: none"},

		{"kim", "DELETE", "/groups/g", "", 403, "requires any of [delete:groups]"},
		{"root", "DELETE", "/groups/one", "", 204, ""},
		{"root", "DELETE", "/groups/one", "", 404, "No such group: one"},
		{"root", "GET", "/users/kim", "", 200, `"groups":[]`},
	})
}

// TestGroupGivesPower holds that a group's role comes with the membership and goes with it, also in what is remembered.
func TestGroupGivesPower(t *testing.T) {
	t.Parallel()
	walk(t, grouped(t), []step{
		{"bob", "GET", "/info", "", 200, ""},
		{"eve", "GET", "/info", "", 403, ""},
		{"root", "POST", "/groups/g/users", `{"users": ["eve"]}`, 200, ""},
		{"eve", "GET", "/info", "", 200, ""},
		{"kim", "POST", "/groups/g/users", `{"users": ["nan"]}`, 403, ""}, // kim may not do what the group may
		{"root", "DELETE", "/groups/g/users", `{"users": ["eve"]}`, 200, ""},
		{"eve", "GET", "/info", "", 403, ""},
		{"root", "DELETE", "/groups/g", "", 204, ""},
		{"bob", "GET", "/info", "", 403, ""},
	})
}

func TestGroupPages(t *testing.T) {
	t.Parallel()
	callers := grouped(t)
	for who, want := range map[string]int{"root": 2, "kim": 1} {
		a := callers[who].send("GET", "/groups?limit=2", "", "Accept", "application/jupyterhub-pagination+json")
		var page struct {
			Items      []struct{ Name string }
			Pagination struct {
				Total int
				Next  *struct{ URL string }
			} `json:"_pagination"`
		}
		if err := json.Unmarshal([]byte(a.Body), &page); err != nil || len(page.Items) != want || page.Pagination.Total != 2 || page.Pagination.Next != nil {
			t.Errorf("%s: %s", who, a.Body)
		}
	}
}
