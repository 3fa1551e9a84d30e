package store_test

import (
	"fmt"
	"slices"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func TestChangesAfterCommitOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		told := listen(t, db)
		u := newUser(t, db, "ada")
		if all := told.take(); !slices.Contains(all, store.Change{Kind: store.ChangeAccess, ID: u.ID}) {
			t.Errorf("told %+v", all)
		}
		_, err := db.CreateUser(t.Context(), "ada", false, t0)
		wantCode(t, err, hub.Conflict)
		if all := told.take(); len(all) != 0 {
			t.Errorf("told of what did not happen: %+v", all)
		}
		for name, c := range map[string]struct {
			do   func() error
			want store.Change
		}{
			"refresh":  {func() error { return db.MarkRefreshed(t.Context(), u.ID, t0) }, store.Change{Kind: store.ChangeAccess, ID: u.ID}},
			"cookie":   {func() error { return db.RotateCookie(t.Context(), u.ID) }, store.Change{Kind: store.ChangeAccess, ID: u.ID}},
			"roles":    {func() error { return db.SyncRoles(t.Context(), nil) }, store.Change{Kind: store.ChangeAccess}},
			"groups":   {func() error { return db.SyncGroups(t.Context(), nil) }, store.Change{Kind: store.ChangeAccess}},
			"users":    {func() error { return db.SyncUsers(t.Context(), nil, nil, nil, t0) }, store.Change{Kind: store.ChangeAccess}},
			"services": {func() error { return db.SyncServices(t.Context(), nil) }, store.Change{Kind: store.ChangeAccess}},
		} {
			ok(t, c.do())
			if all := told.take(); !slices.Contains(all, c.want) {
				t.Errorf("%s told %+v, want %+v", name, all, c.want)
			}
		}
		k, _ := newToken(t, db, hub.Token{UserID: u.ID})
		ok(t, db.DeleteToken(t.Context(), k.ID))
		token := store.Change{Kind: store.ChangeToken, ID: k.ID}
		if all := told.take(); !slices.Equal(all, []store.Change{token, token}) {
			t.Errorf("told %+v", all)
		}
	})
}

func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	calls := 0
	cancel := db.Subscribe(func(store.Change) { calls++ })
	newUser(t, db, "ada")
	cancel()
	before := calls
	newUser(t, db, "bob")
	if before == 0 || calls != before {
		t.Errorf("%d calls, then %d", before, calls)
	}
}

func TestChangesOfOtherHubs(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	one, two := storetest.Open(t, url, "one"), storetest.Open(t, url, "two")
	here, there := listen(t, one), listen(t, two)
	newUser(t, one, "ada")
	srv := newServer(t, one, hub.ServerKey{User: "ada", Server: "gpu"})
	own := here.take()
	var other []store.Change
	for len(other) < len(own) {
		there.wait(t)
		other = append(other, there.take()...)
	}
	if !slices.Equal(own, other) || own[len(own)-1] != (store.Change{Kind: store.ChangeServer, ID: srv.ID, Key: srv.Key}) {
		t.Errorf("own %+v, other %+v", own, other)
	}

	ok(t, one.HangUpListeners(t.Context()))
	for !slices.Contains(here.take(), store.Change{Kind: store.ChangeAll}) {
		here.wait(t)
	}
	for !slices.Contains(there.take(), store.Change{Kind: store.ChangeAll}) {
		there.wait(t)
	}
	u := newUser(t, two, "bob") // the new connections hear as the old ones did
	for !slices.Contains(here.take(), store.Change{Kind: store.ChangeAccess, ID: u.ID}) {
		here.wait(t)
	}
}

// TestLostConnections ends every connection at once, as a restart of the server does: the next change succeeds all the same.
func TestLostConnections(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	db := storetest.Open(t, url, "one")
	newUser(t, db, "ada")
	raw(t, "pgx", url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	newUser(t, db, "bob")
	must[*hub.User](t)(db.UserByName(t.Context(), "bob"))
}

// TestManyChanges tells more at once than fits in one notification.
func TestManyChanges(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	one, two := storetest.Open(t, url, "one"), storetest.Open(t, url, "two")
	there := listen(t, two)
	blocked := make([]string, 0, 100)
	for i := range 100 {
		name := fmt.Sprintf("a-user-with-a-long-name-%d", i)
		newUser(t, one, name)
		newServer(t, one, hub.ServerKey{User: name})
		_, _, err := one.AskStart(t.Context(), store.StartAsk{Key: hub.ServerKey{User: name}, RunID: "r " + name, Now: t0})
		ok(t, err)
		blocked = append(blocked, name)
	}
	ok(t, one.SyncUsers(t.Context(), nil, nil, blocked, t0))
	servers := 0
	for servers < 300 { // each server was made, started and stopped
		there.wait(t)
		for _, c := range there.take() {
			if c.Kind == store.ChangeServer {
				servers++
			}
		}
	}
}
