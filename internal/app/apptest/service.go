package apptest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/hub"
)

// Service calls the REST API as the admin service of the tests: path is below /hub/api.
func (h *Hub) Service(t testing.TB, method, path, body string) *Answer {
	t.Helper()
	return h.Browser(t).Send(method, "/hub/api"+path, body, "Authorization", "token "+ServiceToken)
}

// Exists says whether the hub has a user.
func (h *Hub) Exists(t testing.TB, user string) bool {
	t.Helper()
	a := h.Service(t, http.MethodGet, "/users/"+user, "")
	if a.Status != http.StatusOK && a.Status != http.StatusNotFound {
		t.Fatalf("look up %s: status %d\n%s", user, a.Status, a.Body)
	}
	return a.Status == http.StatusOK
}

// Ready starts a server through the API and waits until it is ready.
func (h *Hub) Ready(t testing.TB, key hub.ServerKey) {
	t.Helper()
	path := "/users/" + key.User + "/server"
	if key.Server != "" {
		path += "s/" + key.Server
	}
	if a := h.Service(t, http.MethodPost, path, ""); a.Status/100 != 2 {
		t.Fatalf("start the server of %s: status %d\n%s", key, a.Status, a.Body)
	}
	h.Until(t, "the server of "+key.String()+" is ready", func() bool { return slices.Contains(h.ReadyServers(t, key.User), key.Server) })
}

// Until waits, at most 20 s, for what the hub does behind its answers.
func (h *Hub) Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("not within 20 s:", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// ReadyServers names the servers of a user that are ready, sorted; the default server's name is empty.
func (h *Hub) ReadyServers(t testing.TB, user string) []string {
	t.Helper()
	names := []string{}
	for name, ready := range h.servers(t, user, "") {
		if ready {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// servers says of each server of a user whether it is ready.
func (h *Hub) servers(t testing.TB, user, query string) map[string]bool {
	t.Helper()
	var model struct {
		Servers map[string]struct {
			Ready bool `json:"ready"`
		} `json:"servers"`
	}
	a := h.Service(t, http.MethodGet, "/users/"+user+query, "")
	if a.Status != http.StatusOK {
		t.Fatalf("look up %s: status %d\n%s", user, a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), &model); err != nil {
		t.Fatal(err)
	}
	ready := map[string]bool{}
	for name, server := range model.Servers {
		ready[name] = server.Ready
	}
	return ready
}

// Token makes a plain token of a user and gives its id in the API.
func (h *Hub) Token(t testing.TB, user string) string {
	t.Helper()
	var token struct {
		ID string `json:"id"`
	}
	a := h.Service(t, http.MethodPost, "/users/"+user+"/tokens", `{"note": "of the tests"}`)
	if err := json.Unmarshal([]byte(a.Body), &token); err != nil || token.ID == "" {
		t.Fatalf("make a token: status %d, %v\n%s", a.Status, err, a.Body)
	}
	return token.ID
}

// State says what a user has: servers that are ready and that are not, tokens, and how often servers are shared; and whether a
// user of that name with an x exists.
func (h *Hub) State(t testing.TB, user string) string {
	t.Helper()
	if h.Exists(t, user+"x") {
		return user + "x was made"
	}
	if !h.Exists(t, user) {
		return "no such user"
	}
	return fmt.Sprintf("ready %q stopped %q tokens %s shares %s codes %s", h.ReadyServers(t, user), h.Stopped(t, user), h.Tokens(t, user),
		h.total(t, "/shares/"+user), h.total(t, "/share-codes/"+user))
}

// total tells how many things a list of the API has.
func (h *Hub) total(t testing.TB, path string) string {
	t.Helper()
	_, rest, ok := strings.Cut(h.Service(t, http.MethodGet, path, "").Body, `"total":`)
	if !ok {
		t.Fatalf("%s is no list", path)
	}
	return strings.TrimRight(rest[:strings.IndexAny(rest, ",}")], "}")
}

// Tokens names the tokens of a user that are not servers' own, in the order of their ids.
func (h *Hub) Tokens(t testing.TB, user string) string {
	t.Helper()
	var list struct {
		Tokens []struct {
			ID   string `json:"id"`
			Note string `json:"note"`
		} `json:"api_tokens"`
	}
	a := h.Service(t, http.MethodGet, "/users/"+user+"/tokens", "")
	if err := json.Unmarshal([]byte(a.Body), &list); err != nil {
		t.Fatalf("list tokens: status %d, %v\n%s", a.Status, err, a.Body)
	}
	ids := []string{}
	for _, token := range list.Tokens {
		if !strings.HasPrefix(token.Note, "Server at ") {
			ids = append(ids, token.ID)
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, ",")
}

// Stopped names the servers of a user that exist and do not run.
func (h *Hub) Stopped(t testing.TB, user string) []string {
	t.Helper()
	names := []string{}
	for name, ready := range h.servers(t, user, "?include_stopped_servers") {
		if !ready {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
