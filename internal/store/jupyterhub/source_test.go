package jupyterhub_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"berdlhub/internal/secret"
	"berdlhub/internal/store/jupyterhub"
	"berdlhub/internal/store/storetest"
)

// now is when the tests' imports take place.
var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// The tokens of testdata/rows.sql whose values are known.
const (
	serverToken = "server-token-of-ada"
	keptToken   = "kept-token-of-ada"
)

var (
	sqliteWords = strings.NewReplacer(append(tokenWords(), "{datetime}", "DATETIME", "{blob}", "BLOB", "{sealed}", "x'67414141'")...)
	pgWords     = strings.NewReplacer(append(tokenWords(), "{datetime}", "TIMESTAMP", "{blob}", "BYTEA", "{sealed}", `'\x67414141'`)...)
)

func tokenWords() []string {
	return []string{
		"{server token}", "'" + secret.HashToken(serverToken, secret.GeneratedRounds) + "'",
		"{kept token}", "'" + secret.HashToken(keptToken, secret.GeneratedRounds) + "'",
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func script(t testing.TB, files ...string) string {
	t.Helper()
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join("testdata", f))
		ok(t, err)
		all.Write(text)
	}
	return all.String()
}

// change runs SQL on a SQLite source.
func change(t testing.TB, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	ok(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), sqliteWords.Replace(text))
	ok(t, err)
}

// source makes a SQLite database of a JupyterHub.
func source(t testing.TB, files ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jupyterhub.sqlite")
	change(t, path, script(t, files...))
	return path
}

// read reads a source that must be readable.
func read(t testing.TB, url string) *jupyterhub.Hub {
	t.Helper()
	h, name, err := jupyterhub.Read(t.Context(), url)
	ok(t, err)
	if name == "" {
		t.Error("the source has no name")
	}
	return h
}

func full(t testing.TB) string { return "sqlite:///" + source(t, "schema6.sql", "rows.sql") }

func TestRead(t *testing.T) {
	t.Parallel()
	checkRead(t, read(t, full(t)))
}

func TestReadPostgres(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyPostgres(t)
	db, err := sql.Open("pgx", url)
	ok(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), pgWords.Replace(script(t, "schema6.sql", "rows.sql")))
	ok(t, err)
	checkRead(t, read(t, strings.Replace(url, "postgresql:", "postgresql+psycopg2:", 1)))
}

func checkRead(t *testing.T, h *jupyterhub.Hub) {
	t.Helper()
	if h.Release != "6.0 or 6.1" || len(h.Faults) > 0 {
		t.Errorf("release %q, faults %v", h.Release, h.Faults)
	}
	ada := h.Users[0]
	if ada.Name != "ada" || !ada.Admin || string(ada.AuthState) != "gAAA" || !ada.Created.Equal(time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)) {
		t.Errorf("ada is %+v", ada)
	}
	if bea := h.Users[1]; bea.Admin || !bea.Created.IsZero() || bea.AuthState != nil {
		t.Errorf("bea is %+v", bea)
	}
	if s := h.Servers[0]; !s.Active || s.Port != 4321 || s.BaseURL != "/user/ada/" || string(s.State) != `{"pid":77}` || s.Client != "jupyterhub-user-ada" {
		t.Errorf("ada's server is %+v", s)
	}
	if s := h.Servers[1]; s.Active || string(s.Options) != `{"file":"hello"}` || s.DisplayName != "Big one" {
		t.Errorf("ada's second server is %+v", s)
	}
	if len(h.Tokens) != 9 || len(h.Holders) != 7 || len(h.Members) != 4 || len(h.Shares) != 3 || len(h.ShareCodes) != 1 || h.Codes != 1 {
		t.Errorf("%d tokens, %d holders, %d members, %d shares, %d share codes, %d codes",
			len(h.Tokens), len(h.Holders), len(h.Members), len(h.Shares), len(h.ShareCodes), h.Codes)
	}
	if v := h.Services[1]; !v.FromConfig || !v.Command || v.Display || !v.Admin {
		t.Errorf("the service is %+v", v)
	}
}

// TestRead4 reads a schema without shares and without what later releases added.
func TestRead4(t *testing.T) {
	t.Parallel()
	path := source(t, "schema6.sql", "rows.sql")
	change(t, path, `UPDATE alembic_version SET version_num = '0eee8c825d24'; DROP TABLE shares; DROP TABLE share_codes; DELETE FROM spawners WHERE id > 2;
		ALTER TABLE users DROP COLUMN user_info; ALTER TABLE roles DROP COLUMN managed_by_auth; ALTER TABLE user_role_map DROP COLUMN managed_by_auth;
		ALTER TABLE services DROP COLUMN from_config; ALTER TABLE spawners DROP COLUMN display_name`)
	h := read(t, "sqlite:///"+path)
	if h.Release != "4" || len(h.Users) != 3 || len(h.Shares) != 0 || !h.Services[0].FromConfig || h.Roles[5].Managed || len(h.Holders) != 7 || len(h.Faults) > 0 {
		t.Errorf("%+v", h)
	}
}

