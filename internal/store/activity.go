package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Activity says that a user, a server, a token and a browser's session were active; ids that are 0 are left out.
type Activity struct {
	UserID, ServerID, TokenID, SessionID int64
	At                                   time.Time
}

// RecordActivity stores many activities in one transaction. Times only move forward, and rows that do not exist are left out.
// Who was active is published.
func (db *DB) RecordActivity(ctx context.Context, all []Activity) error {
	if len(all) == 0 {
		return nil
	}
	users, servers, tokens, sessions := latest(all)
	err := db.tx(ctx, byRow, func(t *tx) error {
		moved, err := moveForward(ctx, t, "users", users)
		if err != nil {
			return err
		}
		owners, err := moveForward(ctx, t, "servers", servers)
		if err != nil {
			return err
		}
		if _, err := moveForward(ctx, t, "tokens", tokens); err != nil {
			return err
		}
		if _, err := moveForward(ctx, t, "sessions", sessions); err != nil {
			return err
		}
		t.seen(append(moved, owners...))
		return nil
	})
	if err != nil {
		return fmt.Errorf("store activity: %w", err)
	}
	return nil
}

// latest finds the last activity of each row.
func latest(all []Activity) (users, servers, tokens, sessions map[int64]int64) {
	users, servers, tokens, sessions = map[int64]int64{}, map[int64]int64{}, map[int64]int64{}, map[int64]int64{}
	for _, a := range all {
		at := stamp(a.At)
		users[a.UserID] = max(users[a.UserID], at)
		servers[a.ServerID] = max(servers[a.ServerID], at)
		tokens[a.TokenID] = max(tokens[a.TokenID], at)
		sessions[a.SessionID] = max(sessions[a.SessionID], at)
	}
	for _, rows := range []map[int64]int64{users, servers, tokens, sessions} {
		delete(rows, 0)
	}
	return users, servers, tokens, sessions
}

// activityChunk is how many rows one statement moves. A constant number lets the statement be prepared once.
const activityChunk = 100

// manySeen is how many active users are told one by one; more are told as "many".
const manySeen = 2000

// seen publishes who was active.
func (t *tx) seen(users []int64) {
	slices.Sort(users)
	users = slices.Compact(users)
	if len(users) > manySeen {
		users = []int64{0}
	}
	for _, id := range users {
		t.publish(Change{Kind: ChangeActivity, ID: id})
	}
}

// moveForward writes the times in the order of the ids, so that two hubs wait for each other instead of blocking each other.
// It gives the users of the rows that moved.
func moveForward(ctx context.Context, t *tx, table string, at map[int64]int64) (users []int64, err error) {
	ids := make([]int64, 0, len(at))
	for id := range at {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for chunk := range slices.Chunk(ids, activityChunk) {
		args := make([]any, 0, 2*activityChunk)
		for i := range activityChunk {
			id := int64(0) // fits no row
			if i < len(chunk) {
				id = chunk[i]
			}
			args = append(args, id, at[id])
		}
		some, err := list(ctx, t, column[int64], moveStatements[table], args...)
		if err != nil {
			return nil, err
		}
		users = append(users, some...)
	}
	return users, nil
}

// moveStatements has one statement per table, for activityChunk rows.
var moveStatements = map[string]string{
	"users":    moveStatement("users", "last_activity", "id"),
	"servers":  moveStatement("servers", "last_activity", "user_id"),
	"tokens":   moveStatement("tokens", "last_activity", "COALESCE(user_id, 0)"),
	"sessions": moveStatement("sessions", "last_seen", "user_id"),
}

// moveStatement gives, of each row that moves, the user whose it is.
func moveStatement(table, moment, user string) string {
	var b strings.Builder
	b.WriteString(`UPDATE ` + table + ` SET ` + moment + ` = v.column2 FROM (VALUES `)
	for i := range activityChunk {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`(CAST($` + strconv.Itoa(2*i+1) + ` AS BIGINT),CAST($` + strconv.Itoa(2*i+2) + ` AS BIGINT))`)
	}
	b.WriteString(`) AS v WHERE ` + table + `.id = v.column1 AND ` + table + `.` + moment + ` < v.column2 RETURNING ` + user)
	return b.String()
}
