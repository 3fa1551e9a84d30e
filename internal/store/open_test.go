package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// refused opens what must not be opened and gives the error's text, which must never hold a password.
func refused(t *testing.T, url string) (string, error) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{URL: url})
	if err == nil {
		_ = db.Close()
		t.Fatal("opened")
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error tells the password: %v", err)
	}
	return err.Error(), err
}

func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
}

// contents reads a folder, to see that nothing was changed or created.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, e := range must[[]os.DirEntry](t)(os.ReadDir(dir)) {
		if e.Type().IsRegular() {
			all[e.Name()] = string(must[[]byte](t)(os.ReadFile(filepath.Join(dir, e.Name()))))
		}
	}
	return all
}

func sameContents(t *testing.T, dir string, before map[string]string) {
	t.Helper()
	after := contents(t, dir)
	for name, text := range before {
		if after[name] != text {
			t.Errorf("%s was changed", name)
		}
	}
	for name := range after {
		if _, had := before[name]; !had {
			t.Errorf("%s was created", name)
		}
	}
}

// rawSQLite runs statements on a file without the store.
func rawSQLite(t *testing.T, path string, statements ...string) {
	t.Helper()
	raw(t, "sqlite", path, statements...)
}

func raw(t *testing.T, driver, where string, statements ...string) {
	t.Helper()
	pool := must[*sql.DB](t)(sql.Open(driver, where))
	defer func() { _ = pool.Close() }()
	for _, s := range statements {
		if _, err := pool.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenRefusesURLs(t *testing.T) {
	t.Parallel()
	for url, words := range map[string]string{
		"":                                "not understood",
		"mysql://root:hunter2@db/hub":     `"mysql", which is not supported`,
		"sqlite://host/file":              "host",
		"postgresql://u:hunter2@h:port/d": "not a valid PostgreSQL address",
		"hunter2:/\x00":                   "not understood",
		"root:hunter2@db://x":             "not understood",
		"sqlite:////no/such/folder/x.db":  "does not exist: create it",
		"sqlite:////etc":                  "must name a file",
	} {
		text, _ := refused(t, url)
		wantWords(t, text, words)
		cfg := store.Config{URL: url, Replica: "r"}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("config", "db", cfg)
		if strings.Contains(log.String()+fmt.Sprint(cfg)+fmt.Sprintf("%v", cfg), "hunter2") {
			t.Errorf("the configuration prints the password: %s", log.String())
		}
	}
}

func TestOpenForms(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, url := range []string{"sqlite://", "sqlite:///:memory:", "sqlite:///relative.db", "sqlite:///" + dir + "/a b%20?#.db", "sqlite+pysqlite:///x.db?timeout=5"} {
		db := storetest.Open(t, url, "r")
		newUser(t, db, "ada")
		if db.MultiHub() {
			t.Errorf("%s has several hubs", url)
		}
	}
	for _, file := range []string{"relative.db", "a b%20", "x.db"} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", file, info.Mode())
		}
	}
}

func TestOpenAgain(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	for range 2 {
		db := must[*store.DB](t)(store.Open(t.Context(), store.Config{URL: url}))
		_, _, err := db.SaveSignIn(t.Context(), store.SignIn{Name: "ada", Now: t0})
		ok(t, err)
		ok(t, db.Close())
	}
	left := contents(t, filepath.Dir(strings.TrimPrefix(url, "sqlite:///")))
	if len(left) != 2 || left["hub.sqlite"] == "" || left["hub.sqlite.lock"] == "" {
		t.Errorf("after two lives there are %d files", len(left))
	}
}

