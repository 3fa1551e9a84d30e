package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func TestDefaultRoles(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := must[*hub.User](t)(db.CreateUser(t.Context(), "ada", true, t0))
		a := must[*store.Access](t)(db.AccessOfUser(t.Context(), u.ID))
		if got := strings.Join(roleNames(a.Roles), " "); got != "admin user" {
			t.Fatalf("roles %q", got)
		}
		if len(a.Roles[0].Scopes) != 16 || !slices.Equal(a.Roles[1].Scopes, []string{"self"}) || a.Roles[0].Description == "" {
			t.Errorf("roles are %+v", a.Roles)
		}
		if r := must[*hub.Role](t)(db.RoleByName(t.Context(), "server")); r.ID == 0 || len(r.Scopes) != 2 {
			t.Errorf("role server is %+v", r)
		}
		_, err := db.RoleByName(t.Context(), "ghost")
		wantCode(t, err, hub.NotFound)
	})
}

func TestSyncRoles(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, name := range []string{"ada", "bob", "eve"} {
			newUser(t, db, name)
		}
		eve := must[*hub.User](t)(db.UserByName(t.Context(), "eve"))
		ok(t, db.SetAdmin(t.Context(), eve.ID, true))
		ok(t, db.SyncServices(t.Context(), []store.ServiceSpec{{Service: store.Service{Name: "cull", FromConfig: true}}}))
		sync := func(specs ...store.RoleSpec) { t.Helper(); ok(t, db.SyncRoles(t.Context(), specs)) }

		sync(store.RoleSpec{
			Name: "teacher", Scopes: []string{"list:users"}, SetScopes: true,
			Users: []string{"ada", "new"}, Groups: []string{"staff"}, Services: []string{"cull"},
		})
		ok(t, db.SyncGroups(t.Context(), []store.GroupSpec{{Name: "staff", Users: []string{"bob"}}}))
		wantAccess(t, db, "ada", "teacher user", "", "")
		wantAccess(t, db, "new", "teacher user", "", "")
		wantAccess(t, db, "bob", "user", "teacher", "staff")
		wantAccess(t, db, "eve", "admin user", "", "")
		cull := must[*store.Service](t)(db.ServiceByName(t.Context(), "cull"))
		if a := must[*store.Access](t)(db.AccessOfService(t.Context(), cull.ID)); strings.Join(roleNames(a.Roles), " ") != "teacher" {
			t.Errorf("service has %+v", a)
		}

		sync(store.RoleSpec{Name: "teacher", SetScopes: true, Users: []string{"bob"}}) // exact: the others lose it
		wantAccess(t, db, "ada", "user", "", "")
		wantAccess(t, db, "bob", "teacher user", "", "staff")
		if a := must[*store.Access](t)(db.AccessOfService(t.Context(), cull.ID)); len(a.Roles) != 0 {
			t.Errorf("service kept %+v", a)
		}

		sync(store.RoleSpec{Name: "user", Scopes: []string{"self", "shares!user"}, SetScopes: true}) // teacher is configured no longer
		wantAccess(t, db, "bob", "user", "", "staff")
		wantAccess(t, db, "eve", "admin user", "", "")
		a := must[*store.Access](t)(db.AccessOfUser(t.Context(), eve.ID))
		if !slices.Equal(a.Roles[1].Scopes, []string{"self", "shares!user"}) {
			t.Errorf("role user is %+v", a.Roles[1])
		}

		sync(store.RoleSpec{Name: "admin", Users: []string{"ada"}, HasUsers: true})
		wantAccess(t, db, "ada", "admin user", "", "")
		wantAccess(t, db, "eve", "user", "", "")
		sync(store.RoleSpec{Name: "admin"})
		wantAccess(t, db, "ada", "admin user", "", "")
		a = must[*store.Access](t)(db.AccessOfUser(t.Context(), eve.ID))
		if !slices.Equal(a.Roles[0].Scopes, []string{"self"}) {
			t.Errorf("role user did not go back: %+v", a.Roles[0])
		}
	})
}

func TestSyncRolesRefuses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newUser(t, db, "ada")
		for name, specs := range map[string][]store.RoleSpec{
			"twice":           {{Name: "teacher"}, {Name: "teacher"}},
			"unknown service": {{Name: "teacher", Users: []string{"ada"}, Services: []string{"ghost"}}},
			"other admin":     {{Name: "admin", Scopes: []string{"self"}, SetScopes: true}},
			"no name":         {{}},
			"long name":       {{Name: strings.Repeat("r", 256)}},
		} {
			if err := db.SyncRoles(t.Context(), specs); hub.CodeOf(err) != hub.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantAccess(t, db, "ada", "user", "", "") // all or nothing
	})
}

