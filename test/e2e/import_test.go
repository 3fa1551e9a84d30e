//go:build e2e

package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"berdlhub/internal/store/storetest"
	"berdlhub/test/e2e/chromiumtest"
	"berdlhub/test/e2e/partstest"
)

// moved is a JupyterHub that is moved over to berdlhub: one set of settings serves both.
type moved struct {
	t       *testing.T
	dir     string
	address string // public, of both
	hub     *process
	token   string // of ada, made in JupyterHub

	environment string // with JupyterHub
	from        string // db_url of JupyterHub
}

// startMoved runs a JupyterHub of an environment with configurable-http-proxy. An empty db_url means a SQLite file.
func startMoved(t *testing.T, environment, from string) *moved {
	t.Helper()
	dir := folder(t)
	m := &moved{t: t, dir: dir, environment: environment, from: from, address: fmt.Sprintf("http://127.0.0.1:%d/", freePort(t))}
	if m.from == "" {
		m.from = "sqlite:///" + filepath.Join(dir, "jupyterhub.sqlite")
	}
	shared := classes{
		"JupyterHub": {
			"bind_url": m.address, "hub_bind_url": fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), "cleanup_servers": false,
			"allow_named_servers": true,
			"load_roles": []any{
				map[string]any{"name": "watcher", "description": "Looks at users", "scopes": []string{"list:users", "read:servers"}, "users": []string{"ada"}, "groups": []string{"lab"}},
				map[string]any{"name": "all", "scopes": []string{"shares", "admin:users", "admin:groups", "admin:servers", "tokens", "read:hub", "access:servers"}, "services": []string{"tests"}},
				map[string]any{"name": "user", "scopes": []string{"self", "shares!user", "read:users:name", "read:groups:name"}},
			},
			"load_groups": map[string]any{"lab": []string{"ada", "bea"}},
		},
	}
	configure(t, dir, settings(t, dir, environment, shared)) // of berdlhub: hub.json
	own := settings(t, dir, environment, shared)
	own["JupyterHub"]["db_url"] = m.from
	own["ConfigurableHTTPProxy"] = map[string]any{
		"command": []string{partstest.ConfigurableHTTPProxy(t)}, "api_url": fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), "auth_token": "of-the-proxy",
	}
	text, err := json.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "jupyterhub.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	m.start()
	return m
}

// start runs JupyterHub until it answers.
func (m *moved) start() {
	m.t.Helper()
	bin := filepath.Join(partstest.PythonEnv(m.t, m.environment), "bin")
	environ := []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
	if strings.HasPrefix(m.from, "postgresql") {
		environ = append(environ, "PYTHONPATH="+partstest.PythonPackages(m.t, "psycopg2"))
	}
	m.hub = run(m.t, m.dir, environ, filepath.Join(bin, "jupyterhub"), "--config", filepath.Join(m.dir, "jupyterhub.json"))
	waitUntil(m.t, time.Minute, "JupyterHub answers", func() bool {
		if m.hub.hasEnded() {
			m.t.Fatal("JupyterHub has ended")
		}
		status, _ := get(m.t, m.address+"hub/api/", "")
		return status == http.StatusOK
	})
}

// call asks the API and wants one of the statuses.
func (m *moved) call(method, path, token string, body any, want ...int) map[string]any {
	m.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		m.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(m.t.Context(), method, m.address+"hub/api/"+path, bytes.NewReader(text))
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		m.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if !slices.Contains(want, resp.StatusCode) {
		m.t.Fatalf("%s %s: %s, want %v: %s", method, path, resp.Status, want, answer)
	}
	var v map[string]any
	_ = json.Unmarshal(answer, &v) // a list, or nothing
	return v
}

// furnish makes a token, a named server, a group and a share, by the API of JupyterHub.
func (m *moved) furnish() {
	m.t.Helper()
	m.call("POST", "users/bea", serviceToken, nil, 201, 409)
	m.call("POST", "groups/guests", serviceToken, nil, 201)
	m.call("POST", "groups/guests/users", serviceToken, map[string]any{"users": []string{"bea"}}, 200)
	m.call("POST", "shares/ada/", serviceToken, map[string]any{"user": "bea"}, 200, 201)
	m.call("POST", "share-codes/ada/", serviceToken, map[string]any{"expires_in": 3600}, 200, 201)
	made := m.call("POST", "users/ada/tokens", serviceToken, map[string]any{"note": "to be kept"}, 200, 201)
	m.token, _ = made["token"].(string)
	if m.token == "" {
		m.t.Fatal("JupyterHub made no token")
	}
}

// stop ends JupyterHub and its proxy, and gives the digest of its database.
func (m *moved) stop() string {
	m.t.Helper()
	m.hub.end(syscall.SIGTERM)
	return m.digest()
}

