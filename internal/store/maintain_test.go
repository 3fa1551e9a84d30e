package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func TestMigrateAndCheck(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"sqlite": "sqlite:///" + filepath.Join(t.TempDir(), "hub.sqlite"), "postgres": storetest.EmptyPostgres(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to, err := store.Migrate(t.Context(), store.Config{URL: url})
			ok(t, err)
			if from != 0 || to < 3 {
				t.Errorf("the schema was %d and is %d", from, to)
			}
			if again, _, err := store.Migrate(t.Context(), store.Config{URL: url}); err != nil || again != to {
				t.Errorf("the schema was %d, %v, want %d", again, err, to)
			}
			db := storetest.Open(t, url, "r")
			newUser(t, db, "ada")
			health, err := store.Check(t.Context(), url)
			ok(t, err)
			if health.Schema != to || health.Newest != to || health.Rows["users"] != 1 || len(health.Faults) > 0 || strings.Contains(health.Database, "://") {
				t.Errorf("found %+v", health)
			}
		})
	}
}

func TestCheckFindsFaults(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hub.sqlite")
	if _, err := store.Check(t.Context(), "sqlite:///"+path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
	_, _, err := store.Migrate(t.Context(), store.Config{URL: "sqlite:///" + path})
	ok(t, err)
	raw(t, "sqlite", path, `INSERT INTO user_groups (user_id, group_id) VALUES (7, 8)`)
	health, err := store.Check(t.Context(), "sqlite:///"+path)
	ok(t, err)
	if len(health.Faults) != 2 || !strings.Contains(health.Faults[0], "user_groups refers to rows of groups") {
		t.Errorf("faults are %q", health.Faults)
	}
}

// TestBackupAndRestore copies a database under a hub, and puts the copy in its place when the hub is gone.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "hub.sqlite"), filepath.Join(dir, "copy.sqlite")
	url := "sqlite:///" + path
	db, err := store.Open(t.Context(), store.Config{URL: url})
	ok(t, err)
	newUser(t, db, "ada")
	ok(t, store.Backup(t.Context(), url, copied))
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info, err)
	}
	if err := store.Backup(t.Context(), url, copied); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a copy that exists: %v", err)
	}
	newUser(t, db, "bea")
	if _, err := store.Restore(t.Context(), url, copied, t0); !errors.Is(err, store.ErrLocked) {
		t.Errorf("while a hub runs: %v", err)
	}
	ok(t, db.Close())

	kept, err := store.Restore(t.Context(), url, copied, t0)
	ok(t, err)
	again := storetest.Open(t, url, "r")
	if _, err := again.UserByName(t.Context(), "ada"); err != nil {
		t.Error(err)
	}
	_, err = again.UserByName(t.Context(), "bea")
	wantCode(t, err, hub.NotFound)
	if health, err := store.Check(t.Context(), "sqlite:///"+kept); err != nil || health.Rows["users"] != 2 {
		t.Errorf("what was there: %+v, %v", health, err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "hub.sqlite")
	_, _, err := store.Migrate(t.Context(), store.Config{URL: "sqlite:///" + path})
	ok(t, err)
	before := must[[]byte](t)(os.ReadFile(path))
	words := filepath.Join(dir, "words")
	ok(t, os.WriteFile(words, []byte("no database, whatever its name says"), 0o600))
	foreign := filepath.Join(dir, "foreign")
	raw(t, "sqlite", foreign, `CREATE TABLE alembic_version (version_num TEXT)`)
	empty := filepath.Join(dir, "empty")
	raw(t, "sqlite", empty, `CREATE TABLE x (y TEXT)`)
	for name, c := range map[string]struct {
		from  string
		cause error
	}{
		"words": {words, store.ErrDamaged}, "JupyterHub's": {foreign, store.ErrForeign}, "missing": {filepath.Join(dir, "none"), fs.ErrNotExist},
		"another program's": {empty, store.ErrDamaged},
	} {
		if _, err := store.Restore(t.Context(), "sqlite:///"+path, c.from, t0); !errors.Is(err, c.cause) {
			t.Errorf("%s: error is %v, want %v", name, err, c.cause)
		}
	}
	if after := must[[]byte](t)(os.ReadFile(path)); string(after) != string(before) {
		t.Error("the database has changed")
	}
}

func TestPostgresIsCopiedByItsOwnPrograms(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	err := store.Backup(t.Context(), url, filepath.Join(t.TempDir(), "copy"))
	wantCode(t, err, hub.Invalid)
	wantWords(t, err.Error(), "pg_dump")
	_, err = store.Restore(t.Context(), url, "copy", t0)
	wantCode(t, err, hub.Invalid)
	wantWords(t, err.Error(), "pg_restore")
}
