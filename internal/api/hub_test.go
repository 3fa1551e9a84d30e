package api_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/store/storetest"
)

func TestProxy(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	callers := map[string]*caller{"root": admin(t, h), "ada": tokenOf(t, h, "ada", "")}
	walk(t, callers, []step{
		{"ada", "GET", "/proxy", "", 403, "requires any of [proxy]"},
		{"ada", "POST", "/proxy", "", 403, ""},
		{"ada", "POST", "/users/ada/server", "", 201, ""},
		{"root", "POST", "/proxy", "", 200, ""},
		{"root", "PATCH", "/proxy", "", 400, "need JSON body"},
		{"root", "PATCH", "/proxy", "[]", 400, "Request body must be JSON dict"},
		{"root", "PATCH", "/proxy", `{"api_url": "http://127.0.0.1:1"}`, 400, "The proxy is part of this hub"},
		{"root", "PATCH", "/proxy", `{}`, 200, ""},
		{"root", "GET", "/proxy?limit=x", "", 400, "offset and limit must be integers"},
	})
	type route struct {
		Routespec, Target string
		Data              map[string]any
	}
	var all map[string]route
	if a := callers["root"].expect("GET", "/proxy", "", 200, ""); json.Unmarshal([]byte(a.Body), &all) != nil || len(all) != 2 {
		t.Fatalf("routes are %s", a.Body)
	}
	for spec, r := range all {
		if r.Routespec != spec || r.Target == "" || r.Data["last_activity"] == nil && spec == "/" {
			t.Errorf("%s is %+v", spec, r)
		}
	}
	if r := all["/user/ada/"]; r.Data["user"] != "ada" || r.Data["server_name"] != "" {
		t.Errorf("the server's route is %+v", r)
	}
	if all["/"].Data["hub"] != true {
		t.Errorf("the hub's route is %+v", all["/"])
	}
	a := callers["root"].send("GET", "/proxy?offset=1&limit=1", "", "Accept", "application/jupyterhub-pagination+json")
	var page struct {
		Items      map[string]route
		Pagination struct {
			Total int
			Next  any
		} `json:"_pagination"`
	}
	if json.Unmarshal([]byte(a.Body), &page) != nil || len(page.Items) != 1 || page.Items["/user/ada/"].Target == "" || page.Pagination.Total != 2 || page.Pagination.Next != nil {
		t.Errorf("the second page is %s", a.Body)
	}
	callers["ada"].expect("DELETE", "/users/ada/server", "", 204, "")
	if a := callers["root"].expect("GET", "/proxy", "", 200, `"hub":true`); json.Unmarshal([]byte(a.Body), new(any)) != nil || len(a.Body) > 250 {
		t.Errorf("after the stop: %s", a.Body)
	}
}

// TestShutdown holds that the hub ends as it is asked to, and that servers end with it only then.
func TestShutdown(t *testing.T) {
	t.Parallel()
	for _, servers := range []bool{true, false} {
		h := apptest.Start(t, apptest.Options{})
		callers := map[string]*caller{"root": admin(t, h), "ada": tokenOf(t, h, "ada", "")}
		body := `{"servers": false}`
		if servers {
			body = `{"servers": true, "proxy": true}`
		}
		walk(t, callers, []step{
			{"ada", "POST", "/users/ada/server", "", 201, ""},
			{"ada", "POST", "/shutdown", "", 403, "requires any of [shutdown]"},
			{"root", "POST", "/shutdown", `{"proxy": 3}`, 400, "proxy must be true or false, got 3"},
			{"root", "POST", "/shutdown", `{"servers": null}`, 400, "servers must be true or false, got null"},
			{"root", "POST", "/shutdown", `[]`, 400, ""},
			{"root", "GET", "/info", "", 200, ""},
			{"root", "POST", "/shutdown", body, 202, `{"message":"Shutting down Hub"}`},
		})
		h.Ended(t)
		again := apptest.Start(t, apptest.Options{Dir: h.Dir, Spawner: h.Spawner})
		if got := len(again.ReadyServers(t, "ada")) == 0; got != servers {
			t.Errorf("%s: servers ended: %v", body, got)
		}
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	callers := map[string]*caller{"root": admin(t, h), "ada": tokenOf(t, h, "ada", "")}
	b := h.Browser(t).SignIn("ada")
	cookie := b.Cookie("jupyterhub-hub-login")
	walk(t, callers, []step{
		{"root", "GET", "/authorizations/token/" + callers["ada"].token, "", 200, `"name":"ada"`},
		{"root", "GET", "/authorizations/token/" + apptest.ServiceToken, "", 200, `"kind":"service"`},
		{"root", "GET", "/authorizations/token/0123456789abcdef0123456789abcdef", "", 404, ""},
		{"root", "POST", "/authorizations/token", "", 404, "This endpoint is gone"},
		{"root", "GET", "/authorizations/cookie/jupyterhub-hub-login/" + cookie, "", 200, `"name":"ada"`},
		{"root", "GET", "/authorizations/cookie/jupyterhub-hub-login", cookie, 200, `"name":"ada"`},
		{"root", "GET", "/authorizations/cookie/jupyterhub-hub-login/nonsense", "", 404, ""},
	})
	for _, path := range []string{"/authorizations/token/" + callers["ada"].token, "/authorizations/cookie/jupyterhub-hub-login/" + cookie} {
		if a := b.Send("GET", "/hub/api"+path, "", "X-XSRFToken", b.XSRF()); a.Status != http.StatusForbidden {
			t.Errorf("a browser asks whose this is: status %d", a.Status)
		}
		if a := h.Browser(t).Send("GET", "/hub/api"+path, ""); a.Status != http.StatusForbidden {
			t.Errorf("nobody asks whose this is: status %d", a.Status)
		}
	}
}

func TestAdminAccess(t *testing.T) {
	t.Parallel()
	for _, allowed := range []bool{true, false} {
		h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"admin_access": allowed}}})
		status, part := 200, ""
		if !allowed {
			status, part = 403, "admin access to user servers disabled"
		}
		callers := map[string]*caller{"root": admin(t, h), "ada": tokenOf(t, h, "ada", "")}
		walk(t, callers, []step{
			{"root", "POST", "/users/ada/admin-access", "", status, part},
			{"ada", "POST", "/users/root-admin/admin-access", "", 404, "No access to resources"},
		})
	}
}

