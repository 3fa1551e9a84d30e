package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/app/apptest"
)

// caller makes API requests with a token.
type caller struct {
	t     *testing.T
	b     *apptest.Browser
	token string
}

func admin(t *testing.T, h *apptest.Hub) *caller {
	t.Helper()
	return &caller{t: t, b: h.Browser(t), token: apptest.ServiceToken}
}

func (c *caller) send(method, path, body string, headers ...string) *apptest.Answer {
	c.t.Helper()
	a := c.b.Send(method, "/hub/api"+path, body, append(headers, "Authorization", "token "+c.token)...)
	document, err := theContract()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := document.hold(method, path, a); err != nil {
		c.t.Error(err)
	}
	return a
}

// expect makes a request and holds status and a part of the body against what is wanted.
func (c *caller) expect(method, path, body string, status int, part string) *apptest.Answer {
	c.t.Helper()
	a := c.send(method, path, body)
	if a.Status != status || !strings.Contains(a.Body, part) {
		c.t.Errorf("%s %s %s: status %d\n%s\nwant %d with %q", method, path, body, a.Status, a.Body, status, part)
	}
	return a
}

// TestAnswers walks through the endpoints in the order in which a script would, each answer as JupyterHub 6.1.1 gives it.
func TestAnswers(t *testing.T) {
	t.Parallel()
	c := admin(t, apptest.Start(t, apptest.Options{}))
	for _, step := range []struct {
		method, path, body string
		status             int
		part               string
	}{
		{"GET", "/", "", 200, `"version":"6.1.1"`},
		{"GET", "", "", 200, `"version":"6.1.1"`},
		{"GET", "/info", "", 200, `"authenticator"`},
		{"GET", "/nothing", "", 404, `"status":404`},
		{"GET", "/users/", "", 404, `"status":404`},
		{"PATCH", "/users", "", 405, `"status":405`},
		{"HEAD", "/users", "", 405, ""},
		{"OPTIONS", "/users", "", 200, ""},
		{"GET", "/user", "", 200, `"kind":"service"`},

		{"POST", "/users", `{"usernames": ["Ada", "bob"]}`, 201, `"name":"ada"`},
		{"POST", "/users", `{"usernames": ["ada", "cyd"]}`, 201, `"name":"cyd"`},
		{"POST", "/users", `{"usernames": ["ada", "bob"]}`, 409, "All 2 users already exist"},
		{"POST", "/users", `{}`, 400, "Must specify at least one user to create"},
		{"POST", "/users", `{"usernames": ["a/b"]}`, 400, "Invalid username: a/b"},
		{"POST", "/users", `{"usernames": ["a/b", ".."]}`, 400, "Invalid usernames: a/b, .."},
		{"POST", "/users", `{"usernames": 3}`, 400, "Must specify at least one user to create"},
		{"POST", "/users", `{`, 400, "Invalid JSON in body of request"},
		{"POST", "/users/New2", "", 201, `"name":"New2"`},
		{"POST", "/users/ada", "", 409, "User ada already exists"},
		{"GET", "/users/ada", "", 200, `"roles":["user"]`},
		{"GET", "/users/nobody", "", 404, "No such user: nobody"},

		{"POST", "/users/ada/tokens", `{"note": "mine", "expires_in": 60}`, 201, `"token":"`},
		{"POST", "/users/ada/tokens", `{"expires_in": 0}`, 400, "expires_in must be a positive integer or null, not 0"},
		{"POST", "/users/ada/tokens", `{"expires_in": "soon"}`, 400, "token expires_in must be null or integer"},
		{"POST", "/users/ada/tokens", `{"scopes": ["foo"]}`, 400, "foo"},
		{"POST", "/users/ada/tokens", `{"scopes": "self"}`, 400, "token scopes must be null or a list of strings"},
		{"POST", "/users/ada/tokens", `{"scopes": ["admin:users"]}`, 400, "not held by User ada"},
		{"POST", "/users/ada/tokens", `{"roles": ["nope"]}`, 400, "No such role: nope"},
		{"POST", "/users/ada/tokens", `{"roles": ["token"]}`, 201, `"token":"`},
		{"POST", "/users/nobody/tokens", "", 403, "Service nobody not found or no permissions to generate tokens"},
		{"GET", "/users/ada/tokens", "", 200, `"note":"mine"`},
		{"GET", "/users/ada/tokens/a999", "", 404, "No such token a999 for user ada"},
		{"DELETE", "/users/ada/tokens/x", "", 404, "No such token x for user ada"},

		{"GET", "/users/ada/server", "", 200, `"stopped":true`},
		{"GET", "/users/ada/servers/none", "", 404, ""},
		{"GET", "/users/ada/server/progress", "", 404, ""},
		{"POST", "/users/ada/server", `[]`, 400, "Body must be a JSON object"},
		{"POST", "/users/ada/server", `{"display_name": 3}`, 400, "display_name must be a string"},
		{"POST", "/users/ada/server", `{"user_options": 3}`, 400, "user_options must be an object or null"},
		{"POST", "/users/ada/server", `{"profile": "large"}`, 201, ""},
		{"POST", "/users/ada/server", "", 400, "ada is already running"},
		{"GET", "/users/ada/server", "", 200, `"user_options":{"profile":"large"}`},
		{"GET", "/users/ada/servers/", "", 200, `"full_name":"ada/"`},
		{"GET", "/users/ada/server/progress", "", 200, `"ready":true`},
		{"GET", "/users/ada", "", 200, `"server":"/user/ada/"`},
		{"DELETE", "/users/ada/server", `{"remove": true}`, 400, "Cannot delete the default server"},

		{"PUT", "/users/ada/servers/lab", `{"display_name": "My lab"}`, 201, `"display_name":"My lab"`},
		{"PUT", "/users/ada/servers/lab", "", 409, ""},
		{"PUT", "/users/ada/servers/Bad--Name", "", 400, "Invalid server_name: 'Bad--Name'"},
		{"POST", "/users/ada/servers/lab", "", 201, ""},
		{"POST", "/users/ada/servers/%2e%2e%2fx", "", 400, "Invalid server_name: '../x'"},
		{"DELETE", "/users/ada/servers/none", "", 404, "ada has no server named 'none'"},
		{"DELETE", "/users/ada/servers/lab", `{"remove": true}`, 204, ""},
		{"GET", "/users/ada/servers/lab", "", 404, ""},

		{"POST", "/users/ada/activity", `{}`, 400, "body must contain at least one of"},
		{"POST", "/users/ada/activity", `3`, 400, "body must be a json dict"},
		{"POST", "/users/ada/activity", `{"servers": {"zz": {"last_activity": "2026-01-01T00:00:00Z"}}}`, 400, "No such server 'zz' for user ada"},
		{"POST", "/users/ada/activity", `{"last_activity": "xx"}`, 400, "Not a valid timestamp: 'xx'"},
		{"POST", "/users/ada/activity", `{"last_activity": "2999-01-01T00:00:00Z"}`, 400, "Rejecting activity from more than an hour in the future"},
		{"POST", "/users/ada/activity", `{"servers": {"": {"last_activity": "2026-01-01T00:00:00"}}, "last_activity": "2026-01-01T00:00:00.5+01:00"}`, 200, ""},

		{"GET", "/users?state=ready", "", 200, `"name":"ada"`},
		{"GET", "/users?state=odd", "", 400, "Unrecognized state filter: 'odd'"},
		{"GET", "/users?sort=age", "", 400, "sort must be 'id', 'name', or 'last_activity', not 'age'"},
		{"GET", "/users?limit=many", "", 400, "Invalid argument type, offset and limit must be integers"},
		{"GET", "/users?name_filter=OB", "", 200, `"name":"bob"`},

		{"DELETE", "/users/ada/server", "", 204, ""},
		{"DELETE", "/users/ada/server", "", 204, ""},
		{"GET", "/users/ada/server/progress", "", 400, "ada is not starting..."},
		{"DELETE", "/users/bob", "", 204, ""},
		{"GET", "/users/bob", "", 404, ""},
		{"POST", "/refresh-token", "", 403, "Missing or invalid credentials."},
	} {
		c.expect(step.method, step.path, step.body, step.status, step.part)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	c := admin(t, apptest.Start(t, apptest.Options{}))
	c.expect("POST", "/users", `{"usernames": ["u1", "u2", "u3", "u4", "u5"]}`, 201, "u5")
	var names []string
	path := "/users?limit=2"
	for range 5 {
		var got struct {
			Items      []struct{ Name string }
			Pagination struct {
				Total int
				Next  *struct{ URL string }
			} `json:"_pagination"`
		}
		a := c.send("GET", path, "", "Accept", "application/jupyterhub-pagination+json")
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
			t.Fatalf("%s: %v\n%s", path, err, a.Body)
		}
		for _, u := range got.Items {
			names = append(names, u.Name)
		}
		if got.Pagination.Next == nil {
			break
		}
		_, rest, ok := strings.Cut(got.Pagination.Next.URL, "/hub/api")
		if !ok {
			t.Fatalf("next leads to %s", got.Pagination.Next.URL)
		}
		path = rest
	}
	if got := strings.Join(names, " "); !strings.HasSuffix(got, "u1 u2 u3 u4 u5") {
		t.Errorf("the pages hold %s", got)
	}
}

