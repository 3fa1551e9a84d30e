package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"berdlhub/internal/hub"
)

const serverSelect = `SELECT s.id, s.user_id, u.name, s.name, s.display_name, s.wanted, s.phase, s.run_id, s.options, s.state, s.address,
	s.reason, s.fail_status, s.claim_owner, s.claim_expires, s.requested, s.started, s.ready_since, s.last_activity, s.created, s.version
	FROM servers s JOIN users u ON u.id = s.user_id`

func scanServer(row scanner) (*hub.Server, error) {
	var s hub.Server
	err := row.Scan(&s.ID, &s.UserID, &s.Key.User, &s.Key.Server, &s.DisplayName, &s.Wanted, &s.Phase, &s.RunID, jsonTo{&s.Options},
		jsonTo{&s.State}, &s.Address, &s.Reason, &s.FailStatus, &s.ClaimOwner, stampTo{&s.ClaimExpires}, stampTo{&s.Requested},
		stampTo{&s.Started}, stampTo{&s.ReadySince}, stampTo{&s.LastActivity}, stampTo{&s.Created}, &s.Version)
	return &s, err
}

// ServerByKey finds a server. Errors: hub.NotFound.
func (db *DB) ServerByKey(ctx context.Context, key hub.ServerKey) (*hub.Server, error) {
	s, err := findServer(ctx, db.engine.reads(), key, "")
	return s, db.explain(err)
}

func findServer(ctx context.Context, q querier, key hub.ServerKey, keep string) (*hub.Server, error) {
	row := q.QueryRowContext(ctx, serverSelect+` WHERE u.name = $1 AND s.name = $2`+keep, key.User, key.Server)
	return one(row, scanServer, "%s has no server named '%s'", cut(key.User, maxName), cut(key.Server, maxName))
}

// ServerByID finds a server. Errors: hub.NotFound.
func (db *DB) ServerByID(ctx context.Context, id int64) (*hub.Server, error) {
	s, err := findServerByID(ctx, db.engine.reads(), id, "")
	return s, db.explain(err)
}

func findServerByID(ctx context.Context, q querier, id int64, keep string) (*hub.Server, error) {
	return one(q.QueryRowContext(ctx, serverSelect+` WHERE s.id = $1`+keep, id), scanServer, "No such server")
}

// ServerByRun finds the server whose current or last run this is. Errors: hub.NotFound.
func (db *DB) ServerByRun(ctx context.Context, runID string) (*hub.Server, error) {
	s, err := one(db.engine.reads().QueryRowContext(ctx, serverSelect+` WHERE s.run_id = $1 AND s.run_id <> ''`, runID), scanServer, "No server has this run")
	return s, db.explain(err)
}

func (db *DB) servers(ctx context.Context, where string, args ...any) ([]*hub.Server, error) {
	all, err := list(ctx, db.engine.reads(), scanServer, serverSelect+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list servers: %w", db.explain(err))
	}
	return all, nil
}

// ServersOfUser gives a user's servers by name, the default server first if it was ever made.
func (db *DB) ServersOfUser(ctx context.Context, userID int64) ([]*hub.Server, error) {
	return db.servers(ctx, ` WHERE s.user_id = $1 ORDER BY s.name`, userID)
}

// ServersOfUsers gives the servers of many users at once, by user id and in the order of ServersOfUser.
func (db *DB) ServersOfUsers(ctx context.Context, ids []int64) (map[int64][]*hub.Server, error) {
	all := make(map[int64][]*hub.Server, len(ids))
	for chunk := range slices.Chunk(ids, maxMarks) {
		some, err := db.servers(ctx, ` WHERE s.user_id IN (`+marks(1, len(chunk))+`) ORDER BY s.user_id, s.name`, anys(chunk)...)
		if err != nil {
			return nil, err
		}
		for _, s := range some {
			all[s.UserID] = append(all[s.UserID], s)
		}
	}
	return all, nil
}

// ActiveServers gives all servers that are queued, starting, ready or stopping, the one asked for first at the front.
func (db *DB) ActiveServers(ctx context.Context) ([]*hub.Server, error) {
	return db.servers(ctx, ` WHERE s.phase IN `+activePhases+` ORDER BY s.requested, s.id`)
}

// ReadyServers gives all servers that are ready, whatever is wanted of them.
func (db *DB) ReadyServers(ctx context.Context) ([]*hub.Server, error) {
	return db.servers(ctx, ` WHERE s.phase = 'ready' ORDER BY s.requested, s.id`)
}

