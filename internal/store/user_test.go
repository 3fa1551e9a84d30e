package store_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func roleNames(roles []hub.Role) (names []string) {
	for _, r := range roles {
		names = append(names, r.Name)
	}
	return names
}

func wantAccess(t testing.TB, db *store.DB, user string, roles, groupRoles, groups string) {
	t.Helper()
	u := must[*hub.User](t)(db.UserByName(t.Context(), user))
	a := must[*store.Access](t)(db.AccessOfUser(t.Context(), u.ID))
	if got := strings.Join(roleNames(a.Roles), " "); got != roles {
		t.Errorf("%s has roles %q, want %q", user, got, roles)
	}
	if got := strings.Join(roleNames(a.GroupRoles), " "); got != groupRoles {
		t.Errorf("%s has roles of groups %q, want %q", user, got, groupRoles)
	}
	if got := strings.Join(a.Groups, " "); got != groups {
		t.Errorf("%s is in groups %q, want %q", user, got, groups)
	}
	if u.Admin != slices.Contains(strings.Fields(roles), "admin") {
		t.Errorf("%s: admin flag %v, roles %q", user, u.Admin, roles)
	}
}

func TestSaveSignIn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		yes, no := true, false
		in := store.SignIn{
			Name: "ada", Groups: []string{"b", "a"}, Info: json.RawMessage(`{"name":"Ada"}`),
			AuthState: []byte("sealed\x00"), Session: "s1", Now: t0,
		}
		u, created, err := db.SaveSignIn(t.Context(), in)
		ok(t, err)
		if !created || u.Name != "ada" || u.Admin || string(u.Info) != `{"name":"Ada"}` || string(u.AuthState) != "sealed\x00" || u.Session != "s1" {
			t.Errorf("stored %+v, created %v", u, created)
		}
		if !u.Created.Equal(t0) || !u.LastActivity.Equal(t0) || !u.Refreshed.Equal(t0) || len(u.CookieID) != 32 {
			t.Errorf("times or cookie are wrong: %+v", u)
		}
		wantAccess(t, db, "ada", "user", "", "a b")

		later := t0.Add(time.Hour)
		again, created, err := db.SaveSignIn(t.Context(), store.SignIn{Name: "ada", Admin: &yes, Groups: []string{"c", "a"}, Now: later})
		ok(t, err)
		if created || again.ID != u.ID || again.CookieID != u.CookieID || again.AuthState != nil || again.Session != "" || string(again.Info) != string(u.Info) {
			t.Errorf("stored again %+v, created %v", again, created)
		}
		wantAccess(t, db, "ada", "admin user", "", "a c")

		again = must[*hub.User](t)(db.SaveRefresh(t.Context(), store.SignIn{Name: "ada", Admin: &no, Now: t0}))
		if !again.LastActivity.Equal(later) {
			t.Errorf("activity went back to %v", again.LastActivity)
		}
		wantAccess(t, db, "ada", "user", "", "a c")
		if _, err := db.SaveRefresh(t.Context(), store.SignIn{Name: "bob", Now: t0}); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("refresh of an unknown user: %v", err)
		}
		_, _, err = db.SaveSignIn(t.Context(), store.SignIn{Name: strings.Repeat("x", 256), Now: t0})
		wantCode(t, err, hub.Invalid)
	})
}

