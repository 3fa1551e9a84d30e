package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Place says where a database is: Path of a SQLite file, or Postgres; neither for a database in memory.
type Place struct {
	Path     string
	Postgres *pgx.ConnConfig
	Name     string // for people, without a password
}

// Locate reads an address in one of the forms of Config.URL. Its error does not show the address, because that may hold a password.
func Locate(rawURL string) (Place, error) {
	to, err := parseURL(rawURL)
	return Place{Path: to.path, Postgres: to.postgres, Name: to.String()}, err
}

// Bulk is a transaction in which a package below this one writes many rows by their own SQL, all of them or none. Placeholders are $1, $2 and so on.
type Bulk struct{ t *tx }

// errOnlyTried ends a transaction that must not change anything.
var errOnlyTried = errors.New("only tried")

// Bulk runs fn in a transaction; fn may run twice, so it changes nothing but the database and its own variables. Afterwards all hubs read
// everything anew. With onlyTry the transaction is rolled back even when fn succeeds.
func (db *DB) Bulk(ctx context.Context, onlyTry bool, fn func(*Bulk) error) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		if err := t.lock(ctx, "bulk"); err != nil {
			return err
		}
		if err := fn(&Bulk{t: t}); err != nil {
			return err
		}
		if onlyTry {
			return errOnlyTried
		}
		t.publish(Change{Kind: ChangeAll})
		return nil
	})
	if onlyTry && errors.Is(err, errOnlyTried) {
		return nil
	}
	return err
}

// Exec runs a statement and tells how many rows it changed.
func (b *Bulk) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	return changed(ctx, b.t, query, args...)
}

// ID runs a query for one number; 0 when there is no row.
func (b *Bulk) ID(ctx context.Context, query string, args ...any) (int64, error) {
	id, err := column[int64](b.t.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

// Each calls fn for every row of a query with the function that reads it. fn runs no other query.
func (b *Bulk) Each(ctx context.Context, query string, fn func(scan func(dest ...any) error) error, args ...any) error {
	_, err := list(ctx, b.t, func(row scanner) (struct{}, error) { return struct{}{}, fn(row.Scan) }, query, args...)
	return err
}

// Audit writes a line of the audit log with the transaction. Detail holds no secrets.
func (b *Bulk) Audit(ctx context.Context, action, target string, detail map[string]any) error {
	return b.t.audit(ctx, action, target, detail)
}

// PastIDs makes sure that a table's next generated id is larger than all that were given by hand.
func (b *Bulk) PastIDs(ctx context.Context, table string) error {
	if b.t.d != postgresDialect { // SQLite looks at the rows itself
		return nil
	}
	err := exec(ctx, b.t, fmt.Sprintf(`SELECT setval('%[1]s_id_seq', GREATEST((SELECT COALESCE(MAX(id), 1) FROM %[1]s), (SELECT last_value FROM %[1]s_id_seq)))`, table))
	if err != nil {
		return fmt.Errorf("move the ids of %s on: %w", table, err)
	}
	return nil
}
