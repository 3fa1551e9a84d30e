package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"berdlhub/internal/hub"
)

// querier runs SQL: a connection pool for reading, or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// isolation says how transactions are kept from one another. SQLite has one writer, so there they are alike.
type isolation int

const (
	// serial is as if one ran after the other; a transaction that was in another's way runs again.
	serial isolation = iota
	// byRow is enough where a transaction keeps every row that it reads and changes, or takes a named lock first.
	byRow
)

// maxTries is how often a transaction runs that is in the way of others.
const maxTries = 25

// tx is one transaction. fn may run twice, so it changes nothing but the database and its own variables.
type tx struct {
	querier
	d       *dialect
	changes []Change
	told    []AuditEntry
}

// publish tells everybody about a change once the transaction is committed.
func (t *tx) publish(c Change) { t.changes = append(t.changes, c) }

// lock keeps every other transaction that takes the same lock waiting until this one ends.
func (t *tx) lock(ctx context.Context, name string) error {
	if t.d.lock == "" {
		return nil
	}
	_, err := t.ExecContext(ctx, t.d.lock, "berdlhub "+name)
	return err
}

// tx runs fn in a transaction and publishes its changes after the commit.
func (db *DB) tx(ctx context.Context, mode isolation, fn func(*tx) error) error {
	for try := 1; ; try++ {
		t := &tx{d: db.d}
		err := db.engine.run(ctx, mode, t, fn)
		if err == nil {
			db.feed.publish(t.changes)
			db.tell(ctx, t.told)
			return nil
		}
		var unsure *unsureError
		if errors.As(err, &unsure) {
			db.feed.publish(t.changes)
		}
		if unsure != nil || !again(db.d.trouble(err), try) {
			return db.explain(err)
		}
		pause := time.Duration(rand.Int64N(int64(min(try, 10)))*int64(4*time.Millisecond)) + time.Millisecond
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// again says whether a transaction that did not happen is tried once more. A connection that was lost while it was idle
// shows only when it is used, so a few more tries are worth it.
func again(why trouble, tries int) bool {
	return why == retryable && tries < maxTries || why == gone && tries < 4
}

// unsureError is a commit whose answer did not arrive: it may have happened.
type unsureError struct{ err error }

func (e *unsureError) Error() string { return "commit: " + e.err.Error() }
func (e *unsureError) Unwrap() error { return e.err }

// scanner is a row.
type scanner interface{ Scan(dest ...any) error }

// one reads a single row; ErrNoRows becomes hub.NotFound with a message built from the words.
func one[T any](row *sql.Row, scan func(scanner) (T, error), missing string, args ...any) (T, error) {
	v, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		var none T
		return none, hub.Wrap(hub.NotFound, nil, fmt.Sprintf(missing, args...))
	}
	return v, err
}

// list reads all rows of a query.
func list[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err says what went wrong
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// column reads a row of a single value.
func column[T any](row scanner) (v T, err error) {
	err = row.Scan(&v)
	return v, err
}

// changed runs a statement and tells how many rows it changed.
func changed(ctx context.Context, q querier, query string, args ...any) (int64, error) {
	res, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func exec(ctx context.Context, q querier, query string, args ...any) error {
	_, err := q.ExecContext(ctx, query, args...)
	return err
}