// TestOpenAfterCrash finds a claim of a hub that died: nobody else can hold the file, so its work is free at once.
func TestOpenAfterCrash(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	dead := must[*store.DB](t)(store.Open(t.Context(), store.Config{URL: url, Replica: "dead"}))
	newUser(t, dead, "ada")
	newServer(t, dead, hub.ServerKey{User: "ada"})
	_, _, err := dead.AskStart(t.Context(), store.StartAsk{Key: hub.ServerKey{User: "ada"}, RunID: "r", Now: t0})
	ok(t, err)
	must[[]*hub.Server](t)(dead.ClaimWork(t.Context(), "dead", time.Hour, t0, 1, 0))
	must[bool](t)(dead.Lease(t.Context(), "culler", "dead", time.Hour, t0))
	ok(t, dead.Close())
	db := storetest.Open(t, url, "next")
	if work := must[[]*hub.Server](t)(db.ClaimWork(t.Context(), "next", time.Hour, t0, 1, 0)); keys(work) != "ada" {
		t.Errorf("work %q", keys(work))
	}
	if !must[bool](t)(db.Lease(t.Context(), "culler", "next", time.Hour, t0)) {
		t.Error("the dead hub keeps its lease")
	}
}

func TestOpenLocked(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	first := must[*store.DB](t)(store.Open(t.Context(), store.Config{URL: url}))
	text, err := refused(t, url)
	wantWords(t, text, fmt.Sprintf("process %d holds", os.Getpid()), "Stop that hub first")
	if !errors.Is(err, store.ErrLocked) {
		t.Errorf("error is %v", err)
	}
	newUser(t, first, "ada")
	ok(t, first.Close())
	storetest.Open(t, url, "next")
}

func TestOpenRefusesFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make  func(t *testing.T, path string)
		words []string
		cause error
	}{
		"no database": {func(t *testing.T, path string) {
			ok(t, os.WriteFile(path, []byte("dear diary, this is not a database"), 0o600))
		}, []string{"not a SQLite database", "Restore"}, store.ErrDamaged},
		"short": {func(t *testing.T, path string) {
			ok(t, os.WriteFile(path, []byte("SQ"), 0o600))
		}, []string{"not a SQLite database"}, store.ErrDamaged},
		"header only": {func(t *testing.T, path string) {
			ok(t, os.WriteFile(path, append([]byte("SQLite format 3\x00"), bytes.Repeat([]byte{0xff}, 5000)...), 0o600))
		}, []string{"damaged", "Restore it from a backup"}, store.ErrDamaged},
		"torn": {func(t *testing.T, path string) {
			rawSQLite(t, path, readFile(t, "testdata/schema1.sqlite.sql"))
			b := must[[]byte](t)(os.ReadFile(path))
			for i := 4096; i < len(b); i++ {
				b[i] ^= 0x5a
			}
			ok(t, os.WriteFile(path, b, 0o600))
		}, []string{"damaged", "Restore it from a backup"}, store.ErrDamaged},
		"JupyterHub's": {func(t *testing.T, path string) {
			rawSQLite(t, path, `CREATE TABLE alembic_version (version_num VARCHAR(32))`, `CREATE TABLE users (id INTEGER PRIMARY KEY)`)
		}, []string{"JupyterHub database", "berdlhub db import", "Nothing was changed"}, store.ErrForeign},
		"another program's": {func(t *testing.T, path string) {
			rawSQLite(t, path, `CREATE TABLE users (id INTEGER PRIMARY KEY)`)
		}, []string{"table named users", "a database of its own"}, store.ErrForeign},
		"newer": {func(t *testing.T, path string) {
			rawSQLite(t, path, readFile(t, "testdata/schema1.sqlite.sql"), `INSERT INTO berdlhub_schema (version_id, is_applied) VALUES (9999, TRUE)`)
		}, []string{"schema 9999", "Run the newer program"}, store.ErrNewer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "hub.sqlite")
			c.make(t, path)
			before := contents(t, filepath.Dir(path))
			text, err := refused(t, "sqlite:///"+path)
			wantWords(t, text, append(c.words, path)...)
			if !errors.Is(err, c.cause) {
				t.Errorf("cause of %v is not %v", err, c.cause)
			}
			sameContents(t, filepath.Dir(path), before)
		})
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	return string(must[[]byte](t)(os.ReadFile(path)))
}

