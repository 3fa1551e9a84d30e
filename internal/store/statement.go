package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxStatements bounds how many prepared statements are kept; queries that are put together beyond that are not kept.
const maxStatements = 256

// preparer is a pool or one connection.
type preparer interface {
	querier
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// statements runs each query by a prepared statement that it keeps. A statement is not interrupted once it runs:
// they take microseconds, and watching a context costs as much as the statement.
type statements struct {
	on   preparer
	mu   sync.RWMutex
	kept map[string]*sql.Stmt // guarded by mu
}

func newStatements(on preparer) *statements {
	return &statements{on: on, kept: map[string]*sql.Stmt{}}
}

// prepared gives the kept statement of a query; nil when there is no room to keep one more.
func (s *statements) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.RLock()
	stmt := s.kept[query]
	s.mu.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt = s.kept[query]; stmt != nil || len(s.kept) >= maxStatements {
		return stmt, nil
	}
	stmt, err := s.on.PrepareContext(context.WithoutCancel(ctx), query) //nolint:sqlclosecheck // kept until close
	if err != nil {
		return nil, err
	}
	s.kept[query] = stmt
	return stmt, nil
}

func (s *statements) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := s.prepared(ctx, query) //nolint:sqlclosecheck // kept until close
	switch {
	case err != nil:
		return nil, err
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case stmt == nil:
		return s.on.ExecContext(context.WithoutCancel(ctx), query, args...)
	}
	return stmt.ExecContext(context.WithoutCancel(ctx), args...)
}

func (s *statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepared(ctx, query) //nolint:sqlclosecheck // kept until close
	switch {
	case err != nil:
		return nil, err
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case stmt == nil:
		return s.on.QueryContext(context.WithoutCancel(ctx), query, args...)
	}
	return stmt.QueryContext(context.WithoutCancel(ctx), args...)
}

func (s *statements) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := s.prepared(ctx, query) //nolint:sqlclosecheck // kept until close
	if err != nil || stmt == nil || ctx.Err() != nil {
		return s.on.QueryRowContext(ctx, query, args...) // reports the same error when it is scanned
	}
	return stmt.QueryRowContext(context.WithoutCancel(ctx), args...)
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.kept {
		errs = append(errs, stmt.Close())
	}
	clear(s.kept)
	return errors.Join(errs...)
}
