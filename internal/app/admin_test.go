package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/hub"
	"berdlhub/internal/spawn/spawntest"
)

// adminAction is something that the administration's pages do to a user, {me}, and the scopes that it needs beside admin-ui.
type adminAction struct {
	name   string
	path   string
	form   url.Values
	scopes []string
	done   func(t *testing.T, h *apptest.Hub, user string) bool
	// stopped: nothing of the user's runs.
	stopped bool
}

func adminActions(root *apptest.Browser) []adminAction {
	serves := func(server string, want bool) func(*testing.T, *apptest.Hub, string) bool {
		return func(t *testing.T, h *apptest.Hub, user string) bool {
			return slices.Contains(h.ReadyServers(t, user), server) == want
		}
	}
	audited := func(action, target string) func(*testing.T, *apptest.Hub, string) bool {
		return func(t *testing.T, h *apptest.Hub, user string) bool {
			a := root.Get("/hub/admin/audit?action=" + action + "&target=" + strings.ReplaceAll(target, "{me}", user))
			return strings.Contains(a.Body, action+"</td>") && strings.Contains(a.Body, user)
		}
	}
	shows := func(path, what string) func(*testing.T, *apptest.Hub, string) bool {
		return func(t *testing.T, h *apptest.Hub, user string) bool {
			return strings.Contains(root.Get("/hub/admin/"+path).Body, strings.ReplaceAll(what, "{me}", user))
		}
	}
	return []adminAction{
		{name: "add a group", path: "groups", form: url.Values{"group": {"{me} team"}}, scopes: []string{"admin:groups"}, done: shows("groups", "/hub/admin/groups/{me}%20team")},
		{name: "add a member", path: "groups/soil/members", form: url.Values{"names": {"{me}"}, "change": {"add"}}, scopes: []string{"groups"}, done: shows("groups/soil", "/hub/admin/users/{me}")},
		{
			name: "remove a member", path: "groups/peat/members", form: url.Values{"names": {"peter"}, "change": {"remove"}}, scopes: []string{"groups"},
			done: func(t *testing.T, h *apptest.Hub, user string) bool {
				return !shows("groups/peat", "/hub/admin/users/peter")(t, h, user)
			},
		},
		{
			name: "delete a group", path: "groups/old/delete", scopes: []string{"delete:groups"},
			done: func(t *testing.T, h *apptest.Hub, user string) bool {
				return !shows("groups", "/hub/admin/groups/old")(t, h, user)
			},
		},
		{name: "add", path: "users", form: url.Values{"names": {"{me}x"}}, scopes: []string{"admin:users"}, done: func(t *testing.T, h *apptest.Hub, user string) bool { return h.Exists(t, user+"x") }},
		{name: "delete", path: "users/{me}/delete", scopes: []string{"delete:users"}, stopped: true, done: func(t *testing.T, h *apptest.Hub, user string) bool { return !h.Exists(t, user) }},
		{name: "revoke", path: "users/{me}/tokens/revoke", form: url.Values{"token_id": {"{token}"}}, scopes: []string{"tokens"}, done: func(t *testing.T, h *apptest.Hub, user string) bool { return h.Tokens(t, user) == "" }},
		{name: "start", path: "start/{me}/old", scopes: []string{"start:servers"}, done: serves("old", true)},
		{name: "start default", path: "start/{me}", form: url.Values{"reason": {"x"}}, scopes: []string{"start:servers"}, done: serves("", true)},
		{name: "stop", path: "stop/{me}/run", form: url.Values{"reason": {"maintenance"}}, scopes: []string{"delete:servers"}, done: serves("run", false)},
		{name: "open", path: "open/{me}/run", form: url.Values{"reason": {"a look"}}, scopes: []string{"access:servers"}, done: audited("server.open", "server/{me}")},
		{
			name: "give a role", path: "roles/reader/members", form: url.Values{"kind": {"user"}, "name": {"{me}"}, "change": {"add"}},
			scopes: []string{"admin:users"}, done: shows("roles/reader", "/hub/admin/users/{me}"),
		},
	}
}

