package store_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// lines gives the audit log, oldest first, a line each.
func lines(t testing.TB, db *store.DB, f store.AuditFilter) string {
	t.Helper()
	var b strings.Builder
	all := must[[]store.AuditEntry](t)(db.AuditLog(t.Context(), f))
	for i := range all {
		e := all[len(all)-1-i]
		if e.At.IsZero() || e.ID == 0 {
			t.Errorf("entry without id or time: %+v", e)
		}
		fmt.Fprintf(&b, "%s %s %s %s%s %s\n", e.Actor.Kind, e.Actor.Name, e.Actor.Token, e.Action, "("+e.Target+")", e.Detail)
	}
	return b.String()
}

func TestAudit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := hub.WithActor(t.Context(), hub.Actor{Kind: "user", Name: "boss", Token: "a7", Address: "192.0.2.1", RequestID: "r1"})
		u := must[*hub.User](t)(db.CreateUser(ctx, "ada", false, t0))
		ok(t, db.SetAdmin(ctx, u.ID, true))
		key := hub.ServerKey{User: "ada", Server: "lab"}
		_, _, err := db.EnsureServer(ctx, key, "", t0)
		ok(t, err)
		_, _, err = db.AskStart(ctx, store.StartAsk{Key: key, RunID: "run1", Now: t0})
		ok(t, err)
		_, err = db.AskStop(t.Context(), key, "It was idle.\nand more", 0, t0)
		ok(t, err)
		token := &hub.Token{UserID: u.ID, Note: "mine", Created: t0, Prefix: "abcd", Hashed: "h"}
		ok(t, db.CreateToken(ctx, token))
		ok(t, db.CreateToken(ctx, &hub.Token{UserID: u.ID, RunID: "run1", Created: t0, Prefix: "abcd", Hashed: "h2"}))
		ok(t, db.DeleteToken(ctx, token.ID))
		want := fmt.Sprintf(`user boss a7 user.create(user/ada) 
user boss a7 user.admin(user/ada) {"admin":true}
user boss a7 server.create(server/ada/lab) 
user boss a7 server.start(server/ada/lab) 
hub   server.stop(server/ada/lab) {"reason":"It was idle."}
user boss a7 token.create(user/ada) {"id":"a%d","note":"mine"}
user boss a7 token.delete(user/ada) {"id":"a%d","note":"mine"}
`, token.ID, token.ID)
		if got := lines(t, db, store.AuditFilter{}); got != want {
			t.Errorf("audit log:\n%s\nwant:\n%s", got, want)
		}
		for _, c := range []struct {
			filter store.AuditFilter
			want   int
		}{
			{store.AuditFilter{Actor: "boss"}, 6},
			{store.AuditFilter{Action: "server"}, 3},
			{store.AuditFilter{Action: "server.start"}, 1},
			{store.AuditFilter{Target: "server/ada"}, 3},
			{store.AuditFilter{Target: "server/ad"}, 0},
			{store.AuditFilter{Actor: "boss", Target: "user/ada", Limit: 2}, 2},
			{store.AuditFilter{Since: t0}, 7},
		} {
			if got := strings.Count(lines(t, db, c.filter), "\n"); got != c.want {
				t.Errorf("%+v gives %d lines, want %d", c.filter, got, c.want)
			}
		}
		all := must[[]store.AuditEntry](t)(db.AuditLog(t.Context(), store.AuditFilter{Limit: 3}))
		next := must[[]store.AuditEntry](t)(db.AuditLog(t.Context(), store.AuditFilter{Limit: 3, Before: all[2].ID}))
		if next[0].ID >= all[2].ID || len(next) != 3 {
			t.Errorf("the second page begins at %d after %d", next[0].ID, all[2].ID)
		}
	})
}

// A change that does not happen leaves no line, and a line is told to the log once.
func TestAuditIsOneWithItsChange(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	db := must[*store.DB](t)(store.Open(t.Context(), store.Config{URL: "sqlite://", Log: slog.New(slog.NewJSONHandler(&log, nil))}))
	t.Cleanup(func() { _ = db.Close() })
	ctx := hub.WithActor(context.Background(), hub.Actor{Kind: "service", Name: "script"})
	_, err := db.CreateUser(ctx, "ada", false, t0)
	ok(t, err)
	if _, err := db.CreateUser(ctx, "ada", false, t0); hub.CodeOf(err) != hub.Conflict {
		t.Fatalf("a second ada: %v", err)
	}
	if got := strings.Count(lines(t, db, store.AuditFilter{}), "user.create"); got != 1 {
		t.Errorf("%d lines of a user made once", got)
	}
	if got := strings.Count(log.String(), `"msg":"audit"`); got != 1 || !strings.Contains(log.String(), `"target":"user/ada"`) {
		t.Errorf("told %d times:\n%s", got, log.String())
	}
}

func TestAuditIsNeverAltered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ok(t, db.Audit(t.Context(), "hub.shutdown", "hub", nil))
		for _, statement := range []string{"UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"} {
			if err := db.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "never") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		if got := lines(t, db, store.AuditFilter{}); !strings.Contains(got, "hub.shutdown") {
			t.Errorf("the log holds %q", got)
		}
	})
}

// What the configuration changes at a start is told once, not at every start.
func TestAuditOfConfiguration(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		roles := []store.RoleSpec{{Name: "teacher", Scopes: []string{"read:users"}, SetScopes: true, Users: []string{"ada"}, HasUsers: true, Groups: []string{"g"}}}
		start := func(roles []store.RoleSpec, blocked ...string) string {
			before := must[[]store.AuditEntry](t)(db.AuditLog(t.Context(), store.AuditFilter{Limit: 1}))
			ok(t, db.SyncRoles(t.Context(), roles))
			ok(t, db.SyncUsers(t.Context(), []string{"boss"}, nil, blocked, t0))
			all := strings.SplitAfter(lines(t, db, store.AuditFilter{}), "\n")
			if len(before) == 0 {
				return strings.Join(all, "")
			}
			var fresh []string
			for i, e := range must[[]store.AuditEntry](t)(db.AuditLog(t.Context(), store.AuditFilter{})) {
				if e.ID > before[0].ID {
					fresh = append([]string{all[len(all)-2-i]}, fresh...)
				}
			}
			return strings.Join(fresh, "")
		}
		first := start(roles)
		for _, want := range []string{`role.define(role/teacher) {"scopes":["read:users"]}`, `role.members(role/teacher) {"added_users":["ada"]}`, `role.members(role/teacher) {"added_groups":["g"]}`, `user.admin(user/boss) {"admin":true}`} {
			if !strings.Contains(first, want) {
				t.Errorf("the first start does not tell %s:\n%s", want, first)
			}
		}
		if again := start(roles); again != "" {
			t.Errorf("a start without news tells:\n%s", again)
		}
		last := start(nil, "ada")
		for _, want := range []string{"role.delete(role/teacher)", "user.block(user/ada)"} {
			if !strings.Contains(last, want) {
				t.Errorf("the last start does not tell %s:\n%s", want, last)
			}
		}
	})
}