func TestUserLookups(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := must[*hub.User](t)(db.CreateUser(t.Context(), "ada", true, t0))
		wantAccess(t, db, "ada", "admin user", "", "")
		for name, find := range map[string]func() (*hub.User, error){
			"id":     func() (*hub.User, error) { return db.UserByID(t.Context(), u.ID) },
			"name":   func() (*hub.User, error) { return db.UserByName(t.Context(), "ada") },
			"cookie": func() (*hub.User, error) { return db.UserByCookie(t.Context(), u.CookieID.Reveal()) },
		} {
			if got, err := find(); err != nil || got.ID != u.ID {
				t.Errorf("by %s: %+v, %v", name, got, err)
			}
		}
		_, err := db.UserByName(t.Context(), "ADA")
		wantCode(t, err, hub.NotFound)
		_, err = db.CreateUser(t.Context(), "ada", false, t0)
		wantCode(t, err, hub.Conflict)
		_, err = db.CreateUser(t.Context(), "", false, t0)
		wantCode(t, err, hub.Invalid)

		ok(t, db.RotateCookie(t.Context(), u.ID))
		_, err = db.UserByCookie(t.Context(), u.CookieID.Reveal())
		wantCode(t, err, hub.NotFound)
		wantCode(t, db.RotateCookie(t.Context(), 999), hub.NotFound)
		ok(t, db.MarkRefreshed(t.Context(), u.ID, t0.Add(time.Minute)))
		if got := must[*hub.User](t)(db.UserByID(t.Context(), u.ID)); !got.Refreshed.Equal(t0.Add(time.Minute)) {
			t.Errorf("refreshed %v", got.Refreshed)
		}
		ok(t, db.SetAdmin(t.Context(), u.ID, false))
		wantAccess(t, db, "ada", "user", "", "")
	})
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		key := hub.ServerKey{User: "ada", Server: "gpu"}
		u := newUser(t, db, "ada")
		srv := newServer(t, db, key)
		k, plain := newToken(t, db, hub.Token{UserID: u.ID})
		_, _, err := db.AskStart(t.Context(), store.StartAsk{Key: key, RunID: "r1", Now: t0, ConcurrentLimit: 0})
		ok(t, err)
		wantCode(t, db.DeleteUser(t.Context(), u.ID), hub.Conflict)
		claimed := must[[]*hub.Server](t)(db.ClaimWork(t.Context(), "a", time.Minute, t0, 10, 0))
		if len(claimed) != 1 {
			t.Fatalf("claimed %d", len(claimed))
		}
		_, err = db.UpdateClaimed(t.Context(), srv.ID, "a", func(s *hub.Server) error { s.Phase, s.Wanted = hub.Stopped, hub.WantStopped; return nil })
		ok(t, err)
		told := listen(t, db)
		ok(t, db.DeleteUser(t.Context(), u.ID))
		_, err = db.TokenByPlain(t.Context(), plain, t0)
		wantCode(t, err, hub.NotFound)
		_, err = db.ServerByKey(t.Context(), key)
		wantCode(t, err, hub.NotFound)
		wantCode(t, db.DeleteUser(t.Context(), u.ID), hub.NotFound)
		kinds := map[store.ChangeKind]int64{}
		for _, c := range told.take() {
			kinds[c.Kind] = c.ID
		}
		if kinds[store.ChangeAccess] != u.ID || kinds[store.ChangeServer] != srv.ID || kinds[store.ChangeToken] != k.ID {
			t.Errorf("told %v", kinds)
		}
		if again := newUser(t, db, "ada"); again.ID == u.ID {
			t.Error("the id of a deleted user was used again")
		}
	})
}