func TestSyncUsers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mal := must[*hub.User](t)(db.CreateUser(t.Context(), "mal", true, t0))
		ok(t, db.SyncGroups(t.Context(), []store.GroupSpec{{Name: "g", Users: []string{"mal"}, Properties: json.RawMessage(`{"a":1}`)}}))
		makeReady(t, db, hub.ServerKey{User: "mal"})
		ok(t, db.SyncUsers(t.Context(), []string{"ada"}, []string{"bob"}, []string{"mal", "ghost"}, t0))
		wantAccess(t, db, "ada", "admin user", "", "")
		wantAccess(t, db, "bob", "user", "", "")
		wantAccess(t, db, "mal", "", "", "")
		srv := must[[]*hub.Server](t)(db.ServersOfUser(t.Context(), mal.ID))[0]
		if srv.Wanted != hub.WantStopped || srv.Reason == "" {
			t.Errorf("server of a blocked user is %+v", srv)
		}
		_, err := db.UserByName(t.Context(), "ghost")
		wantCode(t, err, hub.NotFound)
		if got := must[[]string](t)(db.UsersInGroup(t.Context(), "g")); len(got) != 0 {
			t.Errorf("group has %v", got)
		}
	})
}

// TestShares writes shares into the tables, which is how they come from an imported database.
func TestShares(t *testing.T) {
	t.Parallel()
	for engine, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			where := url(t)
			db := storetest.Open(t, where, "r")
			owner, ada, bob := newUser(t, db, "owner"), newUser(t, db, "ada"), newUser(t, db, "bob")
			srv, other := newServer(t, db, hub.ServerKey{User: "owner"}), newServer(t, db, hub.ServerKey{User: "owner", Server: "other"})
			ok(t, db.SyncGroups(t.Context(), []store.GroupSpec{{Name: "g", Users: []string{"bob"}}}))
			driver, where := "pgx", where
			if engine == "sqlite" {
				driver, where = "sqlite", strings.TrimPrefix(where, "sqlite:///")
			}
			insert := `INSERT INTO shares (owner_id, server_id, user_id, group_id, scopes, created, expires) `
			raw(t, driver, where,
				fmt.Sprintf(insert+`VALUES (%d, %d, %d, NULL, '["access:servers!server=owner/","a"]', 1, 0)`, owner.ID, srv.ID, ada.ID),
				fmt.Sprintf(insert+`VALUES (%d, %d, %d, NULL, '["expired"]', 1, 1)`, owner.ID, other.ID, ada.ID),
				fmt.Sprintf(insert+`SELECT %d, %d, NULL, id, '["b"]', 1, 4000000000000000 FROM groups`, owner.ID, srv.ID))
			for id, want := range map[int64]string{owner.ID: "", ada.ID: "a!server=owner/ access:servers!server=owner/", bob.ID: "b!server=owner/"} {
				a := must[*store.Access](t)(db.AccessOfUser(t.Context(), id))
				if got := strings.Join(a.Shares, " "); got != want {
					t.Errorf("user %d has shares %q, want %q", id, got, want)
				}
			}
			told := listen(t, db)
			ok(t, db.PurgeExpired(t.Context(), t0))
			ok(t, db.DeleteServer(t.Context(), srv.ID))
			access := store.Change{Kind: store.ChangeAccess}
			if all := told.take(); len(all) != 3 || all[0] != access || all[1] != access {
				t.Errorf("told %+v", all)
			}
			if a := must[*store.Access](t)(db.AccessOfUser(t.Context(), ada.ID)); len(a.Shares) != 0 {
				t.Errorf("shares of a deleted server are left: %v", a.Shares)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ada, bob := newUser(t, db, "ada"), newUser(t, db, "bob")
		ok(t, db.SyncGroups(t.Context(), []store.GroupSpec{{Name: "b", Users: []string{"bob", "ada"}}, {Name: "a", Users: []string{"ada"}}}))
		ok(t, db.SyncGroups(t.Context(), []store.GroupSpec{{Name: "b"}})) // nobody is removed
		if got := must[[]string](t)(db.UsersInGroup(t.Context(), "b")); !slices.Equal(got, []string{"ada", "bob"}) {
			t.Errorf("members %v", got)
		}
		got := must[map[int64][]string](t)(db.GroupsOfUsers(t.Context(), []int64{ada.ID, bob.ID, 99}))
		if !slices.Equal(got[ada.ID], []string{"a", "b"}) || !slices.Equal(got[bob.ID], []string{"b"}) || len(got) != 2 {
			t.Errorf("groups %v", got)
		}
		roles := must[map[int64][]string](t)(db.RolesOfUsers(t.Context(), []int64{ada.ID}))
		if !slices.Equal(roles[ada.ID], []string{"user"}) {
			t.Errorf("roles %v", roles)
		}
	})
}

