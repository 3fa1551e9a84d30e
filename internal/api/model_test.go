package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// changing are the parts of an answer that differ from run to run.
var changing = []struct {
	find *regexp.Regexp
	put  string
}{
	{regexp.MustCompile(`"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z"`), `"TIME"`},
	{regexp.MustCompile(`"last_activity": ("TIME"|null)`), `"last_activity": TIME or null`}, // activity is stored a little later
	{regexp.MustCompile(`"a\d+"`), `"TOKEN-ID"`},
	{regexp.MustCompile(`"run": "[0-9a-z]+"`), `"run": "RUN"`},
	{regexp.MustCompile(`"token": "[0-9a-f]{32}"`), `"token": "32 HEX DIGITS"`},
	{regexp.MustCompile(`"code": "[0-9A-Za-z_-]{43}"`), `"code": "43 CHARACTERS"`},
	{regexp.MustCompile(`\?code=[0-9A-Za-z_-]{43}`), `?code=CODE`},
	{regexp.MustCompile(`http://127\.0\.0\.1:\d+`), `http://HOST`},
}

// story writes answers down.
type story struct{ strings.Builder }

func (s *story) add(title string, a *apptest.Answer) {
	body := a.Body
	var answer any
	if json.Unmarshal([]byte(a.Body), &answer) == nil { // the order of members does not matter
		var text bytes.Buffer
		in := json.NewEncoder(&text)
		in.SetEscapeHTML(false)
		in.SetIndent("", "  ")
		_ = in.Encode(answer) // what was JSON can be JSON again
		body = strings.TrimSuffix(text.String(), "\n")
	}
	for _, c := range changing {
		body = c.find.ReplaceAllString(body, c.put)
	}
	fmt.Fprintf(s, "# %s: %d\n%s\n\n", title, a.Status, body)
}

func (s *story) holdAgainst(t *testing.T, name string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(s.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.String(); got != string(want) {
		t.Errorf("the answers are no longer those of %s (run with -update to see the difference in git):\n%s", file, got)
	}
}

// worldOfModels is a hub with ada, who is in group math and has a default server that runs and a named one that does not, and root, an admin.
func worldOfModels(t *testing.T) (*apptest.Hub, *caller) {
	t.Helper()
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {
		"load_groups": map[string]any{"math": map[string]any{"users": []string{"ada"}}, "art": map[string]any{"users": []string{"bob"}}},
	}}})
	c := admin(t, h)
	c.expect("POST", "/users/root", `{"admin": true}`, 201, "")
	c.expect("POST", "/users/ada/server", `{"user_options": {"size": "<large>"}}`, 201, "")
	c.expect("PUT", "/users/ada/servers/lab", `{"display_name": "Ada's lab"}`, 201, "")
	return h, c
}

// as gives a caller with a token of a user that holds some scopes.
func (c *caller) as(user string, scopes ...string) *caller {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"scopes": append([]string{}, scopes...)})
	if err != nil {
		c.t.Fatal(err)
	}
	var made struct{ Token string }
	a := c.expect("POST", "/users/"+user+"/tokens", string(body), 201, "")
	if err := json.Unmarshal([]byte(a.Body), &made); err != nil {
		c.t.Fatal(err)
	}
	return &caller{t: c.t, b: c.b, token: made.Token}
}

// TestModels holds the models of users and servers, by what the caller may read, against the golden file.
func TestModels(t *testing.T) {
	t.Parallel()
	_, c := worldOfModels(t)
	var s story
	for _, scopes := range [][]string{
		{"read:users"},
		{"read:users:name"},
		{"read:users:groups"},
		{"read:users:activity"},
		{"read:roles:users"},
		{"read:servers"},
		{"read:servers", "admin:server_state"},
		{"admin:auth_state", "read:users:name"},
		{"read:users:name!user=ada"},
		{"read:users:name!group=math"},
	} {
		s.add("user, with "+strings.Join(scopes, " "), c.as("root", scopes...).send("GET", "/users/ada", ""))
	}
	s.add("user with stopped servers, with read:servers", c.as("root", "read:servers").send("GET", "/users/ada?include_stopped_servers", ""))
	s.add("server, with read:servers", c.as("root", "read:servers").send("GET", "/users/ada/servers/lab", ""))
	s.add("users, with list:users and read:servers!server=ada/", c.as("root", "list:users", "read:servers!server=ada/").send("GET", "/users?sort=name", ""))
	for _, scopes := range []string{"list:users!user=bob", "list:users!group=math"} {
		s.add("users, with "+scopes, c.as("root", scopes).send("GET", "/users?sort=name", ""))
	}
	s.add("a page of users, with list:users", c.as("root", "list:users").send("GET", "/users?offset=1&limit=1&sort=name&x=y", "", "Accept", "text/html, application/jupyterhub-pagination+json"))
	s.add("users, with read:users:name", c.as("root", "read:users:name").send("GET", "/users?sort=name", ""))
	s.holdAgainst(t, "models")
}

