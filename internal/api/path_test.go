package api_test

import (
	"net/http"
	"strings"
	"testing"

	"berdlhub/internal/api"
	"berdlhub/internal/app/apptest"
)

// TestMethods asks every path for its methods, without signing in.
func TestMethods(t *testing.T) {
	t.Parallel()
	b := apptest.Start(t, apptest.Options{}).Browser(t)
	fill := strings.NewReplacer("{user}", "ada", "{server}", "lab", "{token}", "a1", "{$}", "")
	for _, route := range new(api.API).Routes() {
		path := "/hub/api" + fill.Replace(route.Path)
		if a := b.Send(http.MethodOptions, path, ""); a.Status != http.StatusOK || a.Body != "" || !strings.Contains(a.Header.Get("Allow"), route.Method) {
			t.Errorf("OPTIONS %s: status %d, allows %q: %s", path, a.Status, a.Header.Get("Allow"), a.Body)
		}
		for _, method := range []string{http.MethodHead, http.MethodTrace, "PROPFIND"} {
			if a := b.Send(method, path, ""); a.Status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: status %d, want 405", method, path, a.Status)
			}
		}
	}
	for _, path := range []string{"/hub/api/user/", "/hub/api/users/ada/", "/hub/api/users/ada/servers", "/hub/api/users/ada/server/", "/hub/api/users/a%00b", "/hub/api/users/%ff/server", "/hub/api/x"} {
		if a := b.Send(http.MethodGet, path, ""); a.Status != http.StatusNotFound || a.Body != `{"status":404,"message":null}` {
			t.Errorf("%s: status %d: %s", path, a.Status, a.Body)
		}
	}
	if a := b.Send(http.MethodDelete, "/hub/api/user", ""); a.Body != `{"status":405,"message":null}` {
		t.Errorf("a method that is not: %s", a.Body)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	c := admin(t, apptest.Start(t, apptest.Options{}))
	policy := "frame-ancestors 'none'; report-uri /hub/security/csp-report; default-src 'none'"
	for path, status := range map[string]int{"/": 200, "/user": 200, "/nothing": 404, "/users/nobody": 404} {
		a := c.expect("GET", path, "", status, "")
		for name, want := range map[string]string{
			"X-JupyterHub-Version": "6.1.1", "Content-Type": "application/json", "Content-Security-Policy": policy,
			"Access-Control-Allow-Headers": "accept, content-type, authorization",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if got := a.Header.Get("Access-Control-Allow-Origin"); (got == "*") != (path == "/") {
			t.Errorf("%s may be read by pages of %q", path, got)
		}
	}
	c.expect("POST", "/users/ada", "", 201, "")
	c.expect("POST", "/users/ada/server", "", 201, "")
	if a := c.expect("DELETE", "/users/ada/server", "", 204, ""); a.Header.Get("Content-Type") != "" {
		t.Errorf("an empty answer is %q", a.Header.Get("Content-Type"))
	}
}

// TestNamesInPaths holds that a name reaches the database as it is, and leaves it in a form that leads back.
func TestNamesInPaths(t *testing.T) {
	t.Parallel()
	c := admin(t, apptest.Start(t, apptest.Options{}))
	for escaped, name := range map[string]string{
		"a@b.c": "a@b.c", "100%25": "100%", "x%20y": "x y", "%C3%BCn%C3%AF": "ünï", "a+b": "a+b", "q%3F%23": "q?#", "server": "server",
	} {
		c.expect("POST", "/users/"+escaped, "", 201, `"name":"`+name+`"`)
		c.expect("GET", "/users/"+escaped, "", 200, `"name":"`+name+`"`)
		c.expect("POST", "/users/"+escaped+"/server", "", 201, "")
		a := c.expect("GET", "/users/"+escaped+"/server", "", 200, `"ready":true`)
		_, rest, _ := strings.Cut(a.Body, `"progress_url":"/hub/api`)
		progress, _, _ := strings.Cut(rest, `"`)
		c.expect("GET", progress, "", 200, `"ready":true`)
	}
	c.expect("GET", "/users/a%2Fb", "", 404, "No such user: a/b")
	c.expect("POST", "/users/a%2Fb", "", 400, "Failed to create user: a/b")
	c.expect("GET", "/users/%2e%2e/server", "", 404, "No such user: ..")
	c.expect("GET", "/users/"+strings.Repeat("a", 4000), "", 404, "No such user")
}

func TestBodies(t *testing.T) {
	t.Parallel()
	c := admin(t, apptest.Start(t, apptest.Options{}))
	c.expect("POST", "/users/ada", "", 201, "")
	large := `{"note": "` + strings.Repeat("x", 1<<20) + `"}`
	for _, path := range []string{"/users", "/users/bob", "/users/ada/tokens", "/users/ada/server", "/users/ada/activity"} {
		c.expect("POST", path, large, 413, "larger than 1048576 bytes")
		c.expect("POST", path, `{"a": `, 400, "Invalid JSON in body of request")
		c.expect("POST", path, `{} {}`, 400, "Invalid JSON in body of request")
		c.expect("POST", path, "{\"a\": \"\xff\"}", 400, "Invalid JSON in body of request")
		c.expect("POST", path, `"text"`, 400, "")
	}
	c.expect("POST", "/users/bob", `{"color": "red"}`, 400, "Invalid JSON keys: color")
	c.expect("POST", "/users/bob", `{"admin": "yes"}`, 400, "user.admin is of the wrong type")
	c.expect("POST", "/users/bob", `null`, 201, `"admin":false`)
	c.expect("POST", "/users/bo2", `{"admin": true, "groups": ["x"], "roles": [], "auth_state": {}, "name": "other"}`, 201, `"name":"bo2"`)
	c.expect("GET", "/users/bo2", "", 200, `"roles":["admin","user"]`)
	for body, part := range map[string]string{
		`null`:                    "body must be a json dict",
		`{"servers": {}}`:         "body must contain at least one of",
		`{"servers": []}`:         "servers must be a dict of the form",
		`{"servers": {"": 3}}`:    "servers must be a dict of the form",
		`{"servers": {"": null}}`: "servers must be a dict of the form",
		`{"servers": {"": {"last_activity": 3}}}`:  "Not a valid timestamp: '3'",
		`{"servers": {"": {"LAST_ACTIVITY": ""}}}`: "servers must be a dict of the form",
	} {
		c.expect("POST", "/users/ada/activity", body, 400, part)
	}
	c.expect("GET", "/users?name_filter=%00", "", 400, "name_filter is not text")
}
