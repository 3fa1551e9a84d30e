package store

import (
	"context"
	"fmt"
)

// LimitPages makes a SQLite database as full as a disk without space.
func (db *DB) LimitPages(ctx context.Context, pages int) error {
	var now int
	return db.engine.(*sqliteEngine).writerConn.QueryRowContext(ctx, fmt.Sprintf("PRAGMA max_page_count(%d)", pages)).Scan(&now)
}

// HangUpListeners ends the listening connections of all hubs of a PostgreSQL database, as a network does.
func (db *DB) HangUpListeners(ctx context.Context) error {
	_, err := db.engine.reads().ExecContext(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE 'LISTEN %' AND pid <> pg_backend_pid()`)
	return err
}

// Analyze lets the engine learn how many rows there are, as PostgreSQL does by itself after some time.
func (db *DB) Analyze(ctx context.Context) error {
	return db.tx(ctx, byRow, func(t *tx) error { return exec(ctx, t, `ANALYZE`) })
}

// Exec runs a statement as the hub's own connection does.
func (db *DB) Exec(ctx context.Context, statement string) error {
	return db.tx(ctx, byRow, func(t *tx) error { return exec(ctx, t, statement) })
}
