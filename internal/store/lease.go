package store

import (
	"context"
	"fmt"
	"time"
)

// Lease takes or renews a lease for work that only one hub does, and says whether owner has it now, until now+ttl.
func (db *DB) Lease(ctx context.Context, leaseName, owner string, ttl time.Duration, now time.Time) (bool, error) {
	var n int64
	err := db.tx(ctx, byRow, func(t *tx) (err error) {
		n, err = changed(ctx, t, `INSERT INTO leases (name, owner, expires) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires = excluded.expires
			WHERE leases.owner = excluded.owner OR leases.expires <= $4`, leaseName, owner, stamp(now.Add(ttl)), stamp(now))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("take the lease %s: %w", leaseName, err)
	}
	return n > 0, nil
}

// ReleaseLease gives a lease back. One that somebody else has is no error.
func (db *DB) ReleaseLease(ctx context.Context, leaseName, owner string) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		return exec(ctx, t, `DELETE FROM leases WHERE name = $1 AND owner = $2`, leaseName, owner)
	})
	if err != nil {
		return fmt.Errorf("give the lease %s back: %w", leaseName, err)
	}
	return nil
}
