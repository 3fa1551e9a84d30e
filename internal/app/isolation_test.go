package app_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"berdlhub/internal/api"
	"berdlhub/internal/app/apptest"
	"berdlhub/internal/hub"
	"berdlhub/internal/pages"
	"berdlhub/internal/pages/admin"
)

var update = flag.Bool("update", false, "write the golden files anew")

// visit is a request to a route, with the names of an owner's things: {ada} the owner, {token} a token's id.
type visit struct {
	method string
	route  string // pattern as the package that owns the route gives it
	path   string
	form   url.Values
	body   string
	own    bool // reaches what the caller owns, whoever that is: another user may
	open   bool // is for everybody
	alone  bool // ends what other visits by the same caller need: an administrator of its own makes it
}

// visits has a row for every route of the pages, the API, the OAuth provider and the proxy.
var visits = []visit{
	{method: "GET", route: "{$}", path: "/hub/", own: true},
	{method: "GET", route: "login", path: "/hub/login", own: true, open: true},
	{method: "POST", route: "login", path: "/hub/login", form: url.Values{"username": {"somebody"}}, own: true, open: true},
	{method: "GET", route: "logout", path: "/hub/logout", own: true, open: true},
	{method: "GET", route: "mfa-required", path: "/hub/mfa-required?mfa_status=NotUsed", own: true, open: true},
	{method: "GET", route: "home", path: "/hub/home", own: true},
	{method: "POST", route: "home", path: "/hub/home", form: url.Values{"server_name": {"new"}}, own: true},
	{method: "GET", route: "spawn", path: "/hub/spawn", own: true},
	{method: "GET", route: "spawn/{user}", path: "/hub/spawn/{ada}"},
	{method: "GET", route: "spawn/{user}/{server}", path: "/hub/spawn/{ada}/old"},
	{method: "POST", route: "spawn", path: "/hub/spawn", form: url.Values{}, own: true},
	{method: "POST", route: "spawn/{user}", path: "/hub/spawn/{ada}", form: url.Values{}},
	{method: "POST", route: "spawn/{user}/{server}", path: "/hub/spawn/{ada}/old", form: url.Values{}},
	{method: "GET", route: "spawn-pending/{user}", path: "/hub/spawn-pending/{ada}"},
	{method: "GET", route: "spawn-pending/{user}/{server}", path: "/hub/spawn-pending/{ada}/old"},
	{method: "POST", route: "stop/{user}", path: "/hub/stop/{ada}", form: url.Values{}},
	{method: "POST", route: "stop/{user}/{server}", path: "/hub/stop/{ada}/run", form: url.Values{}},
	{method: "POST", route: "delete-server/{user}/{server}", path: "/hub/delete-server/{ada}/old", form: url.Values{}},
	{method: "GET", route: "token", path: "/hub/token", own: true},
	{method: "POST", route: "token", path: "/hub/token", form: url.Values{"note": {"x"}}, own: true},
	{method: "POST", route: "token/revoke", path: "/hub/token/revoke", form: url.Values{"token_id": {"{token}"}}},
	{method: "GET", route: "sessions", path: "/hub/sessions", own: true},
	{method: "POST", route: "sessions/end", path: "/hub/sessions/end", form: url.Values{"session": {"999999"}}, own: true},
	{method: "POST", route: "sessions/end-all", path: "/hub/sessions/end-all", form: url.Values{}, own: true, alone: true},
	{method: "GET", route: "accept-share", path: "/hub/accept-share?code=not-a-code", own: true},
	{method: "POST", route: "accept-share", path: "/hub/accept-share", form: url.Values{"code": {"not-a-code"}}, own: true},
	{method: "GET", route: "user-redirect/{path...}", path: "/hub/user-redirect/lab", own: true},
	{method: "", route: "user/{user}/{path...}", path: "/hub/user/{ada}/old/lab"},
	{method: "POST", route: "user/{user}/{path...}", path: "/hub/user/{ada}/old/api/kernels", body: "{}"},
	{method: "GET", route: "error/{status}", path: "/hub/error/503", own: true, open: true},

	{method: "GET", route: "admin", path: "/hub/admin?q={ada}"},
	{method: "POST", route: "admin/users", path: "/hub/admin/users", form: url.Values{"names": {"{ada}x"}}},
	{method: "GET", route: "admin/users/{user}", path: "/hub/admin/users/{ada}"},
	{method: "POST", route: "admin/users/{user}/admin", path: "/hub/admin/users/{ada}/admin", form: url.Values{"admin": {"yes"}}},
	{method: "POST", route: "admin/users/{user}/delete", path: "/hub/admin/users/{ada}/delete", form: url.Values{}},
	{method: "POST", route: "admin/users/{user}/tokens/revoke", path: "/hub/admin/users/{ada}/tokens/revoke", form: url.Values{"token_id": {"{token}"}}},
	{method: "POST", route: "admin/users/{user}/sign-out", path: "/hub/admin/users/{ada}/sign-out", form: url.Values{}},
	{method: "GET", route: "admin/servers", path: "/hub/admin/servers?q={ada}"},
	{method: "POST", route: "admin/start/{user}", path: "/hub/admin/start/{ada}", form: url.Values{}},
	{method: "POST", route: "admin/start/{user}/{server}", path: "/hub/admin/start/{ada}/old", form: url.Values{}},
	{method: "POST", route: "admin/stop/{user}", path: "/hub/admin/stop/{ada}", form: url.Values{"reason": {"x"}}},
	{method: "POST", route: "admin/stop/{user}/{server}", path: "/hub/admin/stop/{ada}/run", form: url.Values{}},
	{method: "POST", route: "admin/open/{user}", path: "/hub/admin/open/{ada}", form: url.Values{"reason": {"x"}}},
	{method: "POST", route: "admin/open/{user}/{server}", path: "/hub/admin/open/{ada}/run", form: url.Values{"reason": {"x"}}},
	{method: "GET", route: "admin/groups", path: "/hub/admin/groups"},
	{method: "POST", route: "admin/groups", path: "/hub/admin/groups", form: url.Values{"group": {"{ada}-{caller}"}}},
	{method: "GET", route: "admin/groups/{group}", path: "/hub/admin/groups/staff"},
	{method: "POST", route: "admin/groups/{group}/members", path: "/hub/admin/groups/staff/members", form: url.Values{"names": {"{ada}"}, "change": {"remove"}}},
	{method: "POST", route: "admin/groups/{group}/delete", path: "/hub/admin/groups/{ada}-none/delete", form: url.Values{}},
	{method: "GET", route: "admin/roles", path: "/hub/admin/roles"},
	{method: "GET", route: "admin/roles/{role}", path: "/hub/admin/roles/user"},
	{method: "POST", route: "admin/roles/{role}/members", path: "/hub/admin/roles/admin/members", form: url.Values{"kind": {"user"}, "name": {"{ada}"}, "change": {"add"}}},
	{method: "GET", route: "admin/services", path: "/hub/admin/services"},
	{method: "GET", route: "admin/audit", path: "/hub/admin/audit?target=user/{ada}"},

	{method: "GET", route: "/{$}", path: "/hub/api/", open: true},
	{method: "GET", route: "", path: "/hub/api", open: true},
	{method: "GET", route: "api-docs", path: "/hub/api-docs", own: true},
	{method: "GET", route: "/openapi.json", path: "/hub/api/openapi.json", open: true},
	{method: "GET", route: "/info", path: "/hub/api/info"},
	{method: "GET", route: "/user", path: "/hub/api/user", own: true},
	{method: "POST", route: "/refresh-token", path: "/hub/api/refresh-token", body: "{}", own: true},
	{method: "GET", route: "/users", path: "/hub/api/users"},
	{method: "POST", route: "/users", path: "/hub/api/users", body: `{"usernames": ["{ada}x"]}`},
	{method: "GET", route: "/users/{user}", path: "/hub/api/users/{ada}"},
	{method: "POST", route: "/users/{user}", path: "/hub/api/users/{ada}x", body: "{}"},
	{method: "DELETE", route: "/users/{user}", path: "/hub/api/users/{ada}"},
	{method: "PATCH", route: "/users/{user}", path: "/hub/api/users/{ada}", body: `{"admin": false}`},
	{method: "POST", route: "/users/{user}/admin-access", path: "/hub/api/users/{ada}/admin-access"},
	{method: "GET", route: "/groups", path: "/hub/api/groups"},
	{method: "POST", route: "/groups", path: "/hub/api/groups", body: `{"groups": ["{ada}-{caller}-many"], "users": ["{ada}"]}`},
	{method: "GET", route: "/groups/{group}", path: "/hub/api/groups/staff"},
	{method: "POST", route: "/groups/{group}", path: "/hub/api/groups/{ada}-{caller}-one", body: "{}"},
	{method: "DELETE", route: "/groups/{group}", path: "/hub/api/groups/{ada}-none"},
	{method: "POST", route: "/groups/{group}/users", path: "/hub/api/groups/staff/users", body: `{"users": ["{ada}"]}`},
	{method: "DELETE", route: "/groups/{group}/users", path: "/hub/api/groups/staff/users", body: `{"users": ["{ada}"]}`},
	{method: "PUT", route: "/groups/{group}/properties", path: "/hub/api/groups/staff/properties", body: `{}`},
	{method: "GET", route: "/services", path: "/hub/api/services"},
	{method: "GET", route: "/services/{service}", path: "/hub/api/services/tests"},
	{method: "POST", route: "/services/{service}", path: "/hub/api/services/{ada}-{caller}", body: `{"display": false}`},
	{method: "DELETE", route: "/services/{service}", path: "/hub/api/services/{ada}-none"},
	{method: "GET", route: "/proxy", path: "/hub/api/proxy"},
	{method: "POST", route: "/proxy", path: "/hub/api/proxy", body: "{}"},
	{method: "PATCH", route: "/proxy", path: "/hub/api/proxy", body: "{}"},
	{method: "POST", route: "/shutdown", path: "/hub/api/shutdown", body: `{"proxy": "nonsense"}`},
	{method: "POST", route: "/authorizations/token", path: "/hub/api/authorizations/token", body: "{}", own: true, open: true},
	{method: "GET", route: "/authorizations/token/{token}", path: "/hub/api/authorizations/token/not-a-token-of-anybody", own: true},
	{method: "GET", route: "/authorizations/cookie/{cookie}", path: "/hub/api/authorizations/cookie/jupyterhub-hub-login", own: true},
	{method: "GET", route: "/authorizations/cookie/{cookie}/{value}", path: "/hub/api/authorizations/cookie/jupyterhub-hub-login/false", own: true},
	{method: "PATCH", route: "/users/{user}/server", path: "/hub/api/users/{ada}/server", body: `{"display_name": "x"}`},
	{method: "PATCH", route: "/users/{user}/servers/{$}", path: "/hub/api/users/{ada}/servers/", body: `{"display_name": "x"}`},
	{method: "PATCH", route: "/users/{user}/servers/{server}", path: "/hub/api/users/{ada}/servers/old", body: `{"display_name": "x"}`},
	{method: "POST", route: "/users/{user}/activity", path: "/hub/api/users/{ada}/activity", body: `{"last_activity": "2020-01-01T00:00:00Z"}`},
	{method: "GET", route: "/users/{user}/tokens", path: "/hub/api/users/{ada}/tokens"},
	{method: "POST", route: "/users/{user}/tokens", path: "/hub/api/users/{ada}/tokens", body: `{"note": "x"}`},
	{method: "GET", route: "/users/{user}/tokens/{token}", path: "/hub/api/users/{ada}/tokens/{token}"},
	{method: "DELETE", route: "/users/{user}/tokens/{token}", path: "/hub/api/users/{ada}/tokens/{token}"},
	{method: "DELETE", route: "/users/{user}/tokens/{token}", path: "/hub/api/users/{caller}/tokens/{token}"},
	{method: "GET", route: "/users/{user}/server/progress", path: "/hub/api/users/{ada}/server/progress"},
	{method: "GET", route: "/users/{user}/servers/{server}/progress", path: "/hub/api/users/{ada}/servers/run/progress"},
	{method: "GET", route: "/users/{user}/server", path: "/hub/api/users/{ada}/server"},
	{method: "PUT", route: "/users/{user}/server", path: "/hub/api/users/{ada}/server", body: "{}"},
	{method: "POST", route: "/users/{user}/server", path: "/hub/api/users/{ada}/server", body: "{}"},
	{method: "DELETE", route: "/users/{user}/server", path: "/hub/api/users/{ada}/server"},
	{method: "GET", route: "/users/{user}/servers/{$}", path: "/hub/api/users/{ada}/servers/"},
	{method: "PUT", route: "/users/{user}/servers/{$}", path: "/hub/api/users/{ada}/servers/", body: "{}"},
	{method: "POST", route: "/users/{user}/servers/{$}", path: "/hub/api/users/{ada}/servers/", body: "{}"},
	{method: "DELETE", route: "/users/{user}/servers/{$}", path: "/hub/api/users/{ada}/servers/"},
	{method: "GET", route: "/users/{user}/servers/{server}", path: "/hub/api/users/{ada}/servers/run"},
	{method: "PUT", route: "/users/{user}/servers/{server}", path: "/hub/api/users/{ada}/servers/new", body: "{}"},
	{method: "POST", route: "/users/{user}/servers/{server}", path: "/hub/api/users/{ada}/servers/old", body: "{}"},
	{method: "DELETE", route: "/users/{user}/servers/{server}", path: "/hub/api/users/{ada}/servers/run", body: `{"remove": true}`},

	{method: "GET", route: "/shares/{user}", path: "/hub/api/shares/{ada}"},
	{method: "GET", route: "/share-codes/{user}", path: "/hub/api/share-codes/{ada}"},
	{method: "GET", route: "/users/{user}/shared", path: "/hub/api/users/{ada}/shared"},
	{method: "GET", route: "/groups/{group}/shared", path: "/hub/api/groups/staff/shared"},
	{method: "GET", route: "/shares/{user}/{$}", path: "/hub/api/shares/{ada}/"},
	{method: "POST", route: "/shares/{user}/{$}", path: "/hub/api/shares/{ada}/", body: `{"user": "{caller}"}`},
	{method: "PATCH", route: "/shares/{user}/{$}", path: "/hub/api/shares/{ada}/", body: `{"user": "{caller}"}`},
	{method: "DELETE", route: "/shares/{user}/{$}", path: "/hub/api/shares/{ada}/"},
	{method: "GET", route: "/share-codes/{user}/{$}", path: "/hub/api/share-codes/{ada}/"},
	{method: "POST", route: "/share-codes/{user}/{$}", path: "/hub/api/share-codes/{ada}/", body: `{}`},
	{method: "DELETE", route: "/share-codes/{user}/{$}", path: "/hub/api/share-codes/{ada}/"},
	{method: "GET", route: "/users/{user}/shared/{owner}/{$}", path: "/hub/api/users/{ada}/shared/root-admin/"},
	{method: "DELETE", route: "/users/{user}/shared/{owner}/{$}", path: "/hub/api/users/{ada}/shared/root-admin/"},
	{method: "GET", route: "/groups/{group}/shared/{owner}/{$}", path: "/hub/api/groups/staff/shared/{ada}/"},
	{method: "DELETE", route: "/groups/{group}/shared/{owner}/{$}", path: "/hub/api/groups/staff/shared/{ada}/"},
	{method: "GET", route: "/shares/{user}/{server}", path: "/hub/api/shares/{ada}/run"},
	{method: "POST", route: "/shares/{user}/{server}", path: "/hub/api/shares/{ada}/run", body: `{"user": "{caller}"}`},
	{method: "PATCH", route: "/shares/{user}/{server}", path: "/hub/api/shares/{ada}/run", body: `{"user": "{caller}"}`},
	{method: "DELETE", route: "/shares/{user}/{server}", path: "/hub/api/shares/{ada}/run"},
	{method: "GET", route: "/share-codes/{user}/{server}", path: "/hub/api/share-codes/{ada}/run"},
	{method: "POST", route: "/share-codes/{user}/{server}", path: "/hub/api/share-codes/{ada}/run", body: `{}`},
	{method: "DELETE", route: "/share-codes/{user}/{server}", path: "/hub/api/share-codes/{ada}/run"},
	{method: "GET", route: "/users/{user}/shared/{owner}/{server}", path: "/hub/api/users/{ada}/shared/root-admin/run"},
	{method: "DELETE", route: "/users/{user}/shared/{owner}/{server}", path: "/hub/api/users/{ada}/shared/root-admin/run"},
	{method: "GET", route: "/groups/{group}/shared/{owner}/{server}", path: "/hub/api/groups/staff/shared/{ada}/run"},
	{method: "DELETE", route: "/groups/{group}/shared/{owner}/{server}", path: "/hub/api/groups/staff/shared/{ada}/run"},

	{method: "GET", route: "oauth2/authorize", path: "/hub/api/oauth2/authorize?client_id=jupyterhub-user-{ada}&response_type=code&redirect_uri=/user/{ada}/oauth_callback&state=x"},
	{method: "POST", route: "oauth2/authorize", path: "/hub/api/oauth2/authorize?client_id=jupyterhub-user-{ada}&response_type=code&redirect_uri=/user/{ada}/oauth_callback&state=x", form: url.Values{"scopes": {"access:servers!server={ada}/"}}},
	{method: "POST", route: "oauth2/token", path: "/hub/api/oauth2/token", form: url.Values{"client_id": {"jupyterhub-user-{ada}"}, "client_secret": {"x"}, "grant_type": {"authorization_code"}, "code": {"x"}}},
	{method: "GET", route: "health", path: "/hub/health", own: true, open: true},
	{method: "GET", route: "health", path: "/hub/health?deep", own: true, open: true},
	{method: "GET", route: "/health", path: "/hub/api/health", own: true, open: true},
	{method: "GET", route: "metrics", path: "/hub/metrics"},
	{method: "GET", route: "/metrics", path: "/hub/api/metrics"},
	{method: "POST", route: "security/csp-report", path: "/hub/security/csp-report", body: "{}", own: true, open: true},

	{method: "GET", route: "proxy", path: "/user/{ada}/lab"},
	{method: "GET", route: "proxy", path: "/user/{ada}/files/secret.txt"},
	{method: "GET", route: "proxy", path: "/user/{ada}/run/lab"},
	{method: "GET", route: "proxy", path: "/user/{ada}/old/lab"},
	{method: "GET", route: "proxy", path: "/user/{%61da}/lab"},
	{method: "POST", route: "proxy", path: "/user/{ada}/api/kernels", body: "{}"},
	{method: "DELETE", route: "proxy", path: "/user/{ada}/api/contents/x"},
}