// digest is empty for PostgreSQL.
func (m *moved) digest() string {
	m.t.Helper()
	path, ok := strings.CutPrefix(m.from, "sqlite:///")
	if !ok {
		return ""
	}
	text, err := os.ReadFile(path)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if _, err := os.Stat(path + suffix); err == nil {
			m.t.Errorf("%s%s exists", path, suffix)
		}
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// report is what db import prints.
type report struct {
	Sections []struct {
		What                               string
		Taken, Updated, Unchanged, Removed int
		LeftOut                            []struct {
			Why   string
			Count int
			Names []string
		} `json:"left_out"`
	}
	Notes []string
}

func (r *report) taken(what string) int {
	for _, s := range r.Sections {
		if s.What == what {
			return s.Taken
		}
	}
	return -1
}

func (m *moved) take(args ...string) *report {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), program(m.t), append([]string{"db", "import", "--config", filepath.Join(m.dir, "hub.json"), "--from", m.from, "-o", "json"}, args...)...)
	cmd.Dir = m.dir
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		m.t.Fatalf("db import: %v\n%s", err, words.String())
	}
	if m.token != "" && bytes.Contains(out, []byte(m.token)) {
		m.t.Error("the report holds a token")
	}
	r := &report{}
	if err := json.Unmarshal(out, r); err != nil {
		m.t.Fatalf("db import: %v\n%s", err, out)
	}
	return r
}

// takeTwice imports, looks at what was taken, and imports again, which must change nothing.
func (m *moved) takeTwice() {
	m.t.Helper()
	dry := m.take("--dry-run")
	first := m.take()
	for what, least := range map[string]int{
		"users": 2, "groups": 2, "group members": 3, "roles": 2, "role holders": 4, "services": 1, "servers": 1, "running servers": 1,
		"OAuth clients": 1, "tokens": 3, "shares": 1, "share codes": 1,
	} {
		if got := first.taken(what); got < least {
			m.t.Errorf("%d %s are taken, want at least %d", got, what, least)
		}
		if dry.taken(what) != first.taken(what) {
			m.t.Errorf("the dry run takes %d %s, the real one %d", dry.taken(what), what, first.taken(what))
		}
	}
	if len(first.Notes) > 0 {
		m.t.Errorf("notes: %q", first.Notes)
	}
	m.nothingNew()
}

func (m *moved) nothingNew() {
	m.t.Helper()
	for _, s := range m.take().Sections {
		if s.Taken+s.Updated+s.Removed > 0 {
			m.t.Errorf("imported again: %+v", s)
		}
	}
}

// server asks for ada's default server.
func (m *moved) server() map[string]any {
	m.t.Helper()
	servers, _ := m.call("GET", "users/ada", m.token, nil, 200)["servers"].(map[string]any)
	server, _ := servers[""].(map[string]any)
	return server
}

// worker is the process of ada's server.
func (m *moved) worker() int {
	m.t.Helper()
	for _, pid := range workers(m.t, m.dir) {
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // gone meanwhile: empty
		if bytes.Contains(environ, []byte("JUPYTERHUB_USER=ada\x00")) && strings.Contains(commandLine(pid), "singleuser") {
			return pid
		}
	}
	return 0
}

// stopServer stops ada's server through berdlhub: its process and its token must be gone, the other tokens stay.
func (m *moved) stopServer() {
	m.t.Helper()
	pid := m.worker()
	if pid == 0 {
		m.t.Fatal("the process of ada's server is not found")
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		m.t.Fatal(err)
	}
	own := regexp.MustCompile(`(?:^|\x00)JUPYTERHUB_API_TOKEN=([^\x00]+)`).FindSubmatch(environ)
	if own == nil {
		m.t.Fatal("ada's server has no token")
	}
	m.call("GET", "user", string(own[1]), nil, 200)
	m.call("DELETE", "users/ada/server", m.token, nil, 202, 204)
	waitUntil(m.t, time.Minute, "the server's process is gone", func() bool { return syscall.Kill(pid, 0) != nil })
	waitUntil(m.t, 30*time.Second, "the server is stopped", func() bool { return m.server() == nil || m.server()["stopped"] == true })
	m.call("GET", "user", string(own[1]), nil, 403)
	m.call("GET", "user", m.token, nil, 200)
}

