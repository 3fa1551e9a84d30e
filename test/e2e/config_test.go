//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"berdlhub/test/e2e/partstest"
)

// TestOneFileForBoth starts JupyterHub itself and berdlhub from the same file.
func TestOneFileForBoth(t *testing.T) {
	dir := folder(t)
	file := configure(t, dir, settings(t, dir, "hub6", classes{"JupyterHub": {
		"allow_named_servers": true, "named_server_limit_per_user": 3, "concurrent_spawn_limit": 20, "db_url": "sqlite://",
		"load_groups": map[string]any{"staff": map[string]any{"users": []string{"ada"}}},
		"load_roles":  []any{map[string]any{"name": "reader", "scopes": []string{"read:users"}, "groups": []string{"staff"}}},
	}}))
	check := exec.CommandContext(t.Context(), program(t), "config", "check", "--config", file)
	if words, err := check.CombinedOutput(); err != nil || strings.TrimSpace(string(words)) != "0 faults, 0 warnings" {
		t.Errorf("config check is not clean: %v\n%s", err, words)
	}

	theirs := startJupyterHub(t, dir, file)
	_, ours := startHub(t, dir, file, "--JupyterHub.bind_url=http://127.0.0.1:0/")
	for name, address := range map[string]string{"JupyterHub": theirs, "berdlhub": ours} {
		if status, body := get(t, address+"hub/health", ""); status != 200 {
			t.Errorf("%s: /hub/health has status %d: %s", name, status, body)
		}
		if status, body := get(t, address+"hub/login", ""); status != 200 || !strings.Contains(body, `name="username"`) || !strings.Contains(body, `name="_xsrf"`) {
			t.Errorf("%s: the sign-in page has status %d:\n%.2000s", name, status, body)
		}
		if status, _ := get(t, address+"hub/api/info", "false-"+serviceToken); status != 403 {
			t.Errorf("%s: a false token gets status %d, want 403", name, status)
		}
	}
	for _, path := range []string{"", "info", "user"} {
		want, got := keys(t, theirs+"hub/api/"+path), keys(t, ours+"hub/api/"+path)
		if !slices.Equal(want, got) {
			t.Errorf("/hub/api/%s has the keys %v, JupyterHub's has %v", path, got, want)
		}
	}
}

// keys gives the names in the JSON object that an address of the API answers to the service's token.
func keys(t *testing.T, address string) []string {
	t.Helper()
	status, body := get(t, address, serviceToken)
	var object map[string]any
	if err := json.Unmarshal([]byte(body), &object); status != 200 || err != nil {
		t.Errorf("%s: status %d, %v: %.300s", address, status, err, body)
	}
	return slices.Sorted(maps.Keys(object))
}

// startJupyterHub runs JupyterHub 6.1.1 with a configuration file, and configurable-http-proxy in front of it.
func startJupyterHub(t *testing.T, dir, file string) string {
	t.Helper()
	bin := filepath.Join(partstest.PythonEnv(t, "hub6"), "bin")
	proxy := filepath.Dir(partstest.ConfigurableHTTPProxy(t))
	work := filepath.Join(dir, "jupyterhub")
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	p := run(t, work, []string{"PATH=" + bin + ":" + proxy + ":" + os.Getenv("PATH")}, filepath.Join(bin, "jupyterhub"), "--config", file,
		fmt.Sprintf("--JupyterHub.bind_url=http://127.0.0.1:%d/", freePort(t)), fmt.Sprintf("--JupyterHub.hub_bind_url=http://127.0.0.1:%d", freePort(t)),
		fmt.Sprintf("--ConfigurableHTTPProxy.api_url=http://127.0.0.1:%d", freePort(t)))
	return p.waitSaid(time.Minute, regexp.MustCompile(`JupyterHub is now running at (http://127\.0\.0\.1:\d+/)`))
}
