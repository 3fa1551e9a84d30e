package jupyterhub

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// ReadPostgres reads a PostgreSQL database in one transaction that can only read, so that it sees one moment.
// Errors: ErrNotJupyterHub and ErrRevision can be told apart; what the server says otherwise.
func ReadPostgres(ctx context.Context, cfg *pgx.ConnConfig) (*Hub, error) {
	cfg = cfg.Copy()
	if cfg.RuntimeParams == nil {
		cfg.RuntimeParams = map[string]string{}
	}
	cfg.RuntimeParams["application_name"] = "berdlhub db import"
	cfg.RuntimeParams["default_transaction_read_only"] = "on"
	cfg.RuntimeParams["datestyle"] = "ISO"
	pool := stdlib.OpenDB(*cfg)
	defer func() { _ = pool.Close() }() // it has only read
	tx, err := pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("begin to read: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	s := &source{q: tx, columnsOf: postgresColumns}
	return s.read(ctx)
}
