package app_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
)

const formKind = "application/x-www-form-urlencoded"

// change is a request that changes something of ada's, as the hub's own page makes it.
type change struct {
	method string
	path   string // below /hub/
	form   url.Values
	body   string // JSON, in place of a form
	done   bool   // may leave everything as it was
	admin  bool   // by an administrator, to {me}
}

// changes are all of the routes by which a browser's session changes something; TestRoutes checks that none is missing.
var changes = []change{
	{method: "POST", path: "home", form: url.Values{"server_name": {"new"}}},
	{method: "POST", path: "spawn", form: url.Values{"profile": {"x"}}},
	{method: "POST", path: "spawn/{me}", form: url.Values{}},
	{method: "POST", path: "spawn/{me}/gpu", form: url.Values{}},
	{method: "POST", path: "stop/{me}", form: url.Values{}},
	{method: "POST", path: "stop/{me}/run", form: url.Values{}},
	{method: "POST", path: "delete-server/{me}/old", form: url.Values{}},
	{method: "POST", path: "token", form: url.Values{"note": {"x"}}},
	{method: "POST", path: "token/revoke", form: url.Values{"token_id": {"{token}"}}},
	{method: "POST", path: "api/refresh-token", body: `{}`, done: true},
	{method: "POST", path: "api/users", body: `{"usernames": ["{me}x"]}`, admin: true},
	{method: "POST", path: "api/users/{me}x", body: `{}`, admin: true},
	{method: "DELETE", path: "api/users/{me}", body: `{}`, admin: true},
	{method: "PATCH", path: "api/users/{me}", body: `{"admin": true}`, admin: true, done: true},
	{method: "POST", path: "api/users/{me}/admin-access", body: `{}`, admin: true, done: true},
	{method: "POST", path: "api/groups", body: `{"groups": ["{me}-many"]}`, admin: true, done: true},
	{method: "POST", path: "api/groups/{me}-one", body: `{}`, admin: true, done: true},
	{method: "DELETE", path: "api/groups/{me}-none", body: `{}`, admin: true, done: true},
	{method: "POST", path: "api/groups/staff/users", body: `{"users": ["{me}"]}`, admin: true, done: true},
	{method: "DELETE", path: "api/groups/staff/users", body: `{"users": ["{me}"]}`, admin: true, done: true},
	{method: "PUT", path: "api/groups/staff/properties", body: `{"a": 1}`, admin: true, done: true},
	{method: "POST", path: "api/services/{me}-one", body: `{"display": false}`, admin: true, done: true},
	{method: "DELETE", path: "api/services/{me}-none", body: `{}`, admin: true, done: true},
	{method: "POST", path: "api/proxy", body: `{}`, admin: true, done: true},
	{method: "PATCH", path: "api/proxy", body: `{}`, admin: true, done: true},
	{method: "POST", path: "api/shutdown", body: `{"proxy": "nonsense"}`, admin: true, done: true},
	{method: "POST", path: "api/authorizations/token", body: `{}`, done: true},
	{method: "PATCH", path: "api/users/{me}/server", body: `{"display_name": "x"}`, done: true},
	{method: "PATCH", path: "api/users/{me}/servers/", body: `{"display_name": "x"}`, done: true},
	{method: "PATCH", path: "api/users/{me}/servers/old", body: `{"display_name": "x"}`, done: true},
	{method: "POST", path: "api/users/{me}/activity", body: `{"last_activity": "2020-01-01T00:00:00Z"}`, done: true},
	{method: "POST", path: "api/users/{me}/tokens", body: `{"note": "x"}`},
	{method: "DELETE", path: "api/users/{me}/tokens/{token}", body: `{}`},
	{method: "PUT", path: "api/users/{me}/server", body: `{}`, done: true},
	{method: "POST", path: "api/users/{me}/server", body: `{}`},
	{method: "DELETE", path: "api/users/{me}/server", body: `{}`},
	{method: "PUT", path: "api/users/{me}/servers/", body: `{}`, done: true},
	{method: "POST", path: "api/users/{me}/servers/", body: `{}`},
	{method: "DELETE", path: "api/users/{me}/servers/", body: `{}`},
	{method: "PUT", path: "api/users/{me}/servers/gpu", body: `{}`},
	{method: "POST", path: "api/users/{me}/servers/gpu", body: `{}`},
	{method: "DELETE", path: "api/users/{me}/servers/run", body: `{}`},
	{method: "POST", path: "sessions/end", form: url.Values{"session": {"999999"}}, done: true},
	{method: "POST", path: "sessions/end-all", form: url.Values{}, done: true},
	{method: "POST", path: "accept-share", form: url.Values{"code": {"not-a-code"}}, done: true}, // with a real code: TestForgedInvitation
	{method: "POST", path: "api/shares/{me}/run", body: `{"user": "root-admin"}`, admin: true},
	{method: "PATCH", path: "api/shares/{me}/run", body: `{"user": "root-admin"}`, admin: true, done: true},
	{method: "DELETE", path: "api/shares/{me}/run", body: `{}`, admin: true, done: true},
	{method: "POST", path: "api/share-codes/{me}/run", body: `{}`, admin: true},
	{method: "DELETE", path: "api/share-codes/{me}/run", body: `{}`, admin: true, done: true},
	{method: "DELETE", path: "api/users/{me}/shared/root-admin/run", body: `{}`, done: true},
	{method: "DELETE", path: "api/groups/staff/shared/{me}/run", body: `{}`, admin: true, done: true},
	{method: "POST", path: "api/shares/{me}/", body: `{"user": "root-admin"}`, admin: true, done: true},
	{method: "PATCH", path: "api/shares/{me}/", body: `{"user": "root-admin"}`, admin: true, done: true},
	{method: "DELETE", path: "api/shares/{me}/", body: `{}`, admin: true, done: true},
	{method: "POST", path: "api/share-codes/{me}/", body: `{}`, admin: true, done: true},
	{method: "DELETE", path: "api/share-codes/{me}/", body: `{}`, admin: true, done: true},
	{method: "DELETE", path: "api/users/{me}/shared/root-admin/", body: `{}`, done: true},
	{method: "DELETE", path: "api/groups/staff/shared/{me}/", body: `{}`, admin: true, done: true},
	{method: "POST", path: "admin/users", form: url.Values{"names": {"{me}x"}}, admin: true},
	{method: "POST", path: "admin/users/{me}/admin", form: url.Values{"admin": {"yes"}}, admin: true, done: true},
	{method: "POST", path: "admin/users/{me}/delete", form: url.Values{}, admin: true, done: true},
	{method: "POST", path: "admin/users/{me}/tokens/revoke", form: url.Values{"token_id": {"{token}"}}, admin: true},
	{method: "POST", path: "admin/users/{me}/sign-out", form: url.Values{}, admin: true, done: true}, // what it does: TestAdminSignsOut
	{method: "POST", path: "admin/start/{me}", form: url.Values{}, admin: true},
	{method: "POST", path: "admin/start/{me}/old", form: url.Values{}, admin: true},
	{method: "POST", path: "admin/stop/{me}", form: url.Values{}, admin: true},
	{method: "POST", path: "admin/stop/{me}/run", form: url.Values{"reason": {"x"}}, admin: true},
	{method: "POST", path: "admin/open/{me}", form: url.Values{"reason": {"x"}}, admin: true, done: true},
	{method: "POST", path: "admin/open/{me}/run", form: url.Values{"reason": {"x"}}, admin: true, done: true},
	{method: "POST", path: "admin/groups", form: url.Values{"group": {"{me}-group"}}, admin: true, done: true},
	{method: "POST", path: "admin/groups/none/members", form: url.Values{"names": {"{me}"}, "change": {"add"}}, admin: true, done: true},
	{method: "POST", path: "admin/groups/none/delete", form: url.Values{}, admin: true, done: true},
	{method: "POST", path: "admin/roles/admin/members", form: url.Values{"kind": {"user"}, "name": {"{me}"}, "change": {"add"}}, admin: true, done: true},
	{method: "GET", path: "logout"},
	{method: "GET", path: "spawn?opt-profile=x"},
	{method: "GET", path: "spawn?profile=x"},
	{method: "GET", path: "spawn/{me}/gpu"},
	{method: "GET", path: "login?next=/hub/spawn", done: true},
	{method: "GET", path: "user-redirect/lab", done: true},
	{method: "GET", path: "user/{me}/lab", done: true},
	{method: "GET", path: "api/users/{me}/server", done: true},
}

