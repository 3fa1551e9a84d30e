package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"berdlhub/internal/hub"
)

// Migrate opens the database, which upgrades its schema, and closes it. It gives the schema before (0: there was none) and after.
// Errors are those of Open.
func Migrate(ctx context.Context, cfg Config) (from, to int64, err error) {
	before, err := Check(ctx, cfg.URL)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, err
	}
	db, err := Open(ctx, cfg)
	if err != nil {
		return 0, 0, err
	}
	return before.Schema, newestVersion(), db.Close()
}

// Health is what Check finds.
type Health struct {
	Database string           `json:"database"` // its name, without a password
	Schema   int64            `json:"schema"`   // 0: the database is empty
	Newest   int64            `json:"newest"`   // schema that this program makes of it
	Rows     map[string]int64 `json:"rows"`     // how many rows the main tables have; none when the schema is older
	Faults   []string         `json:"faults"`   // what is wrong; empty when nothing is
}

// counted are the tables whose rows Check counts.
var counted = []string{"users", "groups", "services", "roles", "servers", "tokens", "shares", "audit"}

// Check looks at a database without changing it; a hub may be running on it.
// Errors: fs.ErrNotExist when there is no file; ErrNewer, ErrForeign and ErrDamaged can be told apart.
func Check(ctx context.Context, rawURL string) (Health, error) {
	h := Health{Newest: newestVersion(), Rows: map[string]int64{}, Faults: []string{}}
	pool, d, to, err := openToLook(ctx, rawURL)
	if err != nil {
		return h, err
	}
	defer func() { _ = pool.Close() }() // it has only read
	h.Database = to.String()
	if h.Schema, err = currentVersion(ctx, pool, d); err != nil {
		return h, err
	}
	if d == sqliteDialect {
		if h.Faults, err = sqliteFaults(ctx, pool); err != nil {
			return h, refuseSQLite(to.path, err)
		}
	}
	if h.Schema != newestVersion() {
		return h, nil
	}
	for _, table := range counted {
		if h.Rows[table], err = column[int64](pool.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table)); err != nil {
			return h, fmt.Errorf("count the rows of %s: %w", table, err)
		}
	}
	return h, nil
}

// openToLook opens a database of ours without the hub's lock.
func openToLook(ctx context.Context, rawURL string) (*sql.DB, *dialect, target, error) {
	to, err := parseURL(rawURL)
	if err != nil {
		return nil, nil, to, err
	}
	if to.postgres != nil {
		pool := stdlib.OpenDB(*to.postgres)
		if err := probeTables(ctx, pool, postgresDialect, "the "+to.String()); err != nil {
			_ = pool.Close() // the first error is the one to act on
			return nil, nil, to, refusePostgres(to, err)
		}
		return pool, postgresDialect, to, nil
	}
	if to.path == "" {
		return nil, nil, to, hub.Errorf(hub.Invalid, "db_url names a database in memory, which only the hub that made it sees")
	}
	if _, err := os.Stat(to.path); err != nil {
		return nil, nil, to, fmt.Errorf("look at the database: %w", err)
	}
	if err := probeSQLite(ctx, to.path); err != nil {
		return nil, nil, to, err
	}
	pool, err := sql.Open("sqlite", sqliteURI(to.path, "rw")+"&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, nil, to, refuseSQLite(to.path, err)
	}
	pool.SetMaxOpenConns(1)
	return pool, sqliteDialect, to, nil
}

// sqliteFaults asks SQLite whether the file is sound, and every reference leads somewhere.
func sqliteFaults(ctx context.Context, q querier) ([]string, error) {
	found, err := list(ctx, q, column[string], `PRAGMA integrity_check(20)`)
	if err != nil {
		return nil, err
	}
	faults := []string{}
	if len(found) != 1 || found[0] != "ok" {
		faults = append(faults, found...)
	}
	dangling, err := list(ctx, q, column[string], `SELECT "table" || ' refers to rows of ' || parent || ' that do not exist' FROM pragma_foreign_key_check
		GROUP BY "table", parent LIMIT 20`)
	return append(faults, dangling...), err
}

// Backup writes a complete copy of a SQLite database to a file that must not exist yet; a hub may be running on it.
// Errors: hub.Invalid for PostgreSQL, with what to do instead; fs.ErrExist; those of Check.
func Backup(ctx context.Context, rawURL, to string) error {
	pool, d, _, err := openToLook(ctx, rawURL)
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }() // it has only read
	if d == postgresDialect {
		return hub.Errorf(hub.Invalid, "A PostgreSQL database is copied by PostgreSQL's own program: pg_dump --format=custom --file=FILE DATABASE")
	}
	if err := backup(ctx, pool, to); err != nil {
		return fmt.Errorf("copy the database to %s: %w", to, err)
	}
	return nil
}

// Restore puts a copy that Backup made in the place of a SQLite database, and gives the name under which the database that was there is kept;
// empty when there was none. Errors: ErrLocked while a hub runs; hub.Invalid for PostgreSQL; for a copy that is none, those of Check.
// Nothing is changed then.
func Restore(ctx context.Context, rawURL, from string, now time.Time) (kept string, err error) {
	to, err := parseURL(rawURL)
	if err != nil {
		return "", err
	}
	if to.postgres != nil {
		return "", hub.Errorf(hub.Invalid, "A PostgreSQL database is restored by PostgreSQL's own program, while no hub runs: pg_restore --clean --dbname=DATABASE FILE")
	}
	if to.path == "" {
		return "", hub.Errorf(hub.Invalid, "db_url names a database in memory, which cannot be restored")
	}
	health, err := Check(ctx, "sqlite:///"+from)
	if err != nil {
		return "", fmt.Errorf("the copy: %w", err)
	}
	if len(health.Faults) > 0 || health.Schema == 0 {
		return "", fmt.Errorf("%w: the copy %s cannot be used: %v", ErrDamaged, from, health.Faults)
	}
	lock, err := lockFile(to.path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	fresh := to.path + ".restoring"
	if err := copyPrivate(from, fresh); err != nil {
		return "", err
	}
	if kept, err = setAside(to.path, now); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, to.path); err != nil {
		return kept, fmt.Errorf("put the copy in its place: %w; the earlier database is %s", err, kept)
	}
	return kept, nil
}

// setAside renames a database with its side files.
func setAside(path string, now time.Time) (string, error) {
	kept := path + ".before-restore-" + now.UTC().Format("20060102T150405.000000Z")
	found := false
	for _, suffix := range []string{"", "-wal", "-shm"} {
		err := os.Rename(path+suffix, kept+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("keep the database that is there: %w", err)
		}
		found = found || err == nil
	}
	if !found {
		return "", nil
	}
	return kept, nil
}

// copyPrivate copies a file to one that only the hub may read.
func copyPrivate(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("open the copy: %w", err)
	}
	defer func() { _ = in.Close() }() // read only
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the database: %w", err)
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			_ = os.Remove(to)
		}
	}()
	if _, err := io.Copy(out, in); err != nil {
		return fmt.Errorf("write the database: %w", err)
	}
	return out.Sync()
}
