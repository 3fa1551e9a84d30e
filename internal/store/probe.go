package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"berdlhub/internal/hub"
)

// The causes for which a database is refused, beside ErrLocked.
var (
	ErrNewer   = errors.New("the database was made by a newer berdlhub")
	ErrForeign = errors.New("the database belongs to another program")
	ErrDamaged = errors.New("the database file is damaged")
)

var sqliteHeader = []byte("SQLite format 3\x00")

// probeSQLite looks at a file without changing anything and refuses what cannot become the hub's database.
func probeSQLite(ctx context.Context, path string) error {
	exists, err := probeFile(path)
	if err != nil || !exists {
		return err
	}
	// Only a file that is in use has side files; a read-only look at any other makes none.
	pool, err := sql.Open("sqlite", sqliteURI(path, "ro")+"&_pragma=busy_timeout(10000)")
	if err != nil {
		return refuseSQLite(path, err)
	}
	defer func() { _ = pool.Close() }()
	if err := probeTables(ctx, pool, sqliteDialect, "the file "+path); err != nil {
		return refuseSQLite(path, err)
	}
	found, err := column[string](pool.QueryRowContext(ctx, `PRAGMA quick_check(1)`))
	if err != nil {
		return refuseSQLite(path, err)
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s: %s. Restore it from a backup", ErrDamaged, path, found)
	}
	return nil
}

// probeFile says whether there is a database to look at; an empty file is none.
func probeFile(path string) (exists bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, probeFolder(filepath.Dir(path))
	case errors.Is(err, syscall.EISDIR):
		return false, fmt.Errorf("%s is a folder: db_url must name a file", path)
	case err != nil:
		return false, fmt.Errorf("open the database file: %w: make it readable and writable for the hub", err)
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(sqliteHeader))
	n, err := io.ReadFull(f, head)
	if n == 0 && errors.Is(err, io.EOF) {
		return false, probeFolder(filepath.Dir(path))
	}
	if !bytes.Equal(head, sqliteHeader) {
		return false, fmt.Errorf("%w: %s is not a SQLite database. Restore it from a backup, or name another file in db_url", ErrDamaged, path)
	}
	return true, probeFolder(filepath.Dir(path))
}

func probeFolder(dir string) error {
	const writeAndEnter = 0x2 | 0x1
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("the database's folder %s does not exist: create it, or correct db_url", dir)
	case err != nil:
		return fmt.Errorf("look at the database's folder: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder: correct db_url", dir)
	}
	if err := syscall.Access(dir, writeAndEnter); err != nil {
		return fmt.Errorf("the database's folder %s is not writable (%w): SQLite needs to make files beside the database", dir, err)
	}
	return nil
}

// probeTables refuses the tables of JupyterHub, of another program and of a newer berdlhub.
func probeTables(ctx context.Context, q querier, d *dialect, where string) error {
	ours, err := hasTable(ctx, q, d, versionTable)
	if err != nil {
		return err
	}
	if ours {
		v, err := schemaVersion(ctx, q)
		if err != nil {
			return err
		}
		if v > newestVersion() {
			return fmt.Errorf("%w: %s has schema %d, this program knows %d. Run the newer program, or restore the backup that was made before the upgrade",
				ErrNewer, where, v, newestVersion())
		}
		return nil
	}
	theirs, err := hasTable(ctx, q, d, "alembic_version")
	if err != nil {
		return err
	}
	if theirs {
		return fmt.Errorf("%w: %s is a JupyterHub database. Nothing was changed. Give berdlhub a new database in db_url and run `berdlhub db import` to bring the old one over",
			ErrForeign, where)
	}
	if taken, err := hasTable(ctx, q, d, "users"); err != nil || taken {
		if err != nil {
			return err
		}
		return fmt.Errorf("%w: %s has a table named users that berdlhub did not make. Give berdlhub a database of its own in db_url", ErrForeign, where)
	}
	return nil
}

func hasTable(ctx context.Context, q querier, d *dialect, table string) (bool, error) {
	n, err := column[int](q.QueryRowContext(ctx, d.tables, table))
	return n > 0, err
}

// schemaVersion reads the number of the last migration.
func schemaVersion(ctx context.Context, q querier) (int64, error) {
	return column[int64](q.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+versionTable+` WHERE is_applied`))
}

// refuseSQLite puts the file and a remedy to SQLite's own errors.
func refuseSQLite(path string, err error) error {
	switch sqliteTrouble(err) {
	case corrupt:
		return fmt.Errorf("%w: %s: %w. Restore it from a backup", ErrDamaged, path, err)
	case full:
		return hub.Wrap(hub.Unavailable, err, "there is no space left for the database "+path+": free some, or enlarge the volume")
	case readOnly:
		return fmt.Errorf("open the database %s: %w: make the file and its folder readable and writable for the hub", path, err)
	case gone:
		return hub.Wrap(hub.Unavailable, err, "the disk of the database "+path+" is full or fails: free space, or look at the disk")
	case busy:
		return fmt.Errorf("open the database %s: %w: another program holds its lock; end it first", path, err)
	}
	return err
}