// TestTokenBySignIn holds that nobody gets a token by what the sign-in form would hold, and only the own one.
func TestTokenBySignIn(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"DummyAuthenticator": {"password": "right"}, "Authenticator": {"blocked_users": []string{"mal"}}}})
	c := admin(t, h)
	c.expect("POST", "/users", `{"usernames": ["ada", "bob", "mal"]}`, 201, "")
	for _, ask := range []struct {
		user, body string
		status     int
	}{
		{"ada", `{"auth": {"username": "ada", "password": "right"}, "note": "by form", "expires_in": 60}`, 201},
		{"ada", `{"auth": {"username": "Ada", "password": "right"}, "scopes": ["read:users:name!user"]}`, 201},
		{"ada", `{"auth": {"username": "ada", "password": "wrong"}}`, 403},
		{"ada", `{"auth": {"username": "bob", "password": "right"}}`, 403},
		{"ghost", `{"auth": {"username": "ghost", "password": "right"}}`, 403},
		{"mal", `{"auth": {"username": "mal", "password": "right"}}`, 403},
		{"ada", `{"auth": {"username": "ada", "password": "right"}, "scopes": ["admin:users"]}`, 400},
		{"ada", `{"auth": "ada"}`, 403},
		{"ada", `{"auth": {"username": 3, "password": ["right"]}}`, 403},
		{"ada", `{}`, 403},
		{"ada", ``, 403},
	} {
		a := h.Browser(t).Send("POST", "/hub/api/users/"+ask.user+"/tokens", ask.body)
		var made struct{ Token, Note, User string }
		if a.Status != ask.status || json.Unmarshal([]byte(a.Body), &made) != nil || (a.Status == 201) != (len(made.Token) == 32 && made.User == "ada") {
			t.Errorf("%s %s: status %d\n%s", ask.user, ask.body, a.Status, a.Body)
			continue
		}
		if ask.status == 201 {
			(&caller{t: t, b: h.Browser(t), token: made.Token}).expect("GET", "/user", "", 200, `"name":"ada"`)
		}
	}
	c.expect("GET", "/users/ghost", "", 404, "")
	c.expect("GET", "/users/ada/tokens", "", 200, `"note":"by form"`)
}

func TestTokenLimit(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"token_expires_in_max_seconds": 100}}})
	c := admin(t, h)
	c.expect("POST", "/users/ada", "", 201, "")
	c.expect("POST", "/users/ada/tokens", `{"expires_in": 101}`, 400, "must not exceed 100")
	for body, most := range map[string]time.Duration{"": 100 * time.Second, `{"expires_in": null}`: 100 * time.Second, `{"expires_in": 50}`: 50 * time.Second} {
		var made struct {
			ExpiresAt time.Time `json:"expires_at"`
		}
		a := c.expect("POST", "/users/ada/tokens", body, 201, "")
		if err := json.Unmarshal([]byte(a.Body), &made); err != nil {
			t.Fatal(err)
		}
		if left := time.Until(made.ExpiresAt); left > most || left < most-30*time.Second {
			t.Errorf("%s: the token ends in %v", body, left)
		}
	}
}

