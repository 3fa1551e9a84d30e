package store

import (
	"context"
	"fmt"

	"berdlhub/internal/hub"
)

// ServerSearch chooses servers for the administration's list.
type ServerSearch struct {
	Text          string   // part of the owner's or the server's name in any case, taken as it is; empty: all
	Show          string   // "" (all but stopped), failed, ready, pending, stopped, or all
	Names, Groups []string // with one of them set (not nil), only servers of these users or of users in one of these groups
	Offset        int
	Limit         int // 0: 50
}

var serverShows = map[string]string{
	"":        `s.phase IN ('failed', 'queued', 'starting', 'ready', 'stopping')`,
	"failed":  `s.phase = 'failed'`,
	"ready":   `s.phase = 'ready'`,
	"pending": `s.phase IN ('queued', 'starting', 'stopping')`,
	"stopped": `s.phase = 'stopped'`,
	"all":     "",
}

// SearchServers gives a page of servers and how many there are on all pages: those that failed first, then those on their way,
// those that are ready and those that are stopped; within each the one asked for last at the front. Errors: hub.Invalid for an unknown Show.
func (db *DB) SearchServers(ctx context.Context, f ServerSearch) (servers []*hub.Server, total int, err error) {
	show, known := serverShows[f.Show]
	if !known {
		return nil, 0, hub.Errorf(hub.Invalid, "There is no such choice of servers. Open the list again from the administration.")
	}
	where, args, err := UserFilter{Names: f.Names, Groups: f.Groups}.where()
	if err != nil {
		return nil, 0, err
	}
	c := conditions{where: where, args: args}
	c.and(show)
	if f.Text != "" {
		text := contains(f.Text)
		c.and(`(LOWER(u.name) LIKE LOWER(%s) ESCAPE '\' OR LOWER(s.name) LIKE LOWER(%s) ESCAPE '\')`, text, text)
	}
	total, err = column[int](db.engine.reads().QueryRowContext(ctx, `SELECT COUNT(*) FROM servers s JOIN users u ON u.id = s.user_id`+c.where, c.args...))
	if err != nil {
		return nil, 0, fmt.Errorf("count servers: %w", db.explain(err))
	}
	servers, err = db.servers(ctx, c.where+` ORDER BY CASE s.phase WHEN 'failed' THEN 0 WHEN 'ready' THEN 2 WHEN 'stopped' THEN 3 ELSE 1 END,
		s.requested DESC, s.id DESC`+c.page(f.Limit, f.Offset), c.args...)
	return servers, total, err
}