// forgery is a way in which another site, or a page of another user's server, could make a browser send a request.
type forgery struct {
	headers []string
	token   bool   // knows the right _xsrf value, for example by reading it through a hole elsewhere
	field   string // in place of it
	cookie  bool   // sends field as the browser's cookie too
	text    bool   // sends the body as text/plain
	get     bool   // is a GET, with the fields in the address
	onlyGET bool   // tries the routes of GET too
}

func forgeries(stolen string) map[string]forgery {
	cross := []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Origin", "https://e.example"}
	same := []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Origin", "https://other.kbase.us"}
	own := []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "no-cors"}
	return map[string]forgery{
		"no headers, no token":      {},
		"another origin":            {headers: []string{"Origin", "https://e.example"}},
		"null origin":               {headers: []string{"Origin", "null"}},
		"cross-site with the token": {headers: cross, token: true, onlyGET: true},
		"same-site with the token":  {headers: same, token: true, onlyGET: true},
		"cross-site no-cors":        {headers: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, token: true, onlyGET: true},
		"unknown site":              {headers: []string{"Sec-Fetch-Site", "x", "Sec-Fetch-Mode", "navigate"}, token: true, onlyGET: true},
		"no-cors of this host":      {headers: own},
		"navigation of this host":   {headers: []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate"}},
		"cross-site text":           {headers: cross, token: true, text: true},
		"text":                      {text: true},
		"cross-site GET":            {headers: cross, token: true, get: true},
		"another session's token":   {field: stolen},
		"another session's cookie":  {field: stolen, cookie: true},
		"garbage":                   {field: "2|1:0|10:1|5:_xsrf|4:eHh4|0", cookie: true},
	}
}