// callers are who makes each visit.
var callers = []string{"nobody", "other", "owner", "admin"}

// outcome says in a word how an answer ended: where a redirect leads counts, with the names of the caller and the owner replaced.
// In a server one is in, or asked for consent, or sent to sign in.
func outcome(b *apptest.Browser, a *apptest.Answer, v visit, names map[string]string) string {
	for range maxHops {
		switch {
		case a.Status/100 == 2 && v.route == "proxy" && strings.HasPrefix(a.Body, "the server of"):
			return "in"
		case a.Status/100 == 2 && v.route == "proxy" && strings.Contains(a.Body, "/hub/api/oauth2/authorize"):
			return "asked"
		case a.Status/100 == 2:
			return "ok"
		case a.Status/100 != 3:
			return fmt.Sprint(a.Status)
		case strings.HasPrefix(a.Location, "/hub/login?"):
			return "sign-in"
		case v.route != "proxy" || !strings.HasPrefix(a.Location, "/"):
			return place(a.Location, names)
		}
		a = b.Get(a.Location)
	}
	return "loop"
}

// place is a redirect's target without what differs from run to run. A start leads to its progress or, when it was fast, to the server.
func place(at string, names map[string]string) string {
	at, _, _ = strings.Cut(at, "?")
	if rest, ok := strings.CutPrefix(at, "/hub/spawn-pending/"); ok {
		at = "/user/" + rest + "/"
	}
	parts := strings.Split(at, "/")
	for i, part := range parts {
		if word := names[part]; word != "" {
			parts[i] = word
		}
	}
	return "to " + strings.Join(parts, "/")
}

