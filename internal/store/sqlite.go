package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"runtime"

	_ "modernc.org/sqlite" // the driver
)

// sqliteEngine has one connection that writes and a few that read. WAL keeps readers and the writer out of each other's way.
type sqliteEngine struct {
	lock       *fileLock // nil for memory
	readers    *statements
	writer     *statements
	readerPool *sql.DB
	writerPool *sql.DB
	writerConn *sql.Conn
	turn       chan struct{} // holds a token while somebody writes
}

const sqlitePragmas = "&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=synchronous(NORMAL)" +
	"&_pragma=temp_store(MEMORY)&_pragma=cache_size(-16000)&_pragma=journal_size_limit(67108864)"

// sqliteURI gives the driver a file; the path may have any characters.
func sqliteURI(path, mode string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?mode=" + mode
}

func openSQLite(ctx context.Context, to target, log *slog.Logger) (_ *sqliteEngine, err error) {
	e := &sqliteEngine{turn: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			_ = e.close() // the first error is the one to act on
		}
	}()
	uri := "file:/berdlhub-" + rand.Text() + "?vfs=memdb"
	if to.path != "" {
		if err := probeSQLite(ctx, to.path); err != nil {
			return nil, err
		}
		if e.lock, err = lockFile(to.path); err != nil {
			return nil, err
		}
		if err := createPrivate(to.path); err != nil {
			return nil, err
		}
		uri = sqliteURI(to.path, "rw") + "&_pragma=journal_mode(WAL)"
	}
	if err := e.connect(ctx, uri); err != nil {
		return nil, refuseSQLite(to.path, err)
	}
	if err := migrateSQLite(ctx, to.path, uri+sqlitePragmas, log); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *sqliteEngine) connect(ctx context.Context, uri string) (err error) {
	if e.writerPool, err = sql.Open("sqlite", uri+sqlitePragmas); err != nil {
		return err
	}
	if e.writerConn, err = e.writerPool.Conn(ctx); err != nil {
		return err
	}
	if e.readerPool, err = sql.Open("sqlite", uri+sqlitePragmas+"&_pragma=query_only(1)"); err != nil {
		return err
	}
	n := max(2, min(8, runtime.GOMAXPROCS(0)))
	e.readerPool.SetMaxOpenConns(n)
	e.readerPool.SetMaxIdleConns(n)
	e.writer, e.readers = newStatements(e.writerConn), newStatements(e.readerPool)
	return nil
}

func (e *sqliteEngine) reads() querier { return e.readers }

func (e *sqliteEngine) ping(ctx context.Context) error {
	_, err := column[int](e.readers.QueryRowContext(ctx, `SELECT 1 FROM roles`))
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

func (e *sqliteEngine) run(ctx context.Context, _ isolation, t *tx, fn func(*tx) error) error {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := exec(ctx, e.writer, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	done := false
	after := context.WithoutCancel(ctx)
	defer func() {
		if !done {
			_ = exec(after, e.writer, "ROLLBACK") // SQLite may have rolled back by itself
		}
	}()
	t.querier = e.writer
	if err := fn(t); err != nil {
		return err
	}
	if err := exec(after, e.writer, "COMMIT"); err != nil {
		return err
	}
	done = true
	return nil
}

func (e *sqliteEngine) close() error {
	var errs []error
	if e.readers != nil {
		errs = append(errs, e.readers.close())
	}
	if e.readerPool != nil {
		errs = append(errs, e.readerPool.Close())
	}
	if e.writer != nil {
		e.turn <- struct{}{} // whoever writes ends first; nobody begins after
		errs = append(errs, e.writer.close())
	}
	if e.writerConn != nil {
		errs = append(errs, e.writerConn.Close())
	}
	if e.writerPool != nil {
		errs = append(errs, e.writerPool.Close())
	}
	if e.lock != nil {
		errs = append(errs, e.lock.release())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}

// createPrivate makes an empty file that only the hub may read; SQLite gives its side files the same mode.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("create the database file: %w", err)
	}
	return f.Close()
}