func TestServices(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		spec := store.ServiceSpec{
			Service: store.Service{
				Name: "grafana", Admin: true, URL: "http://grafana", OAuthClientID: "service-grafana", OAuthSecretHash: "sha512:1:ab:cd",
				RedirectURI: "/services/grafana/oauth_callback", AllowedScopes: []string{"access:services!service=grafana"},
				NoConfirm: true, Info: json.RawMessage(`{"x":1}`), FromConfig: true,
			},
			APIToken: "a-configured-token",
		}
		for range 2 { // the second start finds everything
			ok(t, db.SyncServices(t.Context(), []store.ServiceSpec{spec, {Service: store.Service{Name: "old", FromConfig: true}}}))
		}
		got := must[*store.Service](t)(db.ServiceByName(t.Context(), "grafana"))
		if got.OAuthClientID != "service-grafana" || got.RedirectURI != spec.RedirectURI || !got.Admin || !got.NoConfirm || len(got.AllowedScopes) != 1 {
			t.Errorf("service is %+v", got)
		}
		byID := must[*store.Service](t)(db.ServiceByID(t.Context(), got.ID))
		if byID.Name != "grafana" {
			t.Errorf("by id %+v", byID)
		}
		k := must[*hub.Token](t)(db.TokenByPlain(t.Context(), "a-configured-token", t0))
		if k.ServiceID != got.ID || k.ClientID != "service-grafana" || !strings.HasPrefix(k.Hashed, "sha512:16384:") {
			t.Errorf("token is %+v", k)
		}
		if all := must[[]*hub.Token](t)(db.TokensOfService(t.Context(), got.ID, t0)); len(all) != 1 {
			t.Errorf("%d tokens after two starts", len(all))
		}
		if a := must[*store.Access](t)(db.AccessOfService(t.Context(), got.ID)); strings.Join(roleNames(a.Roles), " ") != "admin" {
			t.Errorf("access %+v", a)
		}

		spec.Name, spec.OAuthClientID, spec.Admin = "viewer", "service-viewer", false // the token goes over to the new service
		ok(t, db.SyncServices(t.Context(), []store.ServiceSpec{spec}))
		all := must[[]*store.Service](t)(db.Services(t.Context()))
		if len(all) != 1 || all[0].Name != "viewer" {
			t.Fatalf("services %+v", all)
		}
		_, err := db.ClientByID(t.Context(), "service-grafana")
		wantCode(t, err, hub.NotFound)
		k = must[*hub.Token](t)(db.TokenByPlain(t.Context(), "a-configured-token", t0))
		if k.ServiceID != all[0].ID || k.ClientID != "service-viewer" {
			t.Errorf("token is %+v", k)
		}
	})
}

func TestServicesRefuses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := newUser(t, db, "ada")
		plain := "chosen-by-a-person"
		ok(t, db.CreateToken(t.Context(), &hub.Token{UserID: u.ID, Hashed: secret.HashToken(plain, 1), Prefix: secret.TokenPrefix(plain), Created: t0}))
		named := func(name string) store.ServiceSpec { return store.ServiceSpec{Service: store.Service{Name: name}} }
		short, reserved, taker := named("short"), named("reserved"), named("taker")
		short.APIToken, reserved.OAuthClientID, taker.APIToken = "1234567", hub.PlainClient, hub.Secret(plain)
		for _, c := range []struct {
			specs []store.ServiceSpec
			code  hub.Code
		}{
			{[]store.ServiceSpec{named("")}, hub.Invalid},
			{[]store.ServiceSpec{named("a"), named("a")}, hub.Invalid},
			{[]store.ServiceSpec{short}, hub.Invalid},
			{[]store.ServiceSpec{reserved}, hub.Conflict},
		} {
			wantCode(t, db.SyncServices(t.Context(), c.specs), c.code)
		}
		ok(t, db.SyncServices(t.Context(), []store.ServiceSpec{taker}))
		if k := must[*hub.Token](t)(db.TokenByPlain(t.Context(), plain, t0)); k.UserID != 0 || k.ServiceID == 0 {
			t.Errorf("the token stayed with the user: %+v", k)
		}
		_, err := db.ServiceByID(t.Context(), 99)
		wantCode(t, err, hub.NotFound)
	})
}
