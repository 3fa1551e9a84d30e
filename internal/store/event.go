package store

import (
	"context"
	"fmt"
	"time"

	"berdlhub/internal/hub"
)

// maxMessage bounds the text of an event, in characters.
const maxMessage = 4095

func scanEvent(row scanner) (hub.Event, error) {
	var e hub.Event
	err := row.Scan(&e.RunID, &e.Seq, stampTo{&e.Time}, &e.Progress, &e.Message, &e.Level, &e.Final, &e.URL)
	return e, err
}

// AddEvent adds to a run's story and gives the event its number; a message that is too long is cut. Seq is ignored, an empty Level is info.
func (db *DB) AddEvent(ctx context.Context, e hub.Event) (seq int64, err error) {
	if e.Level == "" {
		e.Level = hub.Info
	}
	err = db.tx(ctx, byRow, func(t *tx) error {
		if err := t.lock(ctx, "events of "+e.RunID); err != nil {
			return err
		}
		t.publish(Change{Kind: ChangeEvent, RunID: e.RunID})
		last, err := column[int64](t.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), 0) FROM events WHERE run_id = $1`, e.RunID))
		if err != nil {
			return err
		}
		seq = last + 1
		return exec(ctx, t, `INSERT INTO events (run_id, seq, at, progress, message, level, final, url) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			e.RunID, seq, stamp(e.Time), e.Progress, cut(e.Message, maxMessage), string(e.Level), string(e.Final), e.URL)
	})
	if err != nil {
		return 0, fmt.Errorf("store an event: %w", err)
	}
	return seq, nil
}

// EventsOfRun gives a run's events with a number above after, in order.
func (db *DB) EventsOfRun(ctx context.Context, runID string, after int64) ([]hub.Event, error) {
	all, err := list(ctx, db.engine.reads(), scanEvent, `SELECT run_id, seq, at, progress, message, level, final, url FROM events
		WHERE run_id = $1 AND seq > $2 ORDER BY seq`, runID, after)
	if err != nil {
		return nil, fmt.Errorf("read a run's events: %w", db.explain(err))
	}
	return all, nil
}

// PruneEvents deletes the whole stories of runs whose last event is older than a time. The keepRuns runs with the newest events stay, and so do
// the current or last run of every server. Journal entries that are gone are deleted at the same age.
func (db *DB) PruneEvents(ctx context.Context, olderThan time.Time, keepRuns int) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		old, err := list(ctx, t, column[string], `SELECT run_id FROM (SELECT run_id, MAX(at) AS last FROM events GROUP BY run_id
			ORDER BY MAX(at) DESC, run_id LIMIT 1000000000 OFFSET $2) AS runs
			WHERE last < $1 AND run_id NOT IN (SELECT s.run_id FROM servers s)`, stamp(olderThan), max(keepRuns, 0))
		if err != nil {
			return err
		}
		for _, runID := range old {
			if err := exec(ctx, t, `DELETE FROM events WHERE run_id = $1`, runID); err != nil {
				return err
			}
		}
		return exec(ctx, t, `DELETE FROM journal WHERE state = 'gone' AND updated < $1 AND run_id NOT IN (SELECT s.run_id FROM servers s)`, stamp(olderThan))
	})
	if err != nil {
		return fmt.Errorf("delete old events: %w", err)
	}
	return nil
}
