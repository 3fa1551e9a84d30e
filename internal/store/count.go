package store

import (
	"context"
	"fmt"
	"time"

	"berdlhub/internal/hub"
)

// Counts are what somebody who watches the hub wants to know of it.
type Counts struct {
	Users                              int
	ActiveDay, ActiveWeek, ActiveMonth int // users who were active within 24 hours, 7 days and 30 days
	Servers                            map[hub.Phase]int
}

// Count counts users and servers as they are now. Errors: hub.Unavailable when the database does not answer.
func (db *DB) Count(ctx context.Context, now time.Time) (Counts, error) {
	const day = 24 * time.Hour
	c := Counts{Servers: map[hub.Phase]int{}}
	err := db.engine.reads().QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN last_activity >= $1 THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN last_activity >= $2 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN last_activity >= $3 THEN 1 ELSE 0 END), 0) FROM users`,
		stamp(now.Add(-day)), stamp(now.Add(-7*day)), stamp(now.Add(-30*day))).Scan(&c.Users, &c.ActiveDay, &c.ActiveWeek, &c.ActiveMonth)
	if err != nil {
		return c, fmt.Errorf("count users: %w", db.explain(err))
	}
	type group struct {
		phase string
		n     int
	}
	groups, err := list(ctx, db.engine.reads(), func(row scanner) (group, error) {
		var g group
		err := row.Scan(&g.phase, &g.n)
		return g, err
	}, `SELECT phase, COUNT(*) FROM servers WHERE phase IN `+activePhases+` GROUP BY phase`)
	if err != nil {
		return c, fmt.Errorf("count servers: %w", db.explain(err))
	}
	for _, g := range groups {
		c.Servers[hub.Phase(g.phase)] = g.n
	}
	return c, nil
}
