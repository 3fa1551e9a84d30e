package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"berdlhub/internal/hub"
)

// The causes of hub.TooMany from AskStart.
var (
	ErrActiveLimit     = errors.New("the limit of active servers is reached")
	ErrConcurrentLimit = errors.New("the limit of servers that start at once is reached")
)

// lockStarts is held by whoever counts servers against a limit, so that none slips in between counting and writing.
const lockStarts = "starts"

// maxReason bounds why a server failed, which may quote the end of a log.
const maxReason = 8191

// StartAsk is a wish for a running server.
type StartAsk struct {
	Key                  hub.ServerKey
	RunID                string          // id of the new run, if there is one
	Options              json.RawMessage // nil keeps those of the last start
	Now                  time.Time
	ActiveLimit          int  // active servers at most; 0: no limit
	ConcurrentLimit      int  // servers that start at once at most; 0: no limit
	RefuseOverConcurrent bool // refuse instead of queueing when ConcurrentLimit is reached
}

// AskStart writes the wish that a server runs, with a new run, under the limits, in one transaction. A server that was queued, starting
// or ready already is returned as it is, with fresh false. Over the concurrent limit, or while others wait, it is queued.
// The reason of an earlier failure is forgotten.
// Errors: hub.NotFound; hub.Conflict while it stops; hub.TooMany with the cause ErrActiveLimit or ErrConcurrentLimit.
func (db *DB) AskStart(ctx context.Context, ask StartAsk) (srv *hub.Server, fresh bool, err error) {
	err = db.tx(ctx, byRow, func(t *tx) error {
		if err := t.lock(ctx, lockStarts); err != nil {
			return err
		}
		srv, fresh, err = askStart(ctx, t, ask)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("ask for a start: %w", err)
	}
	return srv, fresh, nil
}

func askStart(ctx context.Context, t *tx, ask StartAsk) (*hub.Server, bool, error) {
	s, err := findServer(ctx, t, ask.Key, t.d.keep("s"))
	if err != nil {
		return nil, false, err
	}
	if s.Active() {
		if s.Wanted == hub.WantRunning && s.Phase != hub.Stopping {
			return s, false, nil
		}
		return nil, false, hub.Errorf(hub.Conflict, "%s's server is stopping, please wait", s.Key)
	}
	phase, err := placeFor(ctx, t, ask)
	if err != nil {
		return nil, false, err
	}
	var started int64
	if phase == hub.Starting {
		started = stamp(ask.Now)
	}
	err = exec(ctx, t, `UPDATE servers SET wanted = 'running', phase = $2, run_id = $3, options = COALESCE($4, options), state = NULL,
		address = '', reason = '', fail_status = 0, next_try = 0, requested = $5, started = $6, ready_since = 0, version = version + 1
		WHERE id = $1`, s.ID, string(phase), ask.RunID, jsonText(ask.Options), stamp(ask.Now), started)
	if err != nil {
		return nil, false, err
	}
	if s, err = findServerByID(ctx, t, s.ID, ""); err != nil {
		return nil, false, err
	}
	t.server(s)
	return s, true, t.audit(ctx, "server.start", serverTarget(s.Key), nil)
}

// placeFor says whether a start may begin at once or must queue.
func placeFor(ctx context.Context, t *tx, ask StartAsk) (hub.Phase, error) {
	active, starting, queued, err := countServers(ctx, t)
	switch {
	case err != nil:
		return "", err
	case ask.ActiveLimit > 0 && active >= ask.ActiveLimit:
		return "", hub.Wrap(hub.TooMany, ErrActiveLimit, "Active user limit exceeded. Try again in a few minutes.")
	case ask.ConcurrentLimit <= 0 || starting < ask.ConcurrentLimit && queued == 0:
		return hub.Starting, nil
	case ask.RefuseOverConcurrent:
		return "", hub.Wrap(hub.TooMany, ErrConcurrentLimit, "Too many users trying to log in right now. Try again later.")
	}
	return hub.Queued, nil
}

// AskStop writes the wish that a server stops, with the reason for a person and, when it counts as a failure, its HTTP status. A queued
// server is stopped at once. A server that is asked already keeps its first reason; one that is not active stays as it is.
// Errors: hub.NotFound.
func (db *DB) AskStop(ctx context.Context, key hub.ServerKey, reason string, failStatus int, now time.Time) (srv *hub.Server, err error) {
	err = db.tx(ctx, byRow, func(t *tx) error {
		if srv, err = findServer(ctx, t, key, t.d.keep("s")); err != nil {
			return err
		}
		srv, err = turnToStop(ctx, t, srv, reason, failStatus, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask for a stop: %w", err)
	}
	return srv, nil
}

// AskStopRun is AskStop for one run, whose process was found to have ended: it does nothing once the server has another run,
// is asked to stop already, or does not exist any more.
func (db *DB) AskStopRun(ctx context.Context, key hub.ServerKey, runID, reason string, now time.Time) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		srv, err := findServer(ctx, t, key, t.d.keep("s"))
		if hub.CodeOf(err) == hub.NotFound || err == nil && srv.RunID != runID {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = turnToStop(ctx, t, srv, reason, 0, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("ask for the stop of a run: %w", err)
	}
	return nil
}

func turnToStop(ctx context.Context, t *tx, s *hub.Server, reason string, failStatus int, now time.Time) (*hub.Server, error) {
	if !s.Active() || s.Wanted == hub.WantStopped {
		return s, nil
	}
	phase := s.Phase
	if phase == hub.Queued {
		phase = hub.Stopped
		if failStatus != 0 {
			phase = hub.Failed
		}
	}
	// next_try is now: whoever waits between two tries of a start does not keep the stop waiting.
	err := exec(ctx, t, `UPDATE servers SET wanted = 'stopped', phase = $2, reason = $3, fail_status = $4, next_try = $5, version = version + 1 WHERE id = $1`,
		s.ID, string(phase), cut(reason, maxReason), failStatus, stamp(now))
	if err != nil {
		return nil, err
	}
	t.server(s)
	detail := map[string]any{}
	if reason != "" {
		first, _, _ := strings.Cut(reason, "\n") // what follows may quote the server's log
		detail["reason"] = cut(first, maxName)
	}
	if failStatus != 0 {
		detail["status"] = failStatus
	}
	if err := t.audit(ctx, "server.stop", serverTarget(s.Key), detail); err != nil {
		return nil, err
	}
	return findServerByID(ctx, t, s.ID, "")
}