// refused says that an outcome gave nothing.
func refused(outcome string) bool { return outcome == "sign-in" || outcome[0] == '4' }

// victim is the one owner of all visits by those who may not change anything.
type victim struct{ name, token, state string }

// cell plays one visit by one caller. Those who may change something get an owner of their own; the others must leave the victim
// as it is.
func (v visit) cell(t *testing.T, h *apptest.Hub, n int, caller string, ada victim) string {
	t.Helper()
	owner := fmt.Sprintf("o%d%s", n, caller)
	token, b := "a0", h.Browser(t)
	stranger := caller == "nobody" || caller == "other"
	switch {
	case stranger:
		owner, token = ada.name, ada.token
	case v.own:
		b.SignIn(owner)
	default:
		b, token = world(t, h, owner, true)
	}
	name := owner
	switch caller {
	case "nobody":
		name = "nobody"
	case "other":
		name = fmt.Sprintf("x%d", n)
		b.SignIn(name)
	case "admin":
		name = "root-admin"
		if v.alone {
			name = fmt.Sprintf("boss%d", n)
			h.Service(t, http.MethodPost, "/users/"+name, `{"admin": true}`)
		}
		b = h.Browser(t).SignIn(name)
	}
	fill := strings.NewReplacer("{ada}", owner, "{%61da}", fmt.Sprintf("%%%02x%s", owner[0], owner[1:]), "{token}", token, "{caller}", name).Replace
	got := outcome(b, v.send(b, fill), v, map[string]string{owner: "OWNER", name: "ME", owner + "-" + name: "OWNER-ME"})
	if caller == "other" && strings.HasPrefix(v.path, "/hub/api/users/") {
		v.byToken(t, h, name, fill)
	}
	if stranger {
		if after := h.State(t, owner); after != ada.state {
			t.Errorf("%s %s by %s changed %q to %q", v.method, v.path, caller, ada.state, after)
		}
	}
	return got
}