// TestAdminActions holds that each action of the administration needs its own scope beside admin-ui, and works with both.
func TestAdminActions(t *testing.T) {
	t.Parallel()
	roles := []any{map[string]any{"name": "bare", "scopes": []string{"admin-ui", "list:users", "read:servers"}, "users": []string{"bare"}}, map[string]any{"name": "reader", "scopes": []string{"read:users"}}}
	for i, a := range adminActions(nil) {
		with, without := fmt.Sprintf("with%d", i), fmt.Sprintf("without%d", i)
		roles = append(
			roles, map[string]any{"name": with, "scopes": append([]string{"admin-ui"}, a.scopes...), "users": []string{with}},
			map[string]any{"name": without, "scopes": a.scopes, "users": []string{without}},
		)
	}
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"load_roles": roles, "load_groups": map[string]any{
		"soil": map[string]any{}, "old": map[string]any{}, "peat": map[string]any{"users": []string{"peter"}},
	}}}})
	for i, a := range adminActions(h.Browser(t).SignIn("root-admin")) {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			name := fmt.Sprintf("target%d", i)
			_, token := world(t, h, name, false)
			if a.stopped {
				h.Service(t, http.MethodDelete, "/users/"+name+"/servers/run", "")
				h.Until(t, "nothing runs", func() bool { return len(h.ReadyServers(t, name)) == 0 })
			}
			fill := strings.NewReplacer("{me}", name, "{token}", token).Replace
			send := func(caller string) *apptest.Answer {
				form := url.Values{}
				for field, values := range a.form {
					form.Set(field, fill(values[0]))
				}
				return h.Browser(t).SignIn(caller).Post("/hub/admin/"+fill(a.path), form)
			}
			for _, caller := range []string{"bare", fmt.Sprintf("without%d", i)} {
				if got := send(caller); got.Status != http.StatusForbidden && (got.Status != http.StatusNotFound || caller != "bare") || a.done(t, h, name) {
					t.Errorf("%s: status %d\n%s", caller, got.Status, got.Body)
				}
			}
			if got := send(fmt.Sprintf("with%d", i)); got.Status != http.StatusSeeOther {
				t.Fatalf("status %d\n%s", got.Status, got.Body)
			}
			h.Until(t, "it is done", func() bool { return a.done(t, h, name) })
		})
	}
}

