package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// berdlhub runs the program with arguments in this process.
func berdlhub(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := root()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

// place makes a folder with a configuration and the database of a JupyterHub, and gives their names.
func place(t *testing.T) (dir, file, from string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, "hub.json")
	text := `{"JupyterHub": {"db_url": "sqlite:///` + dir + `/hub.sqlite", "authenticator_class": "dummy", "spawner_class": "simple"},
		"DummyAuthenticator": {"password": "open"}, "Authenticator": {"allow_all": true}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "jupyterhub.sqlite")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('4621fec11365');
		CREATE TABLE users (id INTEGER, name TEXT, cookie_id TEXT); INSERT INTO users VALUES (1, 'ada', 'c0'), (2, 'b/c', 'c1')`); err != nil {
		t.Fatal(err)
	}
	return dir, file, "sqlite:///" + path
}

func TestDBCommands(t *testing.T) {
	dir, file, from := place(t)
	copied := filepath.Join(dir, "copy")
	for _, step := range []struct {
		args  string
		words []string
		fails bool
	}{
		{"db check", []string{"hub.sqlite"}, true},
		{"db import", []string{"from"}, true},
		{"db import --from " + from + " --dry-run", []string{"users", "b/c", "Nothing was written"}, false},
		{"db migrate", []string{"The schema was 0 and is"}, false},
		{"db import --from sqlite:///" + dir + "/none", []string{"none"}, true},
		{"db import --from mysql://u:hunter2@h/d", []string{"not supported"}, true},
		{"db import --from " + from, []string{"JupyterHub 5", "left out", "because the name has a slash"}, false},
		{"db check", []string{"users", "1", "schema"}, false},
		{"db backup " + copied, []string{copied}, false},
		{"db backup " + copied, []string{"exists"}, true},
		{"db restore " + copied, []string{"before-restore"}, false},
		{"db check -o yaml", []string{"text or json"}, true},
		{"db restore", []string{"1 arg"}, true},
	} {
		out, err := berdlhub(t, append(strings.Fields(step.args), "--config", file)...)
		if (err != nil) != step.fails {
			t.Fatalf("%s: %v\n%s", step.args, err, out)
		}
		if err != nil {
			out += err.Error()
		}
		for _, w := range step.words {
			if !strings.Contains(out, w) {
				t.Errorf("%s lacks %q:\n%s", step.args, w, out)
			}
		}
		if strings.Contains(out, "hunter2") {
			t.Errorf("%s shows the password", step.args)
		}
	}
}

func TestDBCommandsAsJSON(t *testing.T) {
	_, file, from := place(t)
	for args, want := range map[string]string{
		"import --from " + from + " --dry-run": `"dry_run":true`,
		"migrate":                              `"from":0`,
	} {
		out, err := berdlhub(t, append(strings.Fields("db -o json --config "+file), strings.Fields(args)...)...)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(out)); err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
		if !strings.Contains(compact.String(), want) {
			t.Errorf("%s lacks %s:\n%s", args, want, out)
		}
	}
}
