package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"berdlhub/internal/hub"
)

// Opening is that an administrator went into somebody's server, and why.
type Opening struct {
	Server hub.ServerKey
	By     string
	At     time.Time
	Reason string
}

// maxOpenings is how many openings a user is told of at once.
const maxOpenings = 20

// RecordOpening writes into the audit log that somebody opens another user's server. Errors: hub.Invalid without a reason or
// with one that is too long.
func (db *DB) RecordOpening(ctx context.Context, key hub.ServerKey, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return hub.Errorf(hub.Invalid, "Say why you open this server: %s reads it on the home page.", key.User)
	}
	if err := bounded("reason", reason, maxNote); err != nil {
		return err
	}
	return db.Audit(ctx, "server.open", serverTarget(key), map[string]any{"reason": reason})
}

// Openings gives who went into a user's servers since a time, newest first and at most 20.
func (db *DB) Openings(ctx context.Context, user string, since time.Time) ([]Opening, error) {
	prefix := serverTarget(hub.ServerKey{User: user})
	all, err := list(ctx, db.engine.reads(), scanAudit, `SELECT id, at, actor_kind, actor, token, address, request_id, action, target, detail
		FROM audit WHERE action = 'server.open' AND at >= $1 AND SUBSTR(target, 1, $2) = $3`, stamp(since), utf8.RuneCountInString(prefix), prefix)
	if err != nil {
		return nil, fmt.Errorf("read who opened a server: %w", db.explain(err))
	}
	slices.SortFunc(all, func(a, b AuditEntry) int { return int(b.ID - a.ID) })
	openings := make([]Opening, 0, min(len(all), maxOpenings))
	for _, e := range all[:min(len(all), maxOpenings)] {
		var detail struct {
			Reason string `json:"reason"`
		}
		if err := json.Unmarshal(e.Detail, &detail); err != nil {
			detail.Reason = "" // an entry of somebody else's making still tells who and when
		}
		openings = append(openings, Opening{
			Server: hub.ServerKey{User: user, Server: strings.TrimPrefix(e.Target, prefix)}, By: e.Actor.Name, At: e.At, Reason: detail.Reason,
		})
	}
	return openings, nil
}