// send sends a change in the way of a forgery, or rightly when it is nil.
func (c change) send(b *apptest.Browser, name, token, xsrf string, f *forgery) *apptest.Answer {
	replace := strings.NewReplacer("{me}", name, "{token}", token).Replace
	path, headers, body := "/hub/"+replace(c.path), []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate"}, replace(c.body)
	field, method, kind := xsrf, c.method, "application/json"
	if f != nil {
		headers, field = f.headers, f.field
		if f.token {
			field = xsrf
		}
		if f.cookie {
			b.Jar.SetCookies(b.At(path), []*http.Cookie{{Name: auth.XSRFCookie, Value: field, Path: "/hub/"}})
		}
	}
	headers = slices.Clone(headers)
	if c.form != nil {
		form := maps.Clone(c.form)
		for name, values := range form {
			form[name] = []string{replace(values[0])}
		}
		if field != "" {
			form.Set("_xsrf", field)
		}
		kind, body = formKind, form.Encode()
	} else if c.method != http.MethodGet {
		headers = append(headers, "X-Xsrftoken", field)
	}
	switch {
	case f != nil && f.get:
		method, path, body = http.MethodGet, path+"?"+body, ""
	case f != nil && f.text:
		kind = "text/plain"
	}
	if method != http.MethodGet {
		headers = append(headers, "Content-Type", kind)
	}
	return b.Send(method, path, body, headers...)
}

// state is all that a change could change of a user.
func state(t *testing.T, h *apptest.Hub, b *apptest.Browser, name string) string {
	t.Helper()
	signedIn := "out"
	if a := b.Get("/hub/home"); a.Status == http.StatusOK {
		signedIn = "in"
	}
	return signedIn + " " + h.State(t, name)
}

// world makes a user with servers and a token: a default server that runs if the route is about to stop it, a named one that runs
// (run), one that stopped (old) and a plain token.
func world(t *testing.T, h *apptest.Hub, name string, running bool) (b *apptest.Browser, token string) {
	t.Helper()
	b = h.Browser(t).SignIn(name)
	for _, server := range []string{"run", "old"} {
		h.Ready(t, hub.ServerKey{User: name, Server: server})
	}
	if running {
		h.Ready(t, hub.ServerKey{User: name})
	}
	if a := h.Service(t, http.MethodDelete, "/users/"+name+"/servers/old", ""); a.Status/100 != 2 {
		t.Fatalf("stop a server: status %d\n%s", a.Status, a.Body)
	}
	h.Until(t, "a server stops", func() bool { return !slices.Contains(h.ReadyServers(t, name), "old") })
	return b, h.Token(t, name)
}

func TestCrossSite(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	for i, c := range changes {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			t.Parallel()
			name := "user" + string(rune('a'+i/26)) + string(rune('a'+i%26))
			b, token := world(t, h, name, c.method == "DELETE" || strings.HasPrefix(strings.TrimPrefix(c.path, "admin/"), "stop"))
			if c.admin {
				b = h.Browser(t).SignIn("root-admin")
			}
			other := h.Browser(t).SignIn(name)
			before := state(t, h, b, name)
			for way, f := range forgeries(other.XSRF()) {
				if c.method == http.MethodGet && (f.text || f.get || !f.onlyGET) {
					continue // a GET without a browser's word is answered, as programs and old browsers send it
				}
				xsrf := b.XSRF()
				a := c.send(b, name, token, xsrf, &f)
				if c.method != http.MethodGet && !f.get && (a.Status < 400 || a.Status > 499) {
					t.Errorf("%s: status %d\n%s", way, a.Status, a.Body)
				}
				if after := state(t, h, b, name); after != before {
					t.Fatalf("%s changed %q to %q", way, before, after)
				}
				if f.cookie {
					b.Jar.SetCookies(b.At("/hub/"), []*http.Cookie{{Name: auth.XSRFCookie, Path: "/hub/", MaxAge: -1}})
				}
			}
			// The same, from the hub's own page, does change something: the requests above were refused for where they came from.
			if a := c.send(b, name, token, b.XSRF(), nil); a.Status >= 400 && !c.done {
				t.Fatalf("rightly: status %d\n%s", a.Status, a.Body)
			}
			if !c.done {
				h.Until(t, "a right request changes something", func() bool { return state(t, h, b, name) != before })
			}
		})
	}
}

// TestCrossSiteSignIn holds that another site cannot sign a browser in as somebody.
func TestCrossSiteSignIn(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	stolen := h.Browser(t).XSRF()
	for way, f := range forgeries(stolen) {
		b := h.Browser(t)
		if f.field == stolen {
			continue // nobody's token belongs to an address and a browser's name, which are the same here
		}
		a := change{method: "POST", path: "login", form: url.Values{"username": {"eve"}}}.send(b, "", "", b.XSRF(), &f)
		if b.Cookie(auth.LoginCookie) != "" || !f.get && (a.Status < 400 || a.Status > 499) {
			t.Errorf("%s: status %d", way, a.Status)
		}
	}
	if h.Exists(t, "eve") {
		t.Error("a user was made")
	}
}