// byToken makes the visit with another user's API token.
func (v visit) byToken(t *testing.T, h *apptest.Hub, other string, fill func(string) string) {
	t.Helper()
	var made struct {
		Token string `json:"token"`
	}
	a := h.Service(t, http.MethodPost, "/users/"+other+"/tokens", "{}")
	if err := json.Unmarshal([]byte(a.Body), &made); err != nil || made.Token == "" {
		t.Fatalf("make a token: status %d\n%s", a.Status, a.Body)
	}
	if a := h.Browser(t).Send(v.method, fill(v.path), fill(v.body), "Authorization", "token "+made.Token); a.Status < 400 || a.Status > 499 {
		t.Errorf("%s %s with another user's token: status %d\n%s", v.method, v.path, a.Status, a.Body)
	}
}

func (v visit) send(b *apptest.Browser, fill func(string) string) *apptest.Answer {
	path := fill(v.path)
	isAPI := strings.HasPrefix(path, "/hub/api/") && v.form == nil
	switch {
	case isAPI:
		return b.API(v.method, strings.TrimPrefix(path, "/hub/api"), fill(v.body))
	case v.form != nil:
		form := url.Values{}
		for name, values := range v.form {
			form.Set(name, fill(values[0]))
		}
		return b.Post(path, form)
	case v.method == "" || v.method == http.MethodGet:
		return b.Get(path)
	}
	return b.Send(v.method, path, fill(v.body), "Content-Type", "application/json", "X-Xsrftoken", b.XSRF())
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	h := guarded(t, apptest.Options{})
	h.Browser(t).SignIn("root-admin")
	h.Ready(t, hub.ServerKey{User: "root-admin"})
	ada := victim{name: "ada"}
	_, ada.token = world(t, h, ada.name, true)
	ada.state = h.State(t, ada.name)
	rows := make([]string, len(visits))
	var wg sync.WaitGroup
	places := make(chan struct{}, 4)
	for i, v := range visits {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			outcomes := []string{}
			for _, caller := range callers {
				outcomes = append(outcomes, v.cell(t, h, i, caller, ada))
			}
			if nobody, other := outcomes[0], outcomes[1]; !v.open && (!refused(nobody) || !v.own && !refused(other)) {
				t.Errorf("%s %s: nobody %s, another user %s", v.method, v.path, nobody, other)
			}
			rows[i] = fmt.Sprintf("%-6s %-60s %-14s %-14s %-18s %s\n", v.method, strings.Split(v.path, "?")[0], outcomes[0], outcomes[1], outcomes[2], outcomes[3])
		})
	}
	wg.Wait()
	head := fmt.Sprintf("%-6s %-60s %-14s %-14s %-18s %s\n", "method", "route", callers[0], callers[1], callers[2], callers[3])
	golden(t, "routes.golden", head+strings.Join(rows, ""))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is another; if that is meant, run go test ./internal/app -run %s -update and read the difference.\ngot:\n%s", file, t.Name(), got)
	}
}

