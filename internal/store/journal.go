package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"berdlhub/internal/hub"
)

const entrySelect = `SELECT id, server_id, run_id, kind, state, identity, updated FROM journal`

func scanEntry(row scanner) (*hub.Entry, error) {
	var e hub.Entry
	err := row.Scan(&e.ID, &e.ServerID, &e.RunID, &e.Kind, &e.State, jsonTo{&e.Identity}, stampTo{&e.Updated})
	return &e, err
}

// Plan writes down that a run is about to make something outside. For the same run and kind it gives the entry that exists, as it is.
// Errors: hub.NotFound when the server does not exist.
func (db *DB) Plan(ctx context.Context, serverID int64, runID, kind string, identity json.RawMessage, now time.Time) (e *hub.Entry, err error) {
	err = db.tx(ctx, byRow, func(t *tx) error {
		if err := exec(ctx, t, `INSERT INTO journal (server_id, run_id, kind, state, identity, updated) VALUES ($1, $2, $3, 'planned', $4, $5)
			ON CONFLICT (run_id, kind) DO NOTHING`, serverID, runID, kind, jsonText(identity), stamp(now)); err != nil {
			return err
		}
		e, err = one(t.QueryRowContext(ctx, entrySelect+` WHERE run_id = $1 AND kind = $2`, runID, kind), scanEntry, "No such journal entry")
		return err
	})
	if db.d.trouble(err) == dangling {
		err = hub.Wrap(hub.NotFound, err, "No such server")
	}
	if err != nil {
		return nil, fmt.Errorf("write to the journal: %w", err)
	}
	return e, nil
}

// SetEntry writes down how far an entry is. A nil identity keeps the one that is stored. Errors: hub.NotFound.
func (db *DB) SetEntry(ctx context.Context, id int64, state hub.EntryState, identity json.RawMessage, now time.Time) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		n, err := changed(ctx, t, `UPDATE journal SET state = $2, identity = COALESCE($3, identity), updated = $4 WHERE id = $1`,
			id, string(state), jsonText(identity), stamp(now))
		if err == nil && n == 0 {
			return hub.Errorf(hub.NotFound, "No such journal entry")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("write to the journal: %w", err)
	}
	return nil
}

// EntriesOfRun gives a run's journal in the order in which it was written.
func (db *DB) EntriesOfRun(ctx context.Context, runID string) ([]*hub.Entry, error) {
	return db.entries(ctx, ` WHERE run_id = $1 ORDER BY id`, runID)
}

// OpenEntries gives what may exist outside for any run: the entries that are not gone, oldest first.
func (db *DB) OpenEntries(ctx context.Context) ([]*hub.Entry, error) {
	return db.entries(ctx, ` WHERE state IN ('planned', 'made') ORDER BY id`)
}

func (db *DB) entries(ctx context.Context, where string, args ...any) ([]*hub.Entry, error) {
	all, err := list(ctx, db.engine.reads(), scanEntry, entrySelect+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", db.explain(err))
	}
	return all, nil
}