// TestOpenWithoutRights runs as an ordinary user, because root may do everything.
func TestOpenWithoutRights(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		rerunAsNobody(t)
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "hub.sqlite")
	ok(t, os.Chmod(dir, 0o500))
	text, _ := refused(t, "sqlite:///"+path)
	wantWords(t, text, "is not writable", dir)
	sameContents(t, dir, nil)

	ok(t, os.Chmod(dir, 0o700))
	db := must[*store.DB](t)(store.Open(t.Context(), store.Config{URL: "sqlite:///" + path}))
	ok(t, db.Close())
	for mode, words := range map[os.FileMode]string{0o400: "readable and writable", 0o000: "readable and writable"} {
		ok(t, os.Chmod(path, mode))
		text, _ = refused(t, "sqlite:///"+path)
		wantWords(t, text, words, path)
	}
	ok(t, os.Chmod(path, 0o600))
	ok(t, os.Chmod(dir, 0o500))
	text, _ = refused(t, "sqlite:///"+path)
	wantWords(t, text, "is not writable", dir)
	ok(t, os.Chmod(dir, 0o700))
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	ok(t, db.LimitPages(t.Context(), 1)) // no page more than there are
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		_, err = db.CreateUser(t.Context(), fmt.Sprintf("user-%d-%s", n, strings.Repeat("x", 200)), false, t0)
	}
	wantCode(t, err, hub.Unavailable)
	wantWords(t, hub.MessageOf(err), "full", "free space")
	users, total, err := db.FindUsers(t.Context(), store.UserFilter{Count: true}) // reading goes on, and the failed change left nothing
	ok(t, err)
	if total != n-1 || len(users) != n-1 {
		t.Errorf("%d users after %d were created", total, n-1)
	}
	ok(t, db.LimitPages(t.Context(), 100000)) // and writing too once there is space
	newUser(t, db, "after")
}

func TestCancelledContext(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := db.CreateUser(ctx, "ada", false, t0); !errors.Is(err, context.Canceled) {
			t.Errorf("write: %v", err)
		}
		if _, err := db.UserByName(ctx, "ada"); !errors.Is(err, context.Canceled) {
			t.Errorf("read: %v", err)
		}
		newUser(t, db, "ada")
	})
}

func TestPostgresRefusals(t *testing.T) {
	t.Parallel()
	good := must[*url.URL](t)(url.Parse(storetest.EmptyPostgres(t)))
	wrong := func(change func(u *url.URL)) string {
		u := *good
		u.User = url.UserPassword(good.User.Username(), "hunter2")
		change(&u)
		return u.String()
	}
	closed := must[net.Listener](t)((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))
	nobody := closed.Addr().String()
	ok(t, closed.Close())
	for name, c := range map[string]struct {
		url   string
		words []string
	}{
		"wrong password":   {wrong(func(*url.URL) {}), []string{"refuses user " + good.User.Username(), good.Host, "password"}},
		"unknown user":     {wrong(func(u *url.URL) { u.User = url.UserPassword("ghost", "hunter2") }), []string{"refuses user ghost"}},
		"nobody answers":   {wrong(func(u *url.URL) { u.Host = nobody }), []string{"does not answer", nobody, "start it"}},
		"unknown host":     {wrong(func(u *url.URL) { u.Host = "no-such-host.invalid" }), []string{"does not answer", "no-such-host.invalid"}},
		"unknown database": {strings.Replace(good.String(), good.Path, "/ghost", 1), []string{"ghost", "db_url"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := refused(t, c.url)
			wantWords(t, text, c.words...)
			wantCode(t, err, hub.Unavailable)
			if password, _ := good.User.Password(); strings.Contains(text, password) {
				t.Errorf("the error tells the password: %s", text)
			}
		})
	}
}

