package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"berdlhub/internal/hub"
)

const (
	postgresConnections = 16
	postgresPatience    = 10 * time.Second // for a connection to be made
	listenCheck         = 20 * time.Second // how often a silent listening connection is asked whether it lives
)

// postgresEngine has a pool, and one connection that listens for what other hubs change.
type postgresEngine struct {
	pool   *sql.DB
	db     *DB
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func openPostgres(ctx context.Context, to target, db *DB) (_ *postgresEngine, err error) {
	cfg := to.postgres
	if cfg.ConnectTimeout == 0 || cfg.ConnectTimeout > postgresPatience {
		cfg.ConnectTimeout = postgresPatience
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "berdlhub"
	}
	e := &postgresEngine{db: db}
	e.pool = stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		// Nothing the hub asks takes long; a connection that hangs must not keep its rows from the others.
		_, err := c.Exec(ctx, `SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s'`)
		return err
	}))
	e.pool.SetMaxOpenConns(postgresConnections)
	e.pool.SetMaxIdleConns(postgresConnections)
	e.pool.SetConnMaxIdleTime(5 * time.Minute)
	defer func() {
		if err != nil {
			_ = e.close() // the first error is the one to act on
		}
	}()
	if err := e.pool.PingContext(ctx); err != nil {
		return nil, refusePostgres(to, err)
	}
	if err := probeTables(ctx, e.pool, postgresDialect, "the "+to.String()); err != nil {
		return nil, refusePostgres(to, err)
	}
	if err := e.migrate(ctx, to); err != nil {
		return nil, refusePostgres(to, err)
	}
	return e, refusePostgres(to, e.listen(ctx, cfg))
}

// migrate upgrades the schema on connections of its own, because that may take longer than a statement may. Hubs that start
// at once do it one after the other.
func (e *postgresEngine) migrate(ctx context.Context, to target) error {
	v, err := currentVersion(ctx, e.pool, postgresDialect)
	if err != nil || v == newestVersion() {
		return err
	}
	pool := stdlib.OpenDB(*to.postgres)
	defer func() { _ = pool.Close() }()
	return migrate(ctx, pool, postgresDialect, e.db.log)
}

// refusePostgres gives an error words with the server and the database, and without the password.
func refusePostgres(to target, err error) error {
	switch postgresTrouble(err) {
	case denied:
		return hub.Wrap(hub.Unavailable, err, "the "+to.String()+" refuses user "+to.postgres.User+": correct the user, the password or the database in db_url")
	case gone:
		return hub.Wrap(hub.Unavailable, err, "the "+to.String()+" does not answer: start it, or correct the host and port in db_url")
	}
	return err
}

func (e *postgresEngine) reads() querier { return e.pool }

func (e *postgresEngine) ping(ctx context.Context) error { return e.pool.PingContext(ctx) }

func (e *postgresEngine) run(ctx context.Context, mode isolation, t *tx, fn func(*tx) error) error {
	level := sql.LevelSerializable
	if mode == byRow {
		level = sql.LevelReadCommitted
	}
	work, err := e.pool.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return err
	}
	defer func() { _ = work.Rollback() }() // does nothing after a commit
	t.querier = work
	if err := fn(t); err != nil {
		return err
	}
	texts, err := notices(e.db.replica, t.changes)
	if err != nil {
		return err
	}
	for _, text := range texts {
		if err := exec(ctx, work, t.d.notify, channel, text); err != nil {
			return err
		}
	}
	if err := work.Commit(); err != nil {
		if postgresTrouble(err) == retryable {
			return err
		}
		return &unsureError{err}
	}
	return nil
}

// listen begins to hear what other hubs change; it returns when nothing can be missed any more.
func (e *postgresEngine) listen(ctx context.Context, cfg *pgx.ConnConfig) error {
	conn, err := dialListener(ctx, cfg)
	if err != nil {
		return err
	}
	alive, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.cancel = cancel
	e.db.heard.Store(time.Now().UnixNano())
	e.wg.Go(func() { e.hear(alive, conn, cfg) })
	return nil
}

func dialListener(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, postgresPatience)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, cfg.Copy())
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		hangUp(conn)
		return nil, fmt.Errorf("listen for changes: %w", err)
	}
	return conn, nil
}

func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // the connection is given up anyway
}

// hear publishes what arrives. When the connection is lost it makes a new one, and says that changes may have been missed.
func (e *postgresEngine) hear(ctx context.Context, conn *pgx.Conn, cfg *pgx.ConnConfig) {
	for {
		err := e.receive(ctx, conn)
		hangUp(conn)
		if ctx.Err() != nil {
			return
		}
		e.db.log.WarnContext(ctx, "lost the connection that hears changes of other hubs", "err", err)
		if conn = e.redial(ctx, cfg); conn == nil {
			return
		}
		e.db.heard.Store(time.Now().UnixNano())
		e.db.feed.publish([]Change{{Kind: ChangeAll}})
		e.db.log.InfoContext(ctx, "hearing changes of other hubs again")
	}
}

// redial tries until there is a connection; nil when the context ends.
func (e *postgresEngine) redial(ctx context.Context, cfg *pgx.ConnConfig) *pgx.Conn {
	pause := 50 * time.Millisecond
	for {
		if conn, err := dialListener(ctx, cfg); err == nil {
			return conn
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, 5*time.Second)
	}
}

func (e *postgresEngine) receive(ctx context.Context, conn *pgx.Conn) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, listenCheck)
		n, err := conn.WaitForNotification(waiting)
		quiet := waiting.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			e.db.heard.Store(time.Now().UnixNano())
			if strings.EqualFold(n.Channel, channel) {
				e.db.feed.read(e.db.replica, n.Payload)
			}
		case err != nil && quiet && !conn.IsClosed():
			if err := e.stillThere(ctx, conn); err != nil {
				return err
			}
			e.db.heard.Store(time.Now().UnixNano())
		case err != nil:
			return err
		}
	}
}

func (e *postgresEngine) stillThere(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, postgresPatience)
	defer cancel()
	return conn.Ping(ctx)
}

func (e *postgresEngine) close() error {
	if e.cancel != nil {
		e.cancel()
	}
	e.wg.Wait()
	if err := e.pool.Close(); err != nil {
		return errors.Join(errors.New("close the database"), err)
	}
	return nil
}