// TestAdminRules holds what no scope allows, and that each refusal says what to do.
func TestAdminRules(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"load_roles": []any{
		map[string]any{"name": "helper", "scopes": []string{"admin-ui", "admin:users", "read:roles", "list:users"}, "users": []string{"helper"}},
		map[string]any{"name": "operator", "scopes": []string{"shutdown"}, "groups": []string{"ops"}},
		map[string]any{"name": "grouper", "scopes": []string{"admin:groups"}, "users": []string{"helper"}},
	}}}})
	root, helper := h.Browser(t).SignIn("root-admin"), h.Browser(t).SignIn("helper")
	world(t, h, "ada", false)
	for name, tt := range map[string]struct {
		by     *apptest.Browser
		path   string
		form   url.Values
		status int
		says   string
	}{
		"demote oneself":        {root, "users/root-admin/admin", url.Values{"admin": {"no"}}, 409, "ask another administrator"},
		"by the role":           {root, "roles/admin/members", url.Values{"kind": {"user"}, "name": {"root-admin"}, "change": {"remove"}}, 409, "ask another administrator"},
		"delete oneself":        {root, "users/root-admin/delete", nil, 409, "ask another administrator"},
		"delete while it runs":  {root, "users/ada/delete", nil, 409, "stop it first"},
		"promote as no admin":   {helper, "users/ada/admin", url.Values{"admin": {"yes"}}, 403, "administrator"},
		"add as admin":          {helper, "users", url.Values{"names": {"eve"}, "admin": {"yes"}}, 403, "administrator"},
		"role admin":            {helper, "roles/admin/members", url.Values{"kind": {"user"}, "name": {"helper"}, "change": {"add"}}, 403, "may not do yourself"},
		"role with more":        {helper, "roles/operator/members", url.Values{"kind": {"user"}, "name": {"ada"}, "change": {"add"}}, 403, "shutdown"},
		"role of a service":     {helper, "roles/helper/members", url.Values{"kind": {"service"}, "name": {"x"}, "change": {"add"}}, 403, ""},
		"role of a token":       {root, "roles/token/members", url.Values{"kind": {"user"}, "name": {"ada"}, "change": {"add"}}, 400, "another role"},
		"no such role":          {root, "roles/nothing/members", url.Values{"kind": {"user"}, "name": {"ada"}, "change": {"add"}}, 404, "list of roles"},
		"no such user":          {root, "roles/operator/members", url.Values{"kind": {"user"}, "name": {"eve"}, "change": {"add"}}, 404, "Check the spelling"},
		"neither give nor take": {root, "roles/operator/members", url.Values{"kind": {"user"}, "name": {"ada"}}, 400, "send it again"},
		"into a strong group":   {helper, "groups/ops/members", url.Values{"names": {"ada"}, "change": {"add"}}, 403, "shutdown"},
		"delete a strong group": {helper, "groups/ops/delete", nil, 403, "shutdown"},
		"a group's name":        {root, "groups", url.Values{"group": {"a/b"}}, 400, "another name"},
		"a group again":         {root, "groups", url.Values{"group": {"ops"}}, 409, "exists"},
		"an unknown member":     {root, "groups/ops/members", url.Values{"names": {"ada eve"}, "change": {"add"}}, 400, "check the spelling"},
		"no member":             {root, "groups/ops/members", url.Values{"change": {"add"}}, 400, "write the names"},
		"no such group":         {root, "groups/nothing/members", url.Values{"names": {"ada"}, "change": {"add"}}, 404, "No such group"},
		"open without a reason": {root, "open/ada/run", nil, 400, "Say why"},
		"open what is stopped":  {root, "open/ada/old", url.Values{"reason": {"x"}}, 409, "Start it first"},
		"a name with a slash":   {root, "users", url.Values{"names": {"good a/b"}}, 400, "cannot be names of users"},
		"no name":               {root, "users", url.Values{"names": {" ,\n"}}, 400, "at least one name"},
		"known names":           {root, "users", url.Values{"names": {"ada\nhelper"}}, 409, "exist already"},
		"a long reason":         {root, "stop/ada/run", url.Values{"reason": {strings.Repeat("a", 5000)}}, 400, "too long"},
		"no token":              {root, "users/ada/tokens/revoke", nil, 400, "names no token"},
		"another's token":       {root, "users/helper/tokens/revoke", url.Values{"token_id": {h.Token(t, "ada")}}, 404, "no such token"},
	} {
		a := tt.by.Post("/hub/admin/"+tt.path, tt.form)
		if a.Status != tt.status || !strings.Contains(a.Body, tt.says) {
			t.Errorf("%s: status %d, want %d with %q\n%s", name, a.Status, tt.status, tt.says, a.Body)
		}
	}
	if h.Exists(t, "good") || h.Exists(t, "eve") {
		t.Error("a refused form made a user")
	}
}

// TestAdminBack holds that a form leads back to the administration and nowhere else.
func TestAdminBack(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	h.Browser(t).SignIn("ada")
	root := h.Browser(t).SignIn("root-admin")
	for back, want := range map[string]string{
		"/hub/admin?q=a&offset=50": "/hub/admin?q=a&offset=50", "/hub/admin/users/ada": "/hub/admin/users/ada", "": "/hub/admin",
		"//e.example/hub/admin": "/hub/admin", "https://e.example/": "/hub/admin", "/hub/logout": "/hub/admin", "/hub/admin/../logout": "/hub/admin",
		"/hub/admin/\\e.example": "/hub/admin",
	} {
		a := root.Post("/hub/admin/users/ada/admin", url.Values{"admin": {"yes"}, "back": {back}})
		if a.Status != http.StatusSeeOther || a.Location != want {
			t.Errorf("%q leads to %q with status %d, want %q", back, a.Location, a.Status, want)
		}
	}
}