// TestReadUpgraded reads a schema with other columns in another order, and with a value that is broken.
func TestReadUpgraded(t *testing.T) {
	t.Parallel()
	h := read(t, "sqlite:///"+source(t, "schema5.sql"))
	if h.Release != "5" || len(h.Users) != 1 || h.Users[0].Name != "eve" || h.Users[0].Created.Year() != 2025 || h.Users[0].LastActivity.Nanosecond() != 100_000_000 {
		t.Errorf("%+v", h)
	}
	if s := h.Servers[0]; s.Name != "two" || s.Options != nil || s.Port != 50 {
		t.Errorf("the server is %+v", s)
	}
	if v := h.Services[0]; !v.FromConfig || !v.Display {
		t.Errorf("the service is %+v", v)
	}
	if len(h.Faults) != 1 || h.Faults[0] != (jupyterhub.Fault{Table: "spawners", Column: "user_options", ID: 1, Problem: "is no JSON"}) {
		t.Errorf("faults are %+v", h.Faults)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	revision := func(number string) string {
		path := source(t, "schema5.sql")
		change(t, path, `UPDATE alembic_version SET version_num = '`+number+`'`)
		return path
	}
	none := filepath.Join(t.TempDir(), "none.sqlite")
	words := filepath.Join(t.TempDir(), "words.sqlite")
	ok(t, os.WriteFile(words, []byte("these are words and no database, whatever their name says"), 0o600))
	empty := filepath.Join(t.TempDir(), "empty.sqlite")
	ok(t, os.WriteFile(empty, nil, 0o600))
	for name, c := range map[string]struct {
		path  string
		cause error
		words string
	}{
		"half upgraded": {revision("3c2384c5aae1"), jupyterhub.ErrRevision, "Finish the upgrade"},
		"too old":       {revision("651f5419b74d"), jupyterhub.ErrRevision, "JupyterHub 3"},
		"unknown":       {revision("0123456789ab"), jupyterhub.ErrRevision, "0123456789ab"},
		"empty":         {empty, jupyterhub.ErrNotJupyterHub, "alembic_version"},
		"missing":       {none, os.ErrNotExist, none},
		"no database":   {words, nil, "not a database"},
		"memory":        {"", jupyterhub.ErrNotJupyterHub, "memory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := jupyterhub.Read(t.Context(), "sqlite:///"+c.path)
			if err == nil || (c.cause != nil && !errors.Is(err, c.cause)) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("error is %v, want %v with %q", err, c.cause, c.words)
			}
		})
	}
}

func TestPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	_, _, err := jupyterhub.Read(t.Context(), "postgresql://hub:hunter2@127.0.0.1:1/db")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error is %v", err)
	}
}

// TestWAL reads what is only in the write-ahead log, and leaves every file as it is.
func TestWAL(t *testing.T) {
	t.Parallel()
	made := source(t, "schema6.sql", "rows.sql")
	db, err := sql.Open("sqlite", "file:"+made+"?_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(0)")
	ok(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `UPDATE users SET name = 'renamed' WHERE id = 2`)
	ok(t, err)
	// What a crash leaves: the file and its log.
	path := filepath.Join(t.TempDir(), "jupyterhub.sqlite")
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(made + suffix)
		ok(t, err)
		ok(t, os.WriteFile(path+suffix, text, 0o600))
	}
	before := contents(t, path)
	if h := read(t, "sqlite:///"+path); h.Users[1].Name != "renamed" {
		t.Errorf("the user is %q", h.Users[1].Name)
	}
	if after := contents(t, path); after != before {
		t.Error("the source has changed")
	}
}

// contents gives the names and contents of all files in a file's folder.
func contents(t *testing.T, path string) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	ok(t, err)
	var all strings.Builder
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), e.Name()))
		ok(t, err)
		all.WriteString(e.Name() + "\x00" + string(text) + "\x00")
	}
	return all.String()
}

// writerOf names, in the environment of this test program, the file that it is to write to instead of testing.
const writerOf = "JUPYTERHUB_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerOf); path != "" {
		if err := holdWriter(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// holdWriter begins a transaction, says so, and keeps it until its standard input ends.
func holdWriter(path string) error {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(context.Background(), "BEGIN EXCLUSIVE"); err != nil {
		return err
	}
	fmt.Println("writing")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// TestInUse refuses a file that another program is writing to. A lock is a process's own, so the writer is one.
func TestInUse(t *testing.T) {
	t.Parallel()
	path := source(t, "schema6.sql")
	writer := exec.CommandContext(t.Context(), os.Args[0])
	writer.Env = append(os.Environ(), writerOf+"="+path)
	in, err := writer.StdinPipe()
	ok(t, err)
	out, err := writer.StdoutPipe()
	ok(t, err)
	ok(t, writer.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "writing\n" {
		t.Fatalf("the writer says %q: %v", line, err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 400*time.Millisecond, jupyterhub.ErrInUse)
	defer cancel()
	if _, _, err := jupyterhub.Read(ctx, "sqlite:///"+path); !errors.Is(err, jupyterhub.ErrInUse) {
		t.Errorf("error is %v", err)
	}
	ok(t, in.Close())
	ok(t, writer.Wait())
	read(t, "sqlite:///"+path)
}