// looksMoved asks berdlhub for what was made in JupyterHub.
func (m *moved) looksMoved() {
	m.t.Helper()
	ada := m.call("GET", "users/ada", serviceToken, nil, 200)
	if fmt.Sprint(ada["groups"]) != "[lab]" || !strings.Contains(fmt.Sprint(ada["roles"]), "watcher") {
		m.t.Errorf("ada has groups %v and roles %v", ada["groups"], ada["roles"])
	}
	if got := fmt.Sprint(m.call("GET", "users/bea", serviceToken, nil, 200)["groups"]); got != "[guests lab]" {
		m.t.Errorf("bea is in %s", got)
	}
	shares := fmt.Sprint(m.call("GET", "shares/ada/", serviceToken, nil, 200)["items"])
	if !strings.Contains(shares, "bea") || !strings.Contains(shares, "access:servers!server=ada/") {
		m.t.Errorf("shares: %s", shares)
	}
	if m.server()["ready"] != true {
		m.t.Errorf("ada's server is %v", m.server())
	}
	status, body := get(m.t, m.address+"user/ada/api/status", m.token)
	if status != http.StatusOK {
		m.t.Errorf("the running server answers the token with %d: %s", status, body)
	}
}

// TestMoveFromJupyterHub5 moves a JupyterHub 5.3.0 over, by the API, back, and over again, under a server that runs all the time.
func TestMoveFromJupyterHub5(t *testing.T) {
	m := startMoved(t, "hub5", "")
	hub := m.moveByAPI()
	pid := m.worker()
	hub.end(syscall.SIGTERM)
	m.start()
	m.call("GET", "user", m.token, nil, 200)
	waitUntil(t, time.Minute, "the server is JupyterHub's again", func() bool { return m.server()["ready"] == true })
	m.call("POST", "users/cy", serviceToken, nil, 201)
	m.stop()
	if again := m.take().taken("users"); again != 1 {
		t.Errorf("%d users are new, want 1", again)
	}
	startHub(t, m.dir, filepath.Join(m.dir, "hub.json"))
	m.looksMoved()
	if m.worker() != pid || pid == 0 {
		t.Errorf("the server was process %d and is %d", pid, m.worker())
	}
	m.stopServer()
}

// TestMoveFromPostgres moves a JupyterHub 6.1.1 over whose database is PostgreSQL.
func TestMoveFromPostgres(t *testing.T) {
	from := storetest.EmptyPostgres(t)
	m := startMoved(t, "hub6", strings.Replace(from, "postgresql://", "postgresql+psycopg2://", 1))
	m.moveByAPI()
	m.stopServer()
}

// moveByAPI leaves berdlhub running with what JupyterHub had.
func (m *moved) moveByAPI() *process {
	t := m.t
	m.call("POST", "users/ada", serviceToken, nil, 201, 409)
	m.furnish()
	m.call("POST", "users/ada/server", serviceToken, nil, 201, 202)
	waitUntil(t, 2*time.Minute, "ada's server is ready", func() bool { return m.server()["ready"] == true })
	before := m.stop()
	if m.worker() == 0 {
		t.Fatal("ada's server has ended with JupyterHub")
	}
	m.takeTwice()
	if after := m.digest(); after != before {
		t.Errorf("the source was %s and is %s", before, after)
	}
	hub, _ := startHub(t, m.dir, filepath.Join(m.dir, "hub.json"))
	m.looksMoved()
	return hub
}

// TestMoveInChromium moves a JupyterHub 6.1.1 over under a notebook that is open in Chromium: nobody has to sign in again, and the kernel knows
// what it knew.
func TestMoveInChromium(t *testing.T) {
	m := startMoved(t, "hub6", "")
	b := chromiumtest.New(t)
	b.Navigate(m.address)
	b.Type("#username_input", "ada")
	b.Type("#password_input", password)
	b.Click("#login_submit")
	waitLab(b)
	m.furnish()
	b.OpenNotebook()
	b.RunCell("x = 41")
	b.Eval(`window.sameDocument = true`, nil)
	b.Screenshot("import-1-jupyterhub")

	before := m.stop()
	b.WaitDisconnected()
	m.takeTwice()
	if after := m.digest(); after != before {
		t.Errorf("the source was %s and is %s", before, after)
	}
	startHub(t, m.dir, filepath.Join(m.dir, "hub.json"))
	b.WaitReconnected()
	if got := b.RunCell("x + 1"); got != "42" {
		t.Errorf("x + 1 is %q, want 42", got)
	}
	var same bool
	b.Eval(`window.sameDocument === true`, &same)
	if !same {
		t.Error("the page was loaded again, it should have reconnected by itself")
	}
	b.Screenshot("import-2-berdlhub")

	home := b.NewTab()
	home.Navigate(m.address + "hub/home")
	if got := home.Text(".who .user"); got != "ada" {
		t.Errorf("the hub's home greets %q, want ada", got)
	}
	home.Navigate(m.address + "user/ada/lab")
	home.Wait = time.Minute
	home.WaitFor("JupyterLab is open in another tab", `!!document.querySelector(".jp-LabShell")`)
	home.Screenshot("import-3-another-tab")
	m.looksMoved()
	m.stopServer()
}