// TestAdminSeesInPart holds that the lists show a visitor only what the scopes show.
func TestAdminSeesInPart(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {
		"load_groups": map[string]any{"soil": map[string]any{"users": []string{"ada"}}},
		"load_roles": []any{
			map[string]any{"name": "lead", "scopes": []string{"admin-ui", "list:users!group=soil", "read:servers!group=soil"}, "users": []string{"lead"}},
			map[string]any{"name": "door", "scopes": []string{"admin-ui"}, "users": []string{"door"}},
		},
	}}})
	world(t, h, "ada", false)
	world(t, h, "zoe", false)
	lead, door := h.Browser(t).SignIn("lead"), h.Browser(t).SignIn("door")
	for _, path := range []string{"/hub/admin", "/hub/admin/servers?show=all", "/hub/admin?q=zoe", "/hub/admin/servers?show=all&q=zoe"} {
		a := lead.Get(path)
		if a.Status != http.StatusOK || strings.Contains(a.Body, "admin/users/zoe") || !strings.Contains(path, "zoe") && !strings.Contains(a.Body, "admin/users/ada") {
			t.Errorf("%s: status %d\n%s", path, a.Status, a.Body)
		}
	}
	if a := lead.Get("/hub/admin"); strings.Contains(a.Body, "soil") || strings.Contains(a.Body, "/hub/admin/stop/") || strings.Contains(a.Body, "/hub/admin/audit") || strings.Contains(a.Body, "Add users") {
		t.Errorf("the list shows more than the scopes:\n%s", a.Body)
	}
	for path, status := range map[string]int{"users/ada": 200, "users/zoe": 404, "users/nobody": 404, "roles": 403, "roles/user": 403, "groups": 403, "groups/soil": 403, "services": 403, "audit": 403} {
		if a := lead.Get("/hub/admin/" + path); a.Status != status {
			t.Errorf("%s: status %d, want %d", path, a.Status, status)
		}
	}
	for _, path := range []string{"/hub/admin", "/hub/admin/servers?show=all"} { // of the servers, everybody sees the own ones
		if a := door.Get(path); a.Status != http.StatusOK || strings.Contains(a.Body, "/hub/admin/users/") {
			t.Errorf("%s without its scope: status %d\n%s", path, a.Status, a.Body)
		}
	}
}

// TestOpeningIsTold holds that a user reads who opened the server, and why; and who stopped one.
func TestOpeningIsTold(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	ada, _ := world(t, h, "ada", true)
	root := h.Browser(t).SignIn("root-admin")
	a := root.Post("/hub/admin/open/ada/run", url.Values{"reason": {"You asked <why> the kernel dies"}})
	if a.Status != http.StatusSeeOther || a.Location != "/user/ada/run/" {
		t.Fatalf("open: status %d to %q\n%s", a.Status, a.Location, a.Body)
	}
	if page := ada.Get("/hub/home").Body; !strings.Contains(page, "root-admin opened your server run") || !strings.Contains(page, "You asked &lt;why&gt; the kernel dies") {
		t.Errorf("the user is not told:\n%s", page)
	}
	if page := root.Get("/hub/home").Body; strings.Contains(page, "opened your server") {
		t.Errorf("somebody else is told:\n%s", page)
	}
	root.Post("/hub/admin/stop/ada", url.Values{"reason": {"The node is replaced"}})
	h.Until(t, "the server stops", func() bool { return !slices.Contains(h.ReadyServers(t, "ada"), "") })
	if page := ada.Get("/hub/home").Body; !strings.Contains(page, "Stopped by root-admin: The node is replaced") {
		t.Errorf("the user does not read why the server was stopped:\n%s", page)
	}
	root.Post("/hub/admin/start/ada", url.Values{"reason": {"The node is back"}})
	h.Until(t, "the server starts", func() bool { return slices.Contains(h.ReadyServers(t, "ada"), "") })
	log := root.Get("/hub/admin/audit?actor=root-admin&action=server").Body
	for _, want := range []string{"server.open", "server.stop", "server.start", "server/ada/run", "You asked"} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit log does not show %q:\n%s", want, log)
		}
	}
}

