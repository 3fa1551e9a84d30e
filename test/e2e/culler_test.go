//go:build e2e

package e2e_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"berdlhub/test/e2e/partstest"
)

// cullerScopes are what the documentation of jupyterhub-idle-culler asks for.
var cullerScopes = []string{"list:users", "read:users:activity", "read:servers", "delete:servers"}

// culling runs a hub with jupyterhub-idle-culler as a managed service.
func culling(t *testing.T, scopes []string, options ...string) (*process, string) {
	t.Helper()
	dir := folder(t)
	python := filepath.Join(partstest.PythonEnv(t, "hub6"), "bin", "python")
	more := withServices(freePort(t), map[string]any{
		"name": "culler", "command": append([]string{python, "-m", "jupyterhub_idle_culler", "--timeout=5", "--cull-every=1"}, options...),
	})
	more["JupyterHub"]["allow_named_servers"] = true
	more["JupyterHub"]["load_roles"] = []any{map[string]any{"name": "culler", "scopes": scopes, "services": []string{"culler"}}}
	return startHub(t, dir, configure(t, dir, settings(t, dir, "hub6", more)))
}

// send makes a request without a body to the API as the tests' service.
func send(t *testing.T, method, address string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+serviceToken)
	resp, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // the status is enough
	return resp.StatusCode
}

// serversOf gives a user's servers, stopped ones too, and whether each is ready; false when there is no such user.
func serversOf(t *testing.T, address, name string) (map[string]bool, bool) {
	t.Helper()
	status, body := get(t, address+"hub/api/users/"+name+"?include_stopped_servers", serviceToken)
	if status == http.StatusNotFound {
		return nil, false
	}
	var user struct {
		Servers map[string]struct{ Ready bool }
	}
	if err := json.Unmarshal([]byte(body), &user); status != http.StatusOK || err != nil {
		t.Fatalf("the model of %s: %d %s", name, status, body)
	}
	servers := map[string]bool{}
	for server, model := range user.Servers {
		servers[server] = model.Ready
	}
	return servers, true
}

// startBoth starts a user's default server and the named server second, and sees that each gets ready.
func startBoth(t *testing.T, address, name string) {
	t.Helper()
	if status := send(t, "POST", address+"hub/api/users/"+name); status != http.StatusCreated && status != http.StatusConflict {
		t.Fatalf("make the user %s: %d", name, status)
	}
	for path, server := range map[string]string{"server": "", "servers/second": "second"} {
		switch status := send(t, "POST", address+"hub/api/users/"+name+"/"+path); status {
		case http.StatusCreated: // it is ready
		case http.StatusAccepted:
			waitUntil(t, 2*time.Minute, path+" is ready", func() bool {
				servers, _ := serversOf(t, address, name)
				return servers[server]
			})
		default:
			t.Fatalf("start %s of %s: %d", path, name, status)
		}
	}
}

// TestIdleCuller: the culler stops what nobody uses, and keeps the users and their named servers.
func TestIdleCuller(t *testing.T) {
	p, address := culling(t, cullerScopes)
	startBoth(t, address, "ada")
	waitUntil(t, time.Minute, "both servers are culled", func() bool {
		servers, ok := serversOf(t, address, "ada")
		return ok && !slices.Contains(slices.Collect(maps.Values(servers)), true)
	})
	if servers, _ := serversOf(t, address, "ada"); len(servers) != 2 {
		t.Errorf("the servers are %v, want both, stopped", servers)
	}
	if said := p.said(); !strings.Contains(said, "Culling server ada") {
		t.Error("the culler's own words are not in the hub's log")
	}
}

// TestIdleCullerRemovesNamedServersAndUsers: with its options it also deletes what nobody uses.
func TestIdleCullerRemovesNamedServersAndUsers(t *testing.T) {
	p, address := culling(t, append([]string{"delete:users", "read:users"}, cullerScopes...), "--cull-users=True", "--remove-named-servers=True")
	startBoth(t, address, "bob")
	waitUntil(t, time.Minute, "the user is culled", func() bool {
		_, ok := serversOf(t, address, "bob")
		return !ok
	})
	if said := p.said(); !strings.Contains(said, "Culling user bob") || strings.Contains(said, "HTTP 403") {
		t.Error("the culler's own words are not in the hub's log, or it was refused something")
	}
}