func TestFindUsers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for i, name := range []string{"ada", "Zoe", "bob", "carl_x", "élan"} {
			u := newUser(t, db, name)
			if i < 3 {
				ok(t, db.RecordActivity(t.Context(), []store.Activity{{UserID: u.ID, At: t0.Add(-secondsOf(i))}}))
			}
		}
		ok(t, db.SyncGroups(t.Context(), []store.GroupSpec{{Name: "g", Users: []string{"bob", "ada"}}}))
		makeReady(t, db, hub.ServerKey{User: "bob"})
		newServer(t, db, hub.ServerKey{User: "ada", Server: "x"})
		_, _, err := db.AskStart(t.Context(), store.StartAsk{Key: hub.ServerKey{User: "ada", Server: "x"}, RunID: "r2", Now: t0})
		ok(t, err)
		for _, c := range []struct {
			name   string
			filter store.UserFilter
			want   string
			total  int
		}{
			{"all", store.UserFilter{}, "ada Zoe bob carl_x élan", 5},
			{"by id backwards", store.UserFilter{Sort: "id", Desc: true, Limit: 2}, "élan carl_x", 5},
			{"by name is by bytes", store.UserFilter{Sort: "name"}, "Zoe ada bob carl_x élan", 5},
			{"never seen come first", store.UserFilter{Sort: "last_activity"}, "carl_x élan bob Zoe ada", 5},
			{"never seen come last", store.UserFilter{Sort: "last_activity", Desc: true}, "ada Zoe bob élan carl_x", 5},
			{"page", store.UserFilter{Sort: "name", Offset: 1, Limit: 2}, "ada bob", 5},
			{"offset only", store.UserFilter{Offset: 3}, "carl_x élan", 5},
			{"beyond the end", store.UserFilter{Offset: 9, Limit: 2}, "", 5},
			{"active", store.UserFilter{State: "active"}, "ada bob", 2},
			{"ready leaves out after paging", store.UserFilter{State: "ready", Limit: 1}, "", 2},
			{"ready", store.UserFilter{State: "ready"}, "bob", 2},
			{"inactive", store.UserFilter{State: "inactive", Sort: "name"}, "Zoe carl_x élan", 3},
			{"part of a name in any case", store.UserFilter{NameLike: "O"}, "Zoe bob", 2},
			{"wildcards", store.UserFilter{NameLike: "a_l"}, "carl_x", 1},
			{"backslash is itself", store.UserFilter{NameLike: `\`}, "", 0},
			{"names or groups", store.UserFilter{Names: []string{"Zoe", "nobody"}, Groups: []string{"g"}}, "ada Zoe bob", 3},
			{"no names", store.UserFilter{Names: []string{}}, "", 0},
			{"names and a part", store.UserFilter{Names: []string{"Zoe", "ada"}, NameLike: "z", State: "inactive"}, "Zoe", 1},
		} {
			c.filter.Count = true
			ids, total, err := db.FindUsers(t.Context(), c.filter)
			ok(t, err)
			users, err := db.UsersByID(t.Context(), ids)
			ok(t, err)
			var names []string
			for _, u := range users {
				names = append(names, u.Name)
			}
			if got := strings.Join(names, " "); got != c.want || total != c.total {
				t.Errorf("%s: %q of %d, want %q of %d", c.name, got, total, c.want, c.total)
			}
		}
		_, _, err = db.FindUsers(t.Context(), store.UserFilter{Sort: "shoe size"})
		wantCode(t, err, hub.Invalid)
		_, _, err = db.FindUsers(t.Context(), store.UserFilter{State: "asleep"})
		if hub.MessageOf(err) != "Unrecognized state filter: 'asleep'" {
			t.Errorf("unknown state: %v", err)
		}
	})
}

// makeReady starts a server and brings it to ready.
func makeReady(t testing.TB, db *store.DB, key hub.ServerKey) *hub.Server {
	t.Helper()
	srv := newServer(t, db, key)
	_, _, err := db.AskStart(t.Context(), store.StartAsk{Key: key, RunID: "run of " + key.String(), Now: t0})
	ok(t, err)
	must[[]*hub.Server](t)(db.ClaimWork(t.Context(), "maker", time.Minute, t0, 100, 0))
	srv, err = db.UpdateClaimed(t.Context(), srv.ID, "maker", func(s *hub.Server) error {
		s.Phase, s.ReadySince, s.Address = hub.Ready, t0, "http://127.0.0.1:1"
		return nil
	})
	ok(t, err)
	ok(t, db.ReleaseClaim(t.Context(), srv.ID, "maker", t0))
	return srv
}

func TestCreateUsers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		first, err := db.CreateUsers(ctx, []string{"ada", "bob", "ada"}, false, time.Now())
		if err != nil || len(first) != 2 {
			t.Fatalf("%d users, %v; want ada and bob", len(first), err)
		}
		second, err := db.CreateUsers(ctx, []string{"bob", "cyd"}, true, time.Now())
		if err != nil || len(second) != 1 || second[0].Name != "cyd" || !second[0].Admin {
			t.Errorf("%+v, %v; want cyd, an admin", second, err)
		}
		if _, err := db.CreateUsers(ctx, []string{"dan", ""}, false, time.Now()); hub.CodeOf(err) != hub.Invalid {
			t.Errorf("an empty name: %v", err)
		}
		if _, err := db.UserByName(ctx, "dan"); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("dan was made although the call failed: %v", err)
		}
		access, err := db.AccessOfUser(ctx, first[0].ID)
		if err != nil || len(access.Roles) != 1 || access.Roles[0].Name != "user" {
			t.Errorf("roles %v, %v", access, err)
		}
	})
}
