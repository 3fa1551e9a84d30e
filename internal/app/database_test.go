package app_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/app"
	"berdlhub/internal/config"
	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// configured reads a configuration with a SQLite database in a folder.
func configured(t *testing.T, dir string, more map[string]any) *config.Config {
	t.Helper()
	settings := map[string]any{
		"db_url": "sqlite:///" + filepath.Join(dir, "hub.sqlite"), "authenticator_class": "dummy", "spawner_class": "simple",
		"hub_bind_url": "http://127.0.0.1:8081",
	}
	maps.Copy(settings, more)
	text, err := json.Marshal(map[string]any{"JupyterHub": settings, "DummyAuthenticator": map[string]any{"password": "open"}, "Authenticator": map[string]any{"allow_all": true}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "hub.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, faults := config.Load(config.Input{Args: []string{"--config=" + file}})
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// oldHub makes the database of a JupyterHub in which ada's server runs as a process of this machine, and in which statements were run.
func oldHub(t *testing.T, dir string, pid int, started time.Time, statements ...string) string {
	t.Helper()
	path := filepath.Join(dir, "jupyterhub.sqlite")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range append([]string{
		`CREATE TABLE alembic_version (version_num TEXT)`, `INSERT INTO alembic_version VALUES ('f460b0348206')`,
		`CREATE TABLE users (id INTEGER, name TEXT, cookie_id TEXT, encrypted_auth_state BLOB)`, `INSERT INTO users VALUES (1, 'ada', 'c0', NULL)`,
		`CREATE TABLE roles (id INTEGER, name TEXT, scopes TEXT)`,
		`CREATE TABLE servers (id INTEGER, proto TEXT, ip TEXT, port INTEGER, base_url TEXT)`, `INSERT INTO servers VALUES (1, 'http', '127.0.0.1', 1, '/user/ada/')`,
		`CREATE TABLE spawners (id INTEGER, user_id INTEGER, server_id INTEGER, name TEXT, state TEXT, started DATETIME)`,
		fmt.Sprintf(`INSERT INTO spawners VALUES (1, 1, 1, '', '{"pid": %d}', '%s')`, pid, started.UTC().Format("2006-01-02 15:04:05.000000")),
	}, statements...) {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	return "sqlite:///" + path
}

// runningServer starts a process with the environment of ada's server; what answers at its address is the handler.
func runningServer(t *testing.T, h http.HandlerFunc, environ ...string) (pid int) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	cmd.Env = append([]string{
		"JUPYTERHUB_USER=ada", "JUPYTERHUB_SERVER_NAME=", "JUPYTERHUB_SERVICE_URL=" + server.URL + "/user/ada/", "JUPYTERHUB_API_URL=http://localhost:8081/hub/api",
		"JUPYTERHUB_SERVICE_PREFIX=/user/ada/",
	}, environ...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	return cmd.Process.Pid
}

func notes(t *testing.T, cfg *config.Config, from string, dry bool) (taken int, why, notes string) {
	t.Helper()
	report, err := app.ImportDatabase(t.Context(), cfg, from, dry, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := report.Section("running servers")
	for _, l := range s.LeftOut {
		why += l.Why
	}
	return s.Taken, why, strings.Join(report.Notes, "\n")
}

func TestImportAdoptsWhatAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	asked := ""
	pid := runningServer(t, func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.Path })
	from := oldHub(t, dir, pid, time.Now())
	cfg := configured(t, dir, nil)
	if taken, why, notes := notes(t, cfg, from, true); taken != 1 || why != "" || strings.Contains(notes, "hub_bind_url") || asked != "/user/ada/api" {
		t.Errorf("%d taken, %q, notes %q, asked %q", taken, why, notes, asked)
	}
	if _, err := os.Stat(filepath.Join(dir, "hub.sqlite")); err == nil {
		t.Error("a dry run has made the database")
	}
	moved := configured(t, dir, map[string]any{"hub_bind_url": "http://127.0.0.1:9999"})
	taken, _, words := notes(t, moved, from, false)
	if taken != 1 || !strings.Contains(words, "http://localhost:8081/hub/api") || !strings.Contains(words, "hub_bind_url") || !strings.Contains(words, "ada") {
		t.Errorf("%d taken, notes %q", taken, words)
	}
	db := storetest.Open(t, moved.Hub.DBURL.Reveal(), "r")
	srv, err := db.ServerByKey(t.Context(), hub.ServerKey{User: "ada"})
	if err != nil || srv.Phase != hub.Ready {
		t.Errorf("the server is %+v, %v", srv, err)
	}
}

func TestImportLeavesOutWhatDoesNot(t *testing.T) {
	t.Parallel()
	silent := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	for name, c := range map[string]struct {
		statement string
		why       string
	}{
		"error":     {``, "does not answer"},
		"https":     {`UPDATE servers SET proto = 'https'`, "https"},
		"pod":       {`UPDATE spawners SET state = '{"pod_name": "jupyter-ada"}'`, "Kubernetes"},
		"mid-spawn": {`UPDATE spawners SET state = NULL`, "being started"},
		"list":      {`UPDATE spawners SET state = '[]'`, "cannot be read"},
		"too old":   {`UPDATE spawners SET started = '2020-01-01 00:00:00'`, "not started when"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			from := oldHub(t, dir, runningServer(t, silent), time.Now(), c.statement)
			if taken, why, _ := notes(t, configured(t, dir, nil), from, false); taken != 0 || !strings.Contains(why, c.why) {
				t.Errorf("%d taken, left out because %q, want %q", taken, why, c.why)
			}
		})
	}
}

func TestImportNotes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from := oldHub(t, dir, 0, time.Time{}.AddDate(2000, 0, 0), `INSERT INTO roles VALUES (1, 'watcher', '["list:users"]'), (2, 'user', '["self"]'), (3, 'strange', '["fly"]')`,
		`UPDATE users SET encrypted_auth_state = 'gAAAAA'`)
	_, _, words := notes(t, configured(t, dir, nil), from, true)
	if !strings.Contains(words, "load_roles does not have watcher, strange") || !strings.Contains(words, "no key is configured") {
		t.Errorf("notes: %s", words)
	}
	keyed := configured(t, dir, map[string]any{"load_roles": []any{map[string]any{"name": "watcher", "scopes": []string{"list:users"}}}})
	keyed.Hub.CryptKeys = []hub.Secret{hub.Secret(strings.Repeat("0f", 32))}
	_, _, words = notes(t, keyed, from, true)
	if strings.Contains(words, "watcher") || !strings.Contains(words, "cannot be opened") {
		t.Errorf("notes: %s", words)
	}
}

// TestImportWhileTheHubRuns warns: what JupyterHub changes afterwards is not taken.
func TestImportWhileTheHubRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(old.Close)
	pid := runningServer(t, func(http.ResponseWriter, *http.Request) {}, "JUPYTERHUB_API_URL="+old.URL+"/hub/api")
	_, _, words := notes(t, configured(t, dir, nil), oldHub(t, dir, pid, time.Now()), true)
	if !strings.Contains(words, "A hub answers at "+old.URL+"/hub/api") {
		t.Errorf("notes: %s", words)
	}
}

func TestImportIntoMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := app.ImportDatabase(t.Context(), configured(t, dir, map[string]any{"db_url": "sqlite://"}), oldHub(t, dir, 0, time.Now()), false, nil)
	if hub.CodeOf(err) != hub.Invalid {
		t.Errorf("error is %v", err)
	}
}

// TestImportNeedsADatabaseOfItsOwn: JupyterHub's own file is refused as the place to write to.
func TestImportNeedsADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from := oldHub(t, dir, 0, time.Now())
	_, err := app.ImportDatabase(context.WithoutCancel(t.Context()), configured(t, dir, map[string]any{"db_url": from}), from, false, nil)
	if err == nil || !strings.Contains(err.Error(), "db import") || !strings.Contains(err.Error(), store.ErrForeign.Error()) {
		t.Errorf("error is %v", err)
	}
}
