package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// fail brings a server to failed, with a story of the start.
func fail(t testing.TB, db *store.DB, key hub.ServerKey, run, reason string) {
	t.Helper()
	_, _, err := db.AskStart(t.Context(), store.StartAsk{Key: key, RunID: run, Now: t0})
	ok(t, err)
	_, err = db.ClaimWork(t.Context(), "r", time.Minute, t0, 10, 0)
	ok(t, err)
	srv := must[*hub.Server](t)(db.ServerByKey(t.Context(), key))
	_, err = db.UpdateClaimed(t.Context(), srv.ID, "r", func(s *hub.Server) error {
		s.Wanted, s.Phase, s.Reason, s.FailStatus = hub.WantStopped, hub.Failed, reason, 500
		return nil
	})
	ok(t, err)
	for _, e := range []hub.Event{{Message: "Server requested"}, {Message: reason, Level: hub.Problem, Final: hub.OutcomeFailed}} {
		e.RunID, e.Time = run, t0
		_, err := db.AddEvent(t.Context(), e)
		ok(t, err)
	}
	ok(t, db.ReleaseClaim(t.Context(), srv.ID, "r", t0))
}

func TestSearchUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, name := range []string{"zoe", "ada", "Ada_2", "ada%x", "adaq2", "grace"} {
			newUser(t, db, name)
		}
		ok(t, db.SetAdmin(t.Context(), must[*hub.User](t)(db.UserByName(t.Context(), "grace")).ID, true))
		for _, name := range []string{"ada", "zoe"} {
			newServer(t, db, hub.ServerKey{User: name})
		}
		fail(t, db, hub.ServerKey{User: "zoe"}, "run-zoe", "no room")
		_, _, err := db.AskStart(t.Context(), store.StartAsk{Key: hub.ServerKey{User: "ada"}, RunID: "run-ada", Now: t0})
		ok(t, err)
		for name, tt := range map[string]struct {
			f     store.UserSearch
			want  []string
			total int
		}{
			"all":                 {store.UserSearch{}, []string{"Ada_2", "ada", "ada%x", "adaq2", "grace", "zoe"}, 6},
			"any case":            {store.UserSearch{Text: "DA"}, []string{"Ada_2", "ada", "ada%x", "adaq2"}, 4},
			"no wildcard _":       {store.UserSearch{Text: "a_2"}, []string{"Ada_2"}, 1},
			"no wildcard %":       {store.UserSearch{Text: "a%"}, []string{"ada%x"}, 1},
			"a backslash":         {store.UserSearch{Text: `a\`}, nil, 0},
			"created, newest":     {store.UserSearch{Sort: "created", Desc: true, Limit: 2}, []string{"grace", "adaq2"}, 6},
			"second page":         {store.UserSearch{Limit: 2, Offset: 2}, []string{"ada%x", "adaq2"}, 6},
			"active":              {store.UserSearch{Show: "active"}, []string{"ada"}, 1},
			"ready":               {store.UserSearch{Show: "ready"}, nil, 0},
			"inactive":            {store.UserSearch{Show: "inactive", Text: "z"}, []string{"zoe"}, 1},
			"failed":              {store.UserSearch{Show: "failed"}, []string{"zoe"}, 1},
			"admin":               {store.UserSearch{Show: "admin"}, []string{"grace"}, 1},
			"only some":           {store.UserSearch{Names: []string{"zoe", "ada"}, Text: "a"}, []string{"ada"}, 1},
			"nobody":              {store.UserSearch{Names: []string{}}, nil, 0},
			"by activity":         {store.UserSearch{Sort: "activity", Limit: 1}, []string{"zoe"}, 6},
			"members of no group": {store.UserSearch{Groups: []string{"staff"}}, nil, 0},
		} {
			users, total, err := db.SearchUsers(t.Context(), tt.f)
			ok(t, err)
			var names []string
			for _, u := range users {
				names = append(names, u.Name)
			}
			if !slices.Equal(names, tt.want) || total != tt.total {
				t.Errorf("%s: %v of %d, want %v of %d", name, names, total, tt.want, tt.total)
			}
		}
		for _, f := range []store.UserSearch{{Sort: "x"}, {Show: "x"}} {
			_, _, err := db.SearchUsers(t.Context(), f)
			wantCode(t, err, hub.Invalid)
		}
	})
}

func TestSearchServers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, key := range []hub.ServerKey{{User: "ada"}, {User: "ada", Server: "gpu"}, {User: "zoe"}, {User: "zoe", Server: "old"}} {
			if _, err := db.UserByName(t.Context(), key.User); err != nil {
				newUser(t, db, key.User)
			}
			newServer(t, db, key)
		}
		fail(t, db, hub.ServerKey{User: "zoe"}, "run-zoe", "no room")
		_, _, err := db.AskStart(t.Context(), store.StartAsk{Key: hub.ServerKey{User: "ada", Server: "gpu"}, RunID: "run-gpu", Now: t0})
		ok(t, err)
		for name, tt := range map[string]struct {
			f    store.ServerSearch
			want []string
		}{
			"not stopped": {store.ServerSearch{}, []string{"zoe", "ada:gpu"}},
			"failed":      {store.ServerSearch{Show: "failed"}, []string{"zoe"}},
			"pending":     {store.ServerSearch{Show: "pending"}, []string{"ada:gpu"}},
			"ready":       {store.ServerSearch{Show: "ready"}, nil},
			"stopped":     {store.ServerSearch{Show: "stopped", Text: "zo"}, []string{"zoe:old"}},
			"by name":     {store.ServerSearch{Show: "all", Text: "GP"}, []string{"ada:gpu"}},
			"of some":     {store.ServerSearch{Show: "all", Names: []string{"ada"}}, []string{"ada:gpu", "ada"}},
		} {
			servers, total, err := db.SearchServers(t.Context(), tt.f)
			ok(t, err)
			var keys []string
			for _, s := range servers {
				keys = append(keys, s.Key.String())
			}
			if !slices.Equal(keys, tt.want) || total != len(tt.want) {
				t.Errorf("%s: %v of %d, want %v", name, keys, total, tt.want)
			}
		}
		_, _, err = db.SearchServers(t.Context(), store.ServerSearch{Show: "x"})
		wantCode(t, err, hub.Invalid)
	})
}

func TestFailedRuns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := newUser(t, db, "ada")
		srv := newServer(t, db, hub.ServerKey{User: "ada", Server: "gpu"})
		newUser(t, db, "zoe")
		newServer(t, db, hub.ServerKey{User: "zoe"})
		fail(t, db, srv.Key, "run-1", "no room")
		fail(t, db, hub.ServerKey{User: "zoe"}, "run-2", "no image")
		runs, err := db.FailedRuns(t.Context(), u, 5)
		ok(t, err)
		if len(runs) != 1 || runs[0].Server != srv.Key || runs[0].RunID != "run-1" || !runs[0].At.Equal(t0) {
			t.Errorf("failed starts: %+v", runs)
		}
	})
}

func TestOpenings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, name := range []string{"ada", "ada2"} {
			newUser(t, db, name)
		}
		ctx := hub.WithActor(t.Context(), hub.Actor{Kind: "user", Name: "root"})
		for _, key := range []hub.ServerKey{{User: "ada"}, {User: "ada2"}, {User: "ada", Server: "gpu"}} {
			ok(t, db.RecordOpening(ctx, key, " look at "+key.String()+" "))
		}
		for _, reason := range []string{"", " \n", string(make([]rune, 2000))} {
			wantCode(t, db.RecordOpening(ctx, hub.ServerKey{User: "ada"}, reason), hub.Invalid)
		}
		got, err := db.Openings(t.Context(), "ada", time.Now().Add(-time.Hour))
		ok(t, err)
		if len(got) != 2 || got[0].Server.Server != "gpu" || got[0].By != "root" || got[1].Reason != "look at ada" {
			t.Errorf("openings: %+v", got)
		}
		if got, err = db.Openings(t.Context(), "ada", time.Now().Add(time.Hour)); err != nil || len(got) > 0 {
			t.Errorf("openings to come: %+v, %v", got, err)
		}
	})
}

func TestSetRoleMember(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := newUser(t, db, "ada")
		ok(t, db.SyncServices(t.Context(), []store.ServiceSpec{{Service: store.Service{Name: "cull", FromConfig: true}}}))
		ok(t, db.SyncGroups(t.Context(), []store.GroupSpec{{Name: "staff"}}))
		ok(t, db.SyncRoles(t.Context(), []store.RoleSpec{{Name: "reader", Scopes: []string{"read:users"}, SetScopes: true}}))
		for kind, holder := range map[store.RoleKind]string{store.RoleOfUser: "ada", store.RoleOfGroup: "staff", store.RoleOfService: "cull"} {
			for _, member := range []bool{true, true, false, false, true} {
				ok(t, db.SetRoleMember(t.Context(), "reader", kind, holder, member))
				names, err := db.MembersOfRole(t.Context(), "reader", kind, 10)
				ok(t, err)
				if slices.Contains(names, holder) != member {
					t.Errorf("%s %s: the members are %v, member is %t", kind, holder, names, member)
				}
			}
		}
		log, err := db.AuditLog(t.Context(), store.AuditFilter{Action: "role.members", Target: "role/reader"})
		ok(t, err)
		if len(log) != 9 {
			t.Errorf("%d changes are in the audit log, want 9", len(log))
		}
		ok(t, db.SetRoleMember(t.Context(), "admin", store.RoleOfUser, "ada", true))
		if got := must[*hub.User](t)(db.UserByID(t.Context(), u.ID)); !got.Admin {
			t.Error("the role admin does not come with the flag")
		}
		roles, err := db.RoleSummaries(t.Context())
		ok(t, err)
		i := slices.IndexFunc(roles, func(r store.RoleSummary) bool { return r.Name == "reader" })
		if len(roles) != 5 || i < 0 || roles[i].Users != 1 || roles[i].Groups != 1 || roles[i].Services != 1 || len(roles[i].Scopes) != 1 {
			t.Errorf("roles: %+v", roles)
		}
		wantCode(t, db.SetRoleMember(t.Context(), "reader", store.RoleOfUser, "nobody", true), hub.NotFound)
		wantCode(t, db.SetRoleMember(t.Context(), "nothing", store.RoleOfUser, "ada", true), hub.NotFound)
		wantCode(t, db.SetRoleMember(t.Context(), "token", store.RoleOfUser, "ada", true), hub.Invalid)
		wantCode(t, db.SetRoleMember(t.Context(), "reader", "thing", "ada", true), hub.Invalid)
	})
}

// BenchmarkSearchUsers is what the administration's list reads for one page, with 10,000 users and 1,000 servers.
func BenchmarkSearchUsers(b *testing.B) {
	for engine, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		db := storetest.Open(b, url(b), "bench")
		names := make([]string, 10_000)
		for i := range names {
			names[i] = fmt.Sprintf("researcher-%05d", i)
		}
		_, err := db.CreateUsers(b.Context(), names, false, t0)
		ok(b, err)
		for _, name := range names[:1000] {
			newServer(b, db, hub.ServerKey{User: name})
		}
		ok(b, db.Analyze(b.Context()))
		for name, f := range map[string]store.UserSearch{
			"first": {}, "last": {Offset: 9950}, "search": {Text: "er-09"}, "activity": {Sort: "activity", Desc: true}, "failed": {Show: "failed"}, "inactive": {Show: "inactive"},
		} {
			b.Run(engine+"/"+name, func(b *testing.B) {
				for range b.N {
					if _, _, err := db.SearchUsers(b.Context(), f); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
