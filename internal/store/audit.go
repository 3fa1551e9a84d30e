package store

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"berdlhub/internal/hub"
)

// AuditEntry is one line of the audit log: who changed what, when, from where. Entries are written in the transaction of
// their change and never altered.
type AuditEntry struct {
	ID     int64
	At     time.Time
	Actor  hub.Actor
	Action string          // noun and verb, for example server.start
	Target string          // kind and name, for example server/ada/ or user/ada
	Detail json.RawMessage // what else matters, without secrets; nil: nothing
}

// maxAuditPage is how many entries AuditLog gives at most.
const maxAuditPage = 500

// audit writes a line of the audit log with the change that it tells of. Detail holds no secrets; nil is fine.
func (t *tx) audit(ctx context.Context, action, target string, detail map[string]any) error {
	e := AuditEntry{At: time.Now().UTC(), Actor: hub.ActorOf(ctx), Action: action, Target: cut(target, 2*maxName+16)}
	if len(detail) > 0 {
		text, err := json.Marshal(detail)
		if err != nil {
			return fmt.Errorf("encode what the audit log says of %s: %w", action, err)
		}
		e.Detail = text
	}
	err := exec(ctx, t, `INSERT INTO audit (at, actor_kind, actor, token, address, request_id, action, target, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, stamp(e.At), e.Actor.Kind, cut(e.Actor.Name, maxName), e.Actor.Token,
		cut(e.Actor.Address, maxName), e.Actor.RequestID, e.Action, e.Target, jsonText(e.Detail))
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	t.told = append(t.told, e)
	return nil
}

// tell writes committed lines of the audit log to the program's log, too.
func (db *DB) tell(ctx context.Context, entries []AuditEntry) {
	for _, e := range entries {
		db.log.LogAttrs(ctx, slog.LevelInfo, "audit", slog.String("action", e.Action), slog.String("target", e.Target),
			slog.String("actor_kind", e.Actor.Kind), slog.String("actor", e.Actor.Name), slog.String("token", e.Actor.Token),
			slog.String("address", e.Actor.Address), slog.Any("detail", e.Detail))
	}
}

// Audit writes a line of the audit log for something that is no change of the database. Detail holds no secrets; nil is fine.
func (db *DB) Audit(ctx context.Context, action, target string, detail map[string]any) error {
	return db.tx(ctx, byRow, func(t *tx) error { return t.audit(ctx, action, target, detail) })
}

// AuditFilter says which lines of the audit log to read. Empty fields choose all.
type AuditFilter struct {
	Before int64     // only lines with a smaller id, for the next page; 0: from the newest
	Actor  string    // name of who acted
	Action string    // action, or its beginning up to a dot: server chooses server.start too
	Target string    // target, or its beginning up to a slash: server/ada chooses all of ada's servers
	Since  time.Time // only lines of this time or later
	Limit  int       // at most so many; 0 or more than 500: 500
}

// AuditLog gives lines of the audit log, newest first.
func (db *DB) AuditLog(ctx context.Context, f AuditFilter) ([]AuditEntry, error) {
	var where strings.Builder
	var args []any
	add := func(condition string, values ...any) {
		for i, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "$"+string(rune('a'+i)), fmt.Sprintf("$%d", len(args)), 1)
		}
		where.WriteString(" AND " + condition)
	}
	if f.Before > 0 {
		add("id < $a", f.Before)
	}
	if f.Actor != "" {
		add("actor = $a", f.Actor)
	}
	if f.Action != "" {
		add("(action = $a OR action >= $b AND action < $c)", f.Action, f.Action+".", f.Action+"/")
	}
	if f.Target != "" {
		add("(target = $a OR target >= $b AND target < $c)", f.Target, f.Target+"/", f.Target+"0")
	}
	if !f.Since.IsZero() {
		add("at >= $a", stamp(f.Since))
	}
	limit := f.Limit
	if limit <= 0 || limit > maxAuditPage {
		limit = maxAuditPage
	}
	all, err := list(ctx, db.engine.reads(), scanAudit, `SELECT id, at, actor_kind, actor, token, address, request_id, action, target, detail
		FROM audit WHERE 1 = 1`+where.String()+fmt.Sprintf(` ORDER BY id DESC LIMIT %d`, limit), args...)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", db.explain(err))
	}
	return all, nil
}

func scanAudit(row scanner) (e AuditEntry, err error) {
	err = row.Scan(&e.ID, stampTo{&e.At}, &e.Actor.Kind, &e.Actor.Name, &e.Actor.Token, &e.Actor.Address, &e.Actor.RequestID,
		&e.Action, &e.Target, jsonTo{&e.Detail})
	return e, err
}

// The targets of audit lines.
func userTarget(name string) string         { return "user/" + name }
func groupTarget(name string) string        { return "group/" + name }
func serviceTarget(name string) string      { return "service/" + name }
func roleTarget(name string) string         { return "role/" + name }
func serverTarget(key hub.ServerKey) string { return "server/" + key.Full() }
