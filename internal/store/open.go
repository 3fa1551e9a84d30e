package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"berdlhub/internal/hub"
)

// Config says which database to open.
type Config struct {
	// URL has the forms of JupyterHub's db_url: sqlite:///relative.db, sqlite:////absolute.db, sqlite:// for a database in
	// memory, postgresql://user:password@host:5432/name, also with a driver as in postgresql+psycopg2://.
	// It may hold a password, so it is never printed.
	URL string
	// Replica names this hub process among all that share the database. It must be new for each process; empty means random.
	Replica string
	// Log hears of backups, migrations and interruptions; nil discards them.
	Log *slog.Logger
}

// LogValue gives the configuration without the URL's password to the log.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("database", describe(c.URL)), slog.String("replica", c.Replica))
}

// String names the database without its password.
func (c Config) String() string { return describe(c.URL) + " as " + c.Replica }

// DB is the hub's database. It is safe for concurrent use.
type DB struct {
	d       *dialect
	engine  engine
	feed    *feed
	replica string
	log     *slog.Logger
	heard   atomic.Int64 // when the connection that hears other hubs last gave a sign of life, Unix time in nanoseconds
}

// engine is what differs in how SQLite and PostgreSQL are connected to.
type engine interface {
	reads() querier
	// run begins a transaction, runs fn in it and commits, or rolls back when fn fails. The querier of t is set meanwhile.
	run(ctx context.Context, mode isolation, t *tx, fn func(*tx) error) error
	ping(ctx context.Context) error
	close() error
}

// Open checks the database, takes the lock that keeps a second hub off a SQLite file, copies an old SQLite file
// before its schema is upgraded, upgrades the schema, and starts to listen for changes of other hubs.
// A database that cannot be used is refused with an error that says what to do; nothing is changed or created then.
// Errors: ErrLocked, ErrNewer, ErrForeign and ErrDamaged can be told apart; a server that does not answer is hub.Unavailable.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	to, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	db := &DB{replica: cmp.Or(cfg.Replica, rand.Text()), log: log, feed: &feed{}}
	if to.postgres != nil {
		db.d = postgresDialect
		db.engine, err = openPostgres(ctx, to, db)
	} else {
		db.d = sqliteDialect
		db.engine, err = openSQLite(ctx, to, log)
	}
	if err != nil {
		return nil, err
	}
	if err := db.prepare(ctx); err != nil {
		_ = db.engine.close() // the first error is the one to act on
		return nil, err
	}
	return db, nil
}

// prepare brings what every hub needs into a database that is open.
func (db *DB) prepare(ctx context.Context) error {
	if err := db.ensureDefaultRoles(ctx); err != nil {
		return fmt.Errorf("prepare the default roles: %w", err)
	}
	if db.MultiHub() {
		return nil
	}
	return db.forgetClaims(ctx)
}

// Close ends the work with the database, waits for the listening connection and gives the lock of a SQLite file back.
func (db *DB) Close() error { return db.engine.close() }

// Ping asks whether the database answers. Errors: hub.Unavailable when it does not.
func (db *DB) Ping(ctx context.Context) error { return db.explain(db.engine.ping(ctx)) }

// LastHeard tells when the connection that hears changes of other hubs last gave a sign of life: news, or an answer to the question
// whether it lives, which is asked every 20 s. The zero time where there are no other hubs.
func (db *DB) LastHeard() time.Time {
	if at := db.heard.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// MultiHub says whether several hubs may share this database.
func (db *DB) MultiHub() bool { return db.d == postgresDialect }

// explain gives an engine's error words for the person who must act. Errors that have a hub.Code already stay as they are.
func (db *DB) explain(err error) error {
	if err == nil || hub.CodeOf(err) != hub.Internal {
		return err
	}
	if text := remedies[db.d.trouble(err)]; text != "" {
		return hub.Wrap(hub.Unavailable, err, text)
	}
	return err
}

var remedies = map[trouble]string{
	retryable: "The database is too busy with other changes. Try again.",
	full:      "The hub's database is full: its disk has no space left. An administrator must free space or enlarge the volume.",
	readOnly:  "The hub's database cannot be written to. An administrator must make the file and its folder writable for the hub.",
	corrupt:   "The hub's database is damaged. An administrator must restore it from a backup.",
	busy:      "The hub's database is locked by another program. Try again; an administrator should end what holds the lock.",
	gone:      "The hub's database cannot be reached, or its disk fails. Try again in a minute; an administrator should look after the database.",
	denied:    "The hub's database refuses the hub's user name or password. An administrator must correct db_url.",
}