// TestFailedStartIsExplained holds that an administrator reads why a user's start failed.
func TestFailedStartIsExplained(t *testing.T) {
	t.Parallel()
	full := spawntest.NewFake()
	full.Fail(spawntest.OpStart, hub.Errorf(hub.Unavailable, "There is no room left on the nodes. Try again later."))
	h := apptest.Start(t, apptest.Options{Spawner: full})
	ada := h.Browser(t).SignIn("ada")
	ada.Post("/hub/spawn", nil)
	root := h.Browser(t).SignIn("root-admin")
	h.Until(t, "the start fails", func() bool { return strings.Contains(root.Get("/hub/admin/servers?show=failed").Body, "no room left") })
	page := root.Get("/hub/admin/users/ada").Body
	for _, want := range []string{"Why the last starts failed", "no room left", "step by step"} {
		if !strings.Contains(page, want) {
			t.Errorf("the user's page does not say %q:\n%s", want, page)
		}
	}
	if list := root.Get("/hub/admin?show=failed").Body; !strings.Contains(list, "admin/users/ada") {
		t.Errorf("the list does not show whose start failed:\n%s", list)
	}
}

// TestServicesTellHowTheyDo holds that the page about services says which do not answer, and shows their roles and tokens.
func TestServicesTellHowTheyDo(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"service_check_interval": 1, "services": []any{
		map[string]any{"name": "tests", "api_token": apptest.ServiceToken, "admin": true},
		map[string]any{"name": "gone", "url": "http://127.0.0.1:1", "api_token": "token-of-the-service-gone"},
	}}}})
	root := h.Browser(t).SignIn("root-admin")
	h.Until(t, "the service is looked at", func() bool { return strings.Contains(root.Get("/hub/admin/services").Body, "does not answer") })
	page := root.Get("/hub/admin/services").Body
	for _, want := range []string{"/services/gone/", "configured token of service tests", "/hub/admin/roles/admin"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "token-of-the-service-gone") {
		t.Error("the page shows a token")
	}
}

// TestAdminSignsOut holds that an administrator sees the browsers in which a user is signed in, and signs the user out of all.
func TestAdminSignsOut(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"load_roles": []any{
		map[string]any{"name": "viewer", "scopes": []string{"admin-ui", "list:users", "users"}, "users": []string{"viewer"}},
	}}}})
	here, there, zoe := h.Browser(t).SignIn("ada"), h.Browser(t).SignIn("ada"), h.Browser(t).SignIn("zoe")
	token := h.Token(t, "ada")
	root, viewer := h.Browser(t).SignIn("root-admin"), h.Browser(t).SignIn("viewer")
	if page := root.Get("/hub/admin/users/ada").Body; strings.Count(page, `data-label="Last seen"`) != 2 {
		t.Errorf("the page does not show two sessions:\n%s", page)
	}
	if page := viewer.Get("/hub/admin/users/ada").Body; strings.Contains(page, `data-label="Last seen"`) || strings.Contains(page, "sign-out") {
		t.Errorf("the page shows sessions to somebody without admin:users:\n%s", page)
	}
	if a := viewer.Post("/hub/admin/users/ada/sign-out", nil); a.Status != http.StatusForbidden || here.Get("/hub/home").Status != http.StatusOK {
		t.Errorf("without admin:users: status %d", a.Status)
	}
	if a := root.Post("/hub/admin/users/ada/sign-out", nil); a.Status/100 != 3 {
		t.Fatalf("status %d\n%s", a.Status, a.Body)
	}
	for name, b := range map[string]*apptest.Browser{"here": here, "there": there} {
		if a := b.Get("/hub/home"); a.Status != http.StatusFound {
			t.Errorf("%s: status %d after the sign-out", name, a.Status)
		}
	}
	if zoe.Get("/hub/home").Status != http.StatusOK || h.Tokens(t, "ada") != token {
		t.Error("the sign-out ended more than the sessions of ada")
	}
	if page := root.Get("/hub/admin/users/ada").Body; !strings.Contains(page, "No browser is signed in as ada") {
		t.Errorf("the page still shows sessions:\n%s", page)
	}
}