// TestUserModel holds what an owner sees of himself against the fields of JupyterHub 6.1.1.
func TestUserModel(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	ada := h.Browser(t).SignIn("ada")
	var model map[string]any
	a := ada.API(http.MethodGet, "/users/ada", "")
	if err := json.Unmarshal([]byte(a.Body), &model); err != nil {
		t.Fatalf("%v\n%s", err, a.Body)
	}
	for _, field := range []string{"kind", "name", "admin", "user_info", "groups", "server", "pending", "created", "last_activity", "servers", "roles"} {
		if _, ok := model[field]; !ok {
			t.Errorf("field %s is missing in %s", field, a.Body)
		}
	}
	if _, ok := model["auth_state"]; ok {
		t.Error("a user sees the auth state")
	}
	if created, _ := model["created"].(string); !strings.HasSuffix(created, "Z") {
		t.Errorf("created is %q", created)
	} else if _, err := time.Parse(time.RFC3339Nano, created); err != nil {
		t.Error(err)
	}
	if other := ada.API(http.MethodGet, "/users/bob", ""); other.Status != http.StatusNotFound {
		t.Errorf("another user: status %d, want 404", other.Status)
	}
	if all := ada.API(http.MethodGet, "/users", ""); all.Status != http.StatusForbidden {
		t.Errorf("all users: status %d, want 403", all.Status)
	}
}

