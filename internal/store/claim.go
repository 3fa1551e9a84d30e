package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"berdlhub/internal/hub"
)

// ErrLostClaim says that somebody else works on the server now, or on another run of it.
var ErrLostClaim = errors.New("the claim on the server is lost")

// toDo chooses the servers that are not where they are wanted, may be tried at $1 and are nobody's then.
const toDo = `(s.phase IN ('starting', 'stopping') OR (s.phase = 'ready' AND s.wanted = 'stopped'))
	AND s.next_try <= $1 AND (s.claim_owner = '' OR s.claim_expires <= $1)`

// ClaimWork gives queued servers the places that are free under concurrentLimit (0: no limit), then claims up to limit servers for owner
// until now+ttl: those that start, stop, or are ready and should not be. Whoever was asked for first comes first.
// No server is ever claimed by two owners at once.
func (db *DB) ClaimWork(ctx context.Context, owner string, ttl time.Duration, now time.Time, limit, concurrentLimit int) ([]*hub.Server, error) {
	if limit <= 0 {
		return nil, nil
	}
	found, err := column[bool](db.engine.reads().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM servers s WHERE `+toDo+`)
		OR EXISTS (SELECT 1 FROM servers s WHERE s.phase = 'queued')`, stamp(now)))
	if err != nil {
		return nil, fmt.Errorf("look for work: %w", db.explain(err))
	}
	if !found {
		return nil, nil
	}
	var claimed []*hub.Server
	err = db.tx(ctx, byRow, func(t *tx) error {
		claimed = nil
		if err := t.lock(ctx, lockStarts); err != nil {
			return err
		}
		if err := admit(ctx, t, now, concurrentLimit); err != nil {
			return err
		}
		free, err := list(ctx, t, scanServer, serverSelect+` WHERE `+toDo+` ORDER BY s.requested, s.id LIMIT $2`+t.d.keepFree("s"), stamp(now), limit)
		if err != nil {
			return err
		}
		until := now.Add(ttl)
		for _, s := range free {
			if err := exec(ctx, t, `UPDATE servers SET claim_owner = $2, claim_expires = $3 WHERE id = $1`, s.ID, owner, stamp(until)); err != nil {
				return err
			}
			s.ClaimOwner, s.ClaimExpires = owner, until.UTC().Truncate(time.Microsecond)
		}
		claimed = free
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim work: %w", err)
	}
	return claimed, nil
}

// admit moves queued servers to starting as far as there are places. The lock of starts must be held.
func admit(ctx context.Context, t *tx, now time.Time, concurrentLimit int) error {
	_, starting, queued, err := countServers(ctx, t)
	if err != nil {
		return err
	}
	places := queued
	if concurrentLimit > 0 {
		places = min(queued, concurrentLimit-starting)
	}
	if places <= 0 {
		return nil
	}
	next, err := list(ctx, t, scanServer, serverSelect+` WHERE s.phase = 'queued' ORDER BY s.requested, s.id LIMIT $1`+t.d.keep("s"), places)
	if err != nil {
		return err
	}
	for _, s := range next {
		if err := exec(ctx, t, `UPDATE servers SET phase = 'starting', started = $2, version = version + 1 WHERE id = $1`, s.ID, stamp(now)); err != nil {
			return err
		}
		t.server(s)
	}
	return nil
}

// RenewClaim keeps a claim until a later time. Errors: ErrLostClaim when the server belongs to another owner or has another run.
func (db *DB) RenewClaim(ctx context.Context, id int64, owner, runID string, until time.Time) error {
	return db.ownClaim(ctx, `UPDATE servers SET claim_expires = $4 WHERE id = $1 AND claim_owner = $2 AND run_id = $3`, id, owner, runID, stamp(until))
}

// ReleaseClaim gives a claim back; the server is tried again from nextTry on, if there is still something to do.
// Errors: ErrLostClaim when it belongs to another owner.
func (db *DB) ReleaseClaim(ctx context.Context, id int64, owner string, nextTry time.Time) error {
	return db.ownClaim(ctx, `UPDATE servers SET claim_owner = '', claim_expires = 0, next_try = $3 WHERE id = $1 AND claim_owner = $2`, id, owner, stamp(nextTry))
}

func (db *DB) ownClaim(ctx context.Context, query string, args ...any) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		n, err := changed(ctx, t, query, args...)
		if err == nil && n == 0 {
			return ErrLostClaim
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("keep a claim: %w", err)
	}
	return nil
}

// UpdateClaimed changes a server while its claim is held. fn gets the server as it is stored and changes what it wants of Wanted, Phase, Options,
// State, Address, Reason, FailStatus, Started, ReadySince and, forwards, LastActivity; it may run twice. An error of fn changes nothing.
// What only an active or ready server has is emptied when it is not: Address and Started, and ReadySince. A failed or stopped server keeps its
// Reason and FailStatus until the next start is asked for. Errors: ErrLostClaim when another owner has it, or it is gone; what fn returns.
func (db *DB) UpdateClaimed(ctx context.Context, id int64, owner string, fn func(*hub.Server) error) (srv *hub.Server, err error) {
	err = db.tx(ctx, byRow, func(t *tx) error {
		s, err := findServerByID(ctx, t, id, t.d.keep("s"))
		if hub.CodeOf(err) == hub.NotFound || err == nil && (owner == "" || s.ClaimOwner != owner) {
			return ErrLostClaim
		}
		if err != nil {
			return err
		}
		before := *s
		before.Options, before.State = slices.Clone(s.Options), slices.Clone(s.State)
		if err := fn(s); err != nil {
			return err
		}
		srv, err = writeServer(ctx, t, &before, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	return srv, nil
}

func writeServer(ctx context.Context, t *tx, before, s *hub.Server) (*hub.Server, error) {
	if !s.Active() {
		s.Address, s.Started = "", time.Time{}
	}
	if s.Phase != hub.Ready {
		s.ReadySince = time.Time{}
	}
	err := exec(ctx, t, `UPDATE servers SET wanted = $2, phase = $3, options = $4, state = $5, address = $6, reason = $7, fail_status = $8,
		started = $9, ready_since = $10, last_activity = CASE WHEN last_activity < $11 THEN $11 ELSE last_activity END,
		version = version + 1 WHERE id = $1`,
		before.ID, string(s.Wanted), string(s.Phase), jsonText(s.Options), jsonText(s.State), s.Address, cut(s.Reason, maxReason), s.FailStatus,
		stamp(s.Started), stamp(s.ReadySince), stamp(s.LastActivity))
	if err != nil {
		return nil, err
	}
	t.server(before)
	return findServerByID(ctx, t, before.ID, "")
}

// forgetClaims ends the claims and leases of hubs that are gone. Only a hub that holds the lock of the file may call it:
// then no other hub lives, and waiting for their claims to expire would only keep users waiting.
func (db *DB) forgetClaims(ctx context.Context) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		if err := exec(ctx, t, `UPDATE servers SET claim_owner = '', claim_expires = 0, next_try = 0 WHERE claim_owner <> '' OR next_try <> 0`); err != nil {
			return err
		}
		return exec(ctx, t, `DELETE FROM leases`)
	})
	if err != nil {
		return fmt.Errorf("forget the claims of an earlier hub: %w", err)
	}
	return nil
}
