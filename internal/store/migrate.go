package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// versionTable is where the migrations that were made are written down.
const versionTable = "berdlhub_schema"

// migration is one numbered file. Files are never changed once they are released, and there is no way back.
type migration struct {
	version int64
	name    string
	text    string
}

// migrations reads the files, which are embedded: a mistake in them is found by the first test.
var migrations = sync.OnceValue(func() []migration {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		panic(err)
	}
	all := make([]migration, 0, len(names))
	for _, path := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		text, err2 := migrationFiles.ReadFile(path)
		if err := errors.Join(err, err2); err != nil {
			panic(err)
		}
		all = append(all, migration{version: version, name: name, text: string(text)})
	}
	return all
})

func newestVersion() int64 {
	all := migrations()
	return all[len(all)-1].version
}

// provider has goose run the migrations: it keeps their order and writes them down, each in one transaction with its changes.
func provider(pool *sql.DB, d *dialect, log *slog.Logger) (*goose.Provider, error) {
	options := []goose.ProviderOption{goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true)}
	for _, m := range migrations() {
		options = append(options, goose.WithGoMigrations(goose.NewGoMigration(m.version, &goose.GoFunc{
			RunTx: func(ctx context.Context, t *sql.Tx) error {
				log.InfoContext(ctx, "upgrading the database's schema", "migration", m.name)
				_, err := t.ExecContext(ctx, d.words.Replace(m.text))
				return err
			},
		}, nil)))
	}
	if d == postgresDialect { // a SQLite file is locked already
		const everySecond, forFiveMinutes = 1, 300
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(everySecond, forFiveMinutes))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(d.goose, pool, nil, options...)
}

// migrate upgrades the schema if it is older than this program. Errors leave the schema of the last complete migration.
func migrate(ctx context.Context, pool *sql.DB, d *dialect, log *slog.Logger) error {
	p, err := provider(pool, d, log)
	if err != nil {
		return fmt.Errorf("prepare the migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("upgrade the database's schema (it stays as it was before the migration that failed): %w", err)
	}
	return nil
}

// currentVersion gives 0 for an empty database.
func currentVersion(ctx context.Context, q querier, d *dialect) (int64, error) {
	if ours, err := hasTable(ctx, q, d, versionTable); err != nil || !ours {
		return 0, err
	}
	return schemaVersion(ctx, q)
}

// migrateSQLite upgrades a file, after a copy when there is something to lose.
func migrateSQLite(ctx context.Context, path, uri string, log *slog.Logger) error {
	pool, err := sql.Open("sqlite", uri)
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(1)
	defer func() { _ = pool.Close() }()
	v, err := currentVersion(ctx, pool, sqliteDialect)
	if err != nil {
		return refuseSQLite(path, err)
	}
	if v == newestVersion() {
		return nil
	}
	if v > 0 {
		to := fmt.Sprintf("%s.backup-schema%d-%s", path, v, time.Now().UTC().Format("20060102T150405.000000Z"))
		if err := backup(ctx, pool, to); err != nil {
			return refuseSQLite(path, fmt.Errorf("copy the database to %s before its schema is upgraded: %w", to, err))
		}
		log.InfoContext(ctx, "database copied before its schema is upgraded", "copy", to)
	}
	return refuseSQLite(path, migrate(ctx, pool, sqliteDialect, log))
}

// backup writes a complete copy that only the hub may read; a copy that fails is removed.
func backup(ctx context.Context, q querier, to string) (err error) {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			_ = os.Remove(to)
		}
	}()
	if err := exec(ctx, q, `VACUUM INTO $1`, to); err != nil {
		return err
	}
	return f.Sync()
}