func TestETag(t *testing.T) {
	t.Parallel()
	c := admin(t, apptest.Start(t, apptest.Options{}))
	first := c.expect("GET", "/", "", 200, "version")
	again := c.send("GET", "/", "", "If-None-Match", first.Header.Get("Etag"))
	if again.Status != http.StatusNotModified || again.Body != "" {
		t.Errorf("status %d, body %q; want an empty 304", again.Status, again.Body)
	}
}

func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	c := admin(t, apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"tornado_settings": map[string]any{"slow_spawn_timeout": 0}}}}))
	c.expect("POST", "/users", `{"usernames": ["ada"]}`, 201, "")
	c.expect("POST", "/users/ada/server", "", 202, "")
	a := c.expect("GET", "/users/ada/server/progress", "", 200, `"ready":true`)
	if got := a.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("content type %q", got)
	}
	var last string
	for frame := range strings.SplitSeq(a.Body, "\n\n") {
		text, ok := strings.CutPrefix(strings.TrimSpace(frame), "data: ")
		if !ok {
			continue
		}
		var e struct{ Progress int }
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Errorf("%v in %q", err, text)
		}
		last = text
	}
	if !strings.Contains(last, `"url":"/user/ada/"`) {
		t.Errorf("the last event is %s", last)
	}
}