// TestSelf holds what callers learn of themselves against the golden file.
func TestSelf(t *testing.T) {
	t.Parallel()
	h, c := worldOfModels(t)
	var s story
	s.add("admin service", c.send("GET", "/user", ""))
	s.add("token of a user for everything", c.as("ada", "inherit").send("GET", "/user", ""))
	s.add("token of a user for one server", c.as("ada", "access:servers!server=ada/").send("GET", "/user", ""))
	s.add("token of a user for nothing", c.as("ada").send("GET", "/user", ""))
	s.add("info", c.send("GET", "/info", ""))
	s.add("nobody", h.Browser(t).Send("GET", "/hub/api/user", ""))
	s.holdAgainst(t, "self")
}

// TestSelfIsUpToDate holds that the own model, which is kept in memory, follows every change at once.
func TestSelfIsUpToDate(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	c := admin(t, h)
	ada := h.Browser(t).SignIn("ada")
	expect := func(part string) {
		t.Helper()
		if a := ada.API(http.MethodGet, "/user", ""); !strings.Contains(a.Body, part) {
			t.Errorf("%s does not hold %s", a.Body, part)
		}
	}
	for range 2 {
		expect(`"server":null`)
		c.expect("POST", "/users/ada/server", "", 201, "")
		expect(`"server":"/user/ada/"`)
		c.expect("DELETE", "/users/ada/server", "", 204, "")
	}
	expect(`"servers":{}`)
	c.expect("PUT", "/users/ada/servers/lab", "", 201, "")
	if a := ada.API(http.MethodGet, "/user?include_stopped_servers=1", ""); !strings.Contains(a.Body, `"full_name":"ada/lab"`) {
		t.Errorf("a new server is missing in %s", a.Body)
	}
	expect(`"servers":{}`)
}

// TestTokens holds the life of tokens against the golden file.
func TestTokens(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"token_expires_in_max_seconds": 100}}})
	c := admin(t, h)
	c.expect("POST", "/users", `{"usernames": ["ada", "bob"]}`, 201, "")
	var s story
	s.add("made by a service", c.send("POST", "/users/ada/tokens", ""))
	ada := c.as("ada", "inherit")
	s.add("made by the owner", ada.send("POST", "/users/ada/tokens", `{"scopes": ["read:users!user=ada"], "roles": null, "expires_in": 100}`))
	s.add("made from roles", ada.send("POST", "/users/ada/tokens", `{"roles": ["server"], "note": "of a role"}`))
	for _, body := range []string{
		`{"expires_in": 101}`, `{"expires_in": 1.5}`, `{"expires_in": true}`, `{"expires_in": 99999999999999999999}`, `{"expires_in": -1}`, `{"scopes": [3]}`, `{"roles": "x"}`,
		`{"scopes": [], "roles": []}`, `{"scopes": ["list:users"]}`, `{"scopes": ["self!user=bob"]}`, `{"roles": ["admin"]}`, `{"roles": ["\u0000"]}`, `{"note": 3}`, `{"note": "\u0000"}`, `[]`,
	} {
		s.add("refused: "+body, ada.send("POST", "/users/ada/tokens", body))
	}
	s.add("for another user", ada.send("POST", "/users/bob/tokens", ""))
	s.add("nobody", h.Browser(t).Send("POST", "/hub/api/users/ada/tokens", `{"auth": {"username": "ada"}}`))
	s.add("list", ada.send("GET", "/users/ada/tokens", ""))
	s.holdAgainst(t, "tokens")
}

// TestEmptyScopes holds that an empty list is no wish for everything.
func TestEmptyScopes(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	c := admin(t, h)
	c.expect("POST", "/users/ada", "", 201, "")
	for _, body := range []string{`{"scopes": []}`, `{"roles": []}`} {
		var made struct{ ID, Token string }
		if err := json.Unmarshal([]byte(c.expect("POST", "/users/ada/tokens", body, 201, "").Body), &made); err != nil {
			t.Fatal(err)
		}
		bare := &caller{t: t, b: c.b, token: made.Token}
		bare.expect("GET", "/user", "", 200, `"scopes":["read:users:groups!user=ada","read:users:name!user=ada"]`)
		bare.expect("POST", "/users/ada/server", "", 403, "requires any of [start:servers]")
		bare.expect("GET", "/users/ada/tokens", "", 403, "")
		c.expect("GET", "/users/ada/tokens/"+made.ID, "", 200, `"id":"`+made.ID+`"`)
		c.expect("DELETE", "/users/ada/tokens/"+made.ID, "", 204, "")
		bare.expect("GET", "/user", "", 403, `"message":null`)
	}
}