// TestNamesNobodyCanHave holds that what PostgreSQL cannot store is not found, wherever it stands in a path.
func TestNamesNobodyCanHave(t *testing.T) {
	t.Parallel()
	c := admin(t, apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"db_url": storetest.Postgres(t)}}}))
	c.expect("POST", "/users/ada", "", 201, "")
	for _, name := range []string{"a%00b", "a%ffb"} {
		for _, path := range []string{
			"/groups/" + name, "/groups/" + name + "/shared", "/services/" + name, "/shares/" + name, "/shares/ada/" + name, "/share-codes/ada/" + name,
			"/users/ada/shared/" + name + "/x", "/users/ada/tokens/" + name, "/authorizations/token/" + name, "/authorizations/cookie/c/" + name,
		} {
			if a := c.send("GET", path, ""); a.Status != http.StatusNotFound {
				t.Errorf("%s: status %d: %s", path, a.Status, a.Body)
			}
		}
		c.expect("POST", "/groups/"+name, "", 404, "")
		c.expect("POST", "/services/"+name, `{"display": true}`, 404, "")
		c.expect("PUT", "/users/ada/servers/"+name, "", 404, "")
		c.expect("DELETE", "/share-codes/ada/lab?code="+name, "", 404, "")
		c.expect("DELETE", "/share-codes/ada/lab?id=sc_"+name, "", 404, "")
		c.expect("GET", "/users?sort="+name, "", 400, "")
		c.expect("GET", "/users?state="+name, "", 400, "")
	}
}

// TestTextNobodyCanStore is TestNamesNobodyCanHave for bodies.
func TestTextNobodyCanStore(t *testing.T) {
	t.Parallel()
	c := admin(t, apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"db_url": storetest.Postgres(t)}}}))
	c.expect("POST", "/users/ada", "", 201, "")
	c.expect("POST", "/groups/g", "", 201, "")
	c.expect("PUT", "/users/ada/servers/lab", "", 201, "")
	for _, ask := range [][3]string{
		{"POST", "/users", `{"usernames": ["a\u0000b"]}`},
		{"PATCH", "/users/ada", `{"name": "a\u0000b"}`},
		{"POST", "/users/ada/tokens", `{"note": "a\u0000b"}`},
		{"POST", "/users/ada/tokens", `{"scopes": ["a\u0000b"]}`},
		{"POST", "/users/ada/tokens", `{"roles": ["a\u0000b"]}`},
		{"PUT", "/users/ada/servers/new", `{"display_name": "a\u0000b"}`},
		{"PATCH", "/users/ada/servers/lab", `{"display_name": "a\u0000b"}`},
		{"POST", "/groups", `{"groups": ["a\u0000b"]}`},
		{"POST", "/groups", `{"groups": ["h"], "users": ["a\u0000b"]}`},
		{"POST", "/groups/g/users", `{"users": ["a\u0000b"]}`},
		{"POST", "/services/s", `{"url": "http://a\u0000b"}`},
		{"POST", "/services/s", `{"api_token": "a\u0000bcdefghijkl"}`},
		{"POST", "/services/s", `{"oauth_redirect_uri": "a\u0000b"}`},
		{"POST", "/services/s", `{"oauth_client_id": "service-a\u0000b"}`},
		{"POST", "/services/s", `{"oauth_client_allowed_scopes": ["a\u0000b"]}`},
		{"POST", "/shares/ada/lab", `{"user": "a\u0000b"}`},
		{"POST", "/shares/ada/lab", `{"group": "a\u0000b"}`},
		{"POST", "/shares/ada/lab", `{"user": "ada", "scopes": ["a\u0000b"]}`},
		{"POST", "/share-codes/ada/lab", `{"scopes": ["a\u0000b"]}`},
		{"POST", "/users/ada/activity", `{"servers": {"a\u0000b": {"last_activity": "2026-01-01T00:00:00Z"}}}`},
		{"POST", "/users/ada/activity", `{"last_activity": "a\u0000b"}`},
	} {
		c.expect(ask[0], ask[1], ask[2], 400, `"status":400`)
	}
	const zero = `{"k": "a\u0000b"}` // JSON keeps it as an escape, so it can be stored
	c.expect("PUT", "/groups/g/properties", zero, 200, `a\u0000b`)
	c.expect("POST", "/services/s", `{"info": `+zero+`}`, 201, `a\u0000b`)
	c.expect("POST", "/users/ada/servers/lab", zero, 201, "")
}
