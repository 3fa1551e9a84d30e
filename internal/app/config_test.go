package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
)

// asYAML is the configuration that TestSameConfiguration writes as JSON too.
const asYAML = `
JupyterHub:
  bind_url: http://127.0.0.1:0/at/
  hub_bind_url: http://127.0.0.1:0
  db_url: sqlite:///%[1]s
  cookie_secret: %[2]s
  authenticator_class: dummy
  spawner_class: simple
  allow_named_servers: true
  redirect_to_server: false
  services:
    - {name: tests, api_token: service-token-of-the-tests, admin: true}
  load_roles:
    - name: reader
      scopes: [list:users, "read:users:name"]
      users: [ada]
Authenticator:
  allowed_users: [ada, bob]
  admin_users: [grace]
`

// TestSameConfiguration starts the hub from one configuration in both forms; both behave the same.
func TestSameConfiguration(t *testing.T) {
	t.Parallel()
	same := func(dir string) map[string]any {
		return map[string]any{
			"JupyterHub": map[string]any{
				"bind_url": "http://127.0.0.1:0/at/", "hub_bind_url": "http://127.0.0.1:0", "db_url": "sqlite:///" + filepath.Join(dir, "hub.sqlite"),
				"cookie_secret": apptest.CookieSecret, "authenticator_class": "dummy", "spawner_class": "simple", "allow_named_servers": true, "redirect_to_server": false,
				"services":   []any{map[string]any{"name": "tests", "api_token": apptest.ServiceToken, "admin": true}},
				"load_roles": []any{map[string]any{"name": "reader", "scopes": []string{"list:users", "read:users:name"}, "users": []string{"ada"}}},
			},
			"Authenticator": map[string]any{"allowed_users": []string{"ada", "bob"}, "admin_users": []string{"grace"}},
		}
	}
	for form, write := range map[string]func(dir string) (string, []byte, error){
		"JSON": func(dir string) (string, []byte, error) {
			text, err := json.MarshalIndent(same(dir), "", "  ")
			return "jupyterhub_config.json", text, err
		},
		"YAML": func(dir string) (string, []byte, error) {
			return "hub.yaml", fmt.Appendf(nil, asYAML, filepath.Join(dir, "hub.sqlite"), apptest.CookieSecret), nil
		},
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			name, text, err := write(dir)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			checkSame(t, apptest.Start(t, apptest.Options{File: file}))
		})
	}
}

// checkSame checks what the configuration says: the base path, who may come in, who is an admin, where people land, the role.
func checkSame(t *testing.T, h *apptest.Hub) {
	t.Helper()
	if !strings.HasSuffix(h.URL, "/at/") {
		t.Errorf("the hub is at %s", h.URL)
	}
	if a := h.Browser(t).Get("/hub/health"); a.Status != http.StatusOK {
		t.Errorf("health: status %d", a.Status)
	}
	for name, status := range map[string]int{"ada": http.StatusFound, "bob": http.StatusFound, "grace": http.StatusFound, "eve": http.StatusForbidden} {
		b := h.Browser(t)
		a := b.Post("/hub/login", map[string][]string{"username": {name}})
		if a.Status != status || status == http.StatusFound && a.Location != "/at/hub/home" {
			t.Errorf("%s: status %d to %q", name, a.Status, a.Location)
		}
		want := http.StatusForbidden
		if name == "ada" || name == "grace" {
			want = http.StatusOK
		}
		if a := b.API(http.MethodGet, "/users", ""); status == http.StatusFound && a.Status != want {
			t.Errorf("%s lists the users: status %d\n%s", name, a.Status, a.Body)
		}
	}
	if a := h.Service(t, http.MethodGet, "/users/grace", ""); !strings.Contains(compact(a.Body), `"admin":true`) {
		t.Errorf("grace: %s", a.Body)
	}
}