// TestEveryRouteIsVisited fails when a route was added without a row in visits, or one that changes something without one in changes.
func TestEveryRouteIsVisited(t *testing.T) {
	t.Parallel()
	routes := [][3]string{} // method, pattern, pattern below the hub's path
	for _, r := range pages.New(pages.Config{BaseURL: "/"}, nil, nil, nil, nil).Routes() {
		routes = append(routes, [3]string{r.Method, r.Path, r.Path})
	}
	for _, r := range admin.New(admin.Config{BaseURL: "/"}, nil, nil, nil, nil, nil).Routes() {
		routes = append(routes, [3]string{r.Method, r.Path, r.Path})
	}
	for _, r := range new(api.API).Routes() {
		routes = append(routes, [3]string{r.Method, r.Path, "api" + r.Path})
	}
	if len(routes) < 40 {
		t.Errorf("only %d routes", len(routes))
	}
	wildcard := regexp.MustCompile(`\{[a-z]+\}`)
	for _, r := range routes {
		if !slices.ContainsFunc(visits, func(v visit) bool { return v.method == r[0] && v.route == r[1] }) {
			t.Errorf("%s %s has no row in visits", r[0], r[1])
		}
		if r[0] == "" || r[0] == http.MethodGet || r[2] == "login" { // sign-in has a test of its own
			continue
		}
		path := regexp.MustCompile("^" + wildcard.ReplaceAllString(strings.ReplaceAll(r[2], "{$}", ""), "[^/]+") + "$")
		if !slices.ContainsFunc(changes, func(c change) bool { return c.method == r[0] && path.MatchString(c.path) }) {
			t.Errorf("%s %s has no row in changes", r[0], r[2])
		}
	}
}