func TestPostgresForeign(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statement string
		words     string
		cause     error
	}{
		"JupyterHub's": {`CREATE TABLE alembic_version (version_num VARCHAR(32))`, "berdlhub db import", store.ErrForeign},
		"other":        {`CREATE TABLE users (id BIGINT)`, "table named users", store.ErrForeign},
		"newer": {
			`CREATE TABLE berdlhub_schema (version_id BIGINT, is_applied BOOLEAN); INSERT INTO berdlhub_schema VALUES (9999, TRUE)`,
			"Run the newer program", store.ErrNewer,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := storetest.EmptyPostgres(t)
			raw(t, "pgx", url, c.statement)
			text, err := refused(t, url)
			wantWords(t, text, c.words)
			if !errors.Is(err, c.cause) {
				t.Errorf("cause of %v", err)
			}
		})
	}
}

func TestTwoHubsStartAtOnce(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyPostgres(t)
	var wg sync.WaitGroup
	for n := range 3 {
		wg.Go(func() {
			db, err := store.Open(t.Context(), store.Config{URL: url, Replica: fmt.Sprint(n)})
			if err != nil {
				t.Errorf("hub %d: %v", n, err)
				return
			}
			if _, _, err := db.SaveSignIn(t.Context(), store.SignIn{Name: "ada", Groups: []string{"g"}, Now: t0}); err != nil {
				t.Errorf("hub %d: %v", n, err)
			}
			if err := db.Close(); err != nil {
				t.Errorf("hub %d: %v", n, err)
			}
		})
	}
	wg.Wait()
}

func TestMigrateFromOldSchema(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, url string) {
		db := storetest.Open(t, url, "r")
		wantAccess(t, db, "ada", "admin user", "", "")
		u := must[*hub.User](t)(db.UserByName(t.Context(), "ada"))
		if string(u.Info) != `{"name":"Ada"}` || !u.Created.Equal(time.Unix(1700000000, 0)) || u.CookieID.Reveal() != "00112233445566778899aabbccddeeff" {
			t.Errorf("user is %+v", u)
		}
		srv := must[*hub.Server](t)(db.ServerByRun(t.Context(), "r1"))
		if srv.Phase != hub.Ready || string(srv.Options) != `{"image":"a"}` {
			t.Errorf("server is %+v", srv)
		}
	}
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := storetest.EmptyPostgres(t)
		raw(t, "pgx", url, readFile(t, "testdata/schema1.postgres.sql"))
		check(t, url)
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		path := filepath.Join(dir, "hub.sqlite")
		rawSQLite(t, path, readFile(t, "testdata/schema1.sqlite.sql"))
		check(t, "sqlite:///"+path)
		copies := must[[]string](t)(filepath.Glob(path + ".backup-schema1-*"))
		if len(copies) != 1 {
			t.Fatalf("copies %v", copies)
		}
		info := must[os.FileInfo](t)(os.Stat(copies[0]))
		if info.Mode().Perm() != 0o600 {
			t.Errorf("the copy has mode %v", info.Mode())
		}
		check(t, "sqlite:///"+copies[0]) // complete, and can itself be opened
	})
}

// TestMigrationNeedsItsCopy has no room for the copy, so the upgrade must not begin.
func TestMigrationNeedsItsCopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, strings.Repeat("x", 230)) // the copy's name is too long for the file system
	rawSQLite(t, path, readFile(t, "testdata/schema1.sqlite.sql"))
	text, err := refused(t, "sqlite:///"+path)
	wantWords(t, text, "before its schema is upgraded")
	if !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("error is %v", err)
	}
	pool := must[*sql.DB](t)(sql.Open("sqlite", path))
	defer func() { _ = pool.Close() }()
	var version int
	ok(t, pool.QueryRowContext(t.Context(), `SELECT MAX(version_id) FROM berdlhub_schema`).Scan(&version))
	if version != 1 {
		t.Errorf("the schema was upgraded to %d without a copy", version)
	}
}