// EnsureServer finds a server or makes its row, stopped. The display name is used only when it is made.
// Errors: hub.NotFound for an unknown user, hub.Invalid for a name that is too long.
func (db *DB) EnsureServer(ctx context.Context, key hub.ServerKey, displayName string, now time.Time) (srv *hub.Server, created bool, err error) {
	if err := bounded("server name", key.Server, maxName); err != nil {
		return nil, false, err
	}
	if err := bounded("display name", displayName, maxName); err != nil {
		return nil, false, err
	}
	if srv, err = db.ServerByKey(ctx, key); hub.CodeOf(err) != hub.NotFound {
		return srv, false, err
	}
	err = db.tx(ctx, byRow, func(t *tx) error {
		u, err := findUserByName(ctx, t, key.User, "")
		if err != nil {
			return err
		}
		n, err := changed(ctx, t, `INSERT INTO servers (user_id, name, display_name, created) VALUES ($1, $2, $3, $4)
			ON CONFLICT (user_id, name) DO NOTHING`, u.ID, key.Server, displayName, stamp(now))
		if err != nil {
			return err
		}
		created = n > 0
		if srv, err = findServer(ctx, t, key, ""); err != nil || !created {
			return err
		}
		t.server(srv)
		return t.audit(ctx, "server.create", serverTarget(key), nil)
	})
	if err != nil {
		return nil, false, fmt.Errorf("make a server: %w", err)
	}
	return srv, created, nil
}

// server publishes that a server changed.
func (t *tx) server(s *hub.Server) {
	t.publish(Change{Kind: ChangeServer, ID: s.ID, Key: s.Key, RunID: s.RunID})
}

// DeleteServer removes a server that is not active, with its OAuth client, tokens, shares and journal. One that does not exist is no error.
// Errors: hub.Conflict while it is active.
func (db *DB) DeleteServer(ctx context.Context, id int64) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		s, err := findServerByID(ctx, t, id, t.d.keep("s"))
		if hub.CodeOf(err) == hub.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if s.Active() {
			return hub.Errorf(hub.Conflict, "The server %s is running: stop it first", s.Key)
		}
		if err := dropServer(ctx, t, s); err != nil {
			return err
		}
		return t.audit(ctx, "server.delete", serverTarget(s.Key), nil)
	})
	if err != nil {
		return fmt.Errorf("delete a server: %w", err)
	}
	return nil
}

func dropServer(ctx context.Context, t *tx, s *hub.Server) error {
	if err := deleteTokens(ctx, t, `client_id IN (SELECT c.id FROM oauth_clients c WHERE c.server_id = $1)`, s.ID); err != nil {
		return err
	}
	if s.RunID != "" {
		if err := deleteTokens(ctx, t, `run_id = $1`, s.RunID); err != nil {
			return err
		}
	}
	shared, err := changed(ctx, t, `DELETE FROM shares WHERE server_id = $1`, s.ID)
	if err != nil {
		return err
	}
	if shared > 0 {
		t.publish(Change{Kind: ChangeAccess})
	}
	t.server(s)
	return exec(ctx, t, `DELETE FROM servers WHERE id = $1`, s.ID)
}

// CountServers tells how many servers are active (queued, starting, ready or stopping), and how many of them are starting.
func (db *DB) CountServers(ctx context.Context) (active, starting int, err error) {
	active, starting, _, err = countServers(ctx, db.engine.reads())
	if err != nil {
		return 0, 0, fmt.Errorf("count servers: %w", db.explain(err))
	}
	return active, starting, nil
}

func countServers(ctx context.Context, q querier) (active, starting, queued int, err error) {
	err = q.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN phase = 'starting' THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN phase = 'queued' THEN 1 ELSE 0 END), 0) FROM servers WHERE phase IN `+activePhases).Scan(&active, &starting, &queued)
	return active, starting, queued, err
}

// QueuePlace tells the place of a queued server, from 1, and the length of the queue. Place 0: it does not wait there.
func (db *DB) QueuePlace(ctx context.Context, id int64) (place, length int, err error) {
	err = db.engine.reads().QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN q.requested < s.requested
		OR (q.requested = s.requested AND q.id <= s.id) THEN 1 ELSE 0 END), 0)
		FROM servers s JOIN servers q ON q.phase = 'queued' WHERE s.id = $1 AND s.phase = 'queued'`, id).Scan(&length, &place)
	if err != nil {
		return 0, 0, fmt.Errorf("read the queue: %w", db.explain(err))
	}
	return place, length, nil
}
