//go:build e2e

package e2e_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"berdlhub/test/e2e/chromiumtest"
	"berdlhub/test/e2e/partstest"
)

// serviceToken is the API token of the service that the tests' configurations declare.
const serviceToken = "service-token-of-the-end-to-end-tests"

// password lets everybody in whom the tests' hubs know.
const password = "open-sesame-of-the-tests"

// readyAt is what a hub logs when it serves.
var readyAt = regexp.MustCompile(`msg="hub is ready" url=(\S+)`)

// classes are settings in JupyterHub's file form: class, trait, value.
type classes map[string]map[string]any

// settings gives the configuration of a hub with local processes of a Python environment, with more settings on top.
func settings(t *testing.T, dir, environment string, more classes) classes {
	t.Helper()
	python := partstest.PythonEnv(t, environment)
	all := classes{
		"JupyterHub": {
			"bind_url": "http://127.0.0.1:0/", "hub_bind_url": "http://127.0.0.1:0", "db_url": "sqlite:///" + filepath.Join(dir, "hub.sqlite"),
			"cookie_secret":       "d41c8e0b57f24a6d9b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607182",
			"authenticator_class": "dummy", "spawner_class": "simple", "cleanup_servers": true,
			"services": []any{map[string]any{"name": "tests", "api_token": serviceToken, "admin": true}},
		},
		"DummyAuthenticator":        {"password": password},
		"Authenticator":             {"allow_all": true},
		"Spawner":                   {"cmd": []string{filepath.Join(python, "bin", "jupyterhub-singleuser")}, "default_url": "/lab", "start_timeout": 120, "http_timeout": 120},
		"SimpleLocalProcessSpawner": {"home_dir_template": filepath.Join(dir, "homes", "{username}")},
	}
	if os.Geteuid() == 0 {
		all["Spawner"]["args"] = []string{"--allow-root"}
	}
	for class, traits := range more {
		if all[class] == nil {
			all[class] = map[string]any{}
		}
		maps.Copy(all[class], traits)
	}
	return all
}

// configure writes a configuration file.
func configure(t *testing.T, dir string, c classes) string {
	t.Helper()
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "hub.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startHub runs berdlhub hub with a configuration file, and gives the address at which it serves, which ends with a slash.
func startHub(t *testing.T, dir, file string, args ...string) (*process, string) {
	t.Helper()
	environ := []string{"PATH=" + filepath.Join(partstest.PythonEnv(t, "hub6"), "bin") + ":" + os.Getenv("PATH")}
	p := run(t, dir, environ, program(t), append([]string{"hub", "--config", file}, args...)...)
	return p, p.waitSaid(30*time.Second, readyAt)
}

// inLab is the address of a JupyterLab behind a hub.
var inLab = regexp.MustCompile(`/user/[^/]+/lab`)

// signInAs signs in through the form, and waits for the user's JupyterLab.
func signInAs(b *chromiumtest.Browser, hubURL, name string) {
	b.Navigate(hubURL)
	b.Type("#username_input", name)
	b.Type("#password_input", password)
	b.Click("#login_submit")
	waitLab(b)
}

// waitLab waits until a start has ended in JupyterLab.
func waitLab(b *chromiumtest.Browser) {
	b.Wait = 2 * time.Minute
	b.WaitURL(inLab)
	b.Wait = 0
}
