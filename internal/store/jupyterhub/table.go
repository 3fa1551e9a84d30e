package jupyterhub

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// source is an open database of a JupyterHub.
type source struct {
	q querier
	// columnsOf gives the names of a table's columns, none when there is no such table.
	columnsOf string
	faults    []Fault
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

const (
	sqliteColumns   = `SELECT name FROM pragma_table_info($1)`
	postgresColumns = `SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1`
)

// blobs are the columns that hold bytes.
var blobs = map[string]bool{"encrypted_auth_state": true}

// each calls fn with every row of a table, ordered by a column. A table that this schema does not have has no rows. Values are read as text,
// whatever their type: drivers differ in what they make of dates and booleans.
func (s *source) each(ctx context.Context, table, order string, fn func(*row)) error {
	columns, err := s.columns(ctx, table)
	if err != nil || len(columns) == 0 {
		return err
	}
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = `CAST("` + c + `" AS TEXT)`
		if blobs[c] {
			parts[i] = `"` + c + `"`
		}
	}
	rows, err := s.q.QueryContext(ctx, `SELECT `+strings.Join(parts, ", ")+` FROM "`+table+`" ORDER BY `+order)
	if err != nil {
		return fmt.Errorf("read the table %s: %w", table, err)
	}
	defer func() { _ = rows.Close() }() // rows.Err says what went wrong
	for rows.Next() {
		r, err := s.scan(rows, table, columns)
		if err != nil {
			return fmt.Errorf("read the table %s: %w", table, err)
		}
		fn(r)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the table %s: %w", table, err)
	}
	return nil
}

func (s *source) scan(rows *sql.Rows, table string, columns []string) (*row, error) {
	texts, raw := make([]*string, len(columns)), make([][]byte, len(columns))
	to := make([]any, len(columns))
	for i, c := range columns {
		to[i] = &texts[i]
		if blobs[c] {
			to[i] = &raw[i]
		}
	}
	if err := rows.Scan(to...); err != nil {
		return nil, err
	}
	r := &row{table: table, texts: make(map[string]*string, len(columns)), bytes: map[string][]byte{}, fault: func(f Fault) { s.faults = append(s.faults, f) }}
	for i, c := range columns {
		r.texts[c] = texts[i]
		if blobs[c] {
			r.bytes[c] = raw[i]
		}
	}
	return r, nil
}

func (s *source) columns(ctx context.Context, table string) ([]string, error) {
	rows, err := s.q.QueryContext(ctx, s.columnsOf, table)
	if err != nil {
		return nil, fmt.Errorf("look at the table %s: %w", table, err)
	}
	defer func() { _ = rows.Close() }() // rows.Err says what went wrong
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		if strings.ContainsAny(name, `"`) {
			continue // none of JupyterHub's
		}
		all = append(all, name)
	}
	return all, rows.Err()
}
