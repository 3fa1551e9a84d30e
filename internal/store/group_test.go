package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// shown gives a group as "name [members] [roles] properties".
func shown(g *store.GroupDetail) string {
	return fmt.Sprintf("%s %v %v %s", g.Name, g.Users, g.Roles, g.Properties)
}

func wantGroup(t testing.TB, db *store.DB, name, want string) {
	t.Helper()
	if got := shown(must[*store.GroupDetail](t)(db.GroupByName(t.Context(), name))); got != want {
		t.Errorf("group is %q, want %q", got, want)
	}
}

func TestChangeGroups(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ada, bob := newUser(t, db, "ada"), newUser(t, db, "bob")
		told := listen(t, db)
		ok(t, db.CreateGroups(t.Context(), []string{"b", "a"}, []string{"bob", "ada"}))
		wantGroup(t, db, "a", "a [ada bob] [] {}")
		wantAccess(t, db, "ada", "user", "", "a b")
		everybody := 0
		for _, ch := range told.take() {
			if ch.Kind == store.ChangeAccess && ch.ID == 0 {
				everybody++
			}
		}
		if everybody != 1 {
			t.Errorf("told %d times that the access of many changed", everybody)
		}

		for _, c := range []struct {
			names, users []string
			code         hub.Code
		}{
			{[]string{"c", "a"}, nil, hub.Conflict},
			{[]string{"c", "c"}, nil, hub.Conflict},
			{[]string{"c"}, []string{"ada", "ghost"}, hub.Invalid},
			{[]string{"c", ""}, nil, hub.Invalid},
			{[]string{"c", strings.Repeat("x", 256)}, nil, hub.Invalid},
		} {
			wantCode(t, db.CreateGroups(t.Context(), c.names, c.users), c.code)
		}
		_, err := db.GroupByName(t.Context(), "c") // all or none
		wantCode(t, err, hub.NotFound)

		ok(t, db.ChangeMembers(t.Context(), "a", []string{"ada"}, false))
		ok(t, db.ChangeMembers(t.Context(), "a", []string{"ada"}, false))
		wantGroup(t, db, "a", "a [bob] [] {}")
		ok(t, db.ChangeMembers(t.Context(), "a", []string{"ada", "bob", "ada"}, true))
		wantGroup(t, db, "a", "a [ada bob] [] {}")
		wantCode(t, db.ChangeMembers(t.Context(), "a", []string{"bob", "ghost"}, false), hub.Invalid)
		wantGroup(t, db, "a", "a [ada bob] [] {}")
		wantCode(t, db.ChangeMembers(t.Context(), "c", nil, true), hub.NotFound)

		ok(t, db.SetGroupProperties(t.Context(), "b", json.RawMessage(`{"quota":3}`)))
		wantGroup(t, db, "b", `b [ada bob] [] {"quota":3}`)
		wantCode(t, db.SetGroupProperties(t.Context(), "c", json.RawMessage(`{}`)), hub.NotFound)

		told.take()
		ok(t, db.ChangeMembers(t.Context(), "b", []string{"ada", "bob"}, false))
		want := []store.Change{{Kind: store.ChangeAccess, ID: ada.ID}, {Kind: store.ChangeAccess, ID: bob.ID}}
		if got := told.take(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("told %+v, want %+v", got, want)
		}
		ok(t, db.DeleteGroup(t.Context(), "a"))
		wantCode(t, db.DeleteGroup(t.Context(), "a"), hub.NotFound)
		wantAccess(t, db, "ada", "user", "", "")
	})
}

// TestGroupsAudited holds that the audit log tells what was changed, and nothing of what was not.
func TestGroupsAudited(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newUser(t, db, "ada")
		newUser(t, db, "bob")
		ctx := hub.WithActor(t.Context(), hub.Actor{Kind: "service", Name: "groups"})
		ok(t, db.CreateGroups(ctx, []string{"g"}, []string{"bob"}))
		ok(t, db.ChangeMembers(ctx, "g", []string{"ada", "bob"}, true))
		ok(t, db.ChangeMembers(ctx, "g", []string{"ada", "bob"}, true))
		ok(t, db.ChangeMembers(ctx, "g", []string{"bob"}, false))
		ok(t, db.SetGroupProperties(ctx, "g", json.RawMessage(`{"a":1}`)))
		wantCode(t, db.CreateGroups(ctx, []string{"h", "g"}, nil), hub.Conflict)
		ok(t, db.DeleteGroup(ctx, "g"))
		want := `service groups  group.create(group/g) 
service groups  group.members(group/g) {"added":["bob"]}
service groups  group.members(group/g) {"added":["ada"]}
service groups  group.members(group/g) {"removed":["bob"]}
service groups  group.properties(group/g) 
service groups  group.delete(group/g) 
`
		if got := lines(t, db, store.AuditFilter{Actor: "groups"}); got != want {
			t.Errorf("audit log:\n%s\nwant:\n%s", got, want)
		}
	})
}

func TestGroupPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newUser(t, db, "ada")
		ok(t, db.CreateGroups(t.Context(), []string{"d", "a", "c", "b"}, nil))
		ok(t, db.ChangeMembers(t.Context(), "c", []string{"ada"}, true))
		for _, c := range []struct {
			filter store.GroupFilter
			want   string
		}{
			{store.GroupFilter{}, "d a c b"},
			{store.GroupFilter{Offset: 1, Limit: 2}, "a c"},
			{store.GroupFilter{Offset: 9, Limit: 2}, ""},
			{store.GroupFilter{Offset: -1, Limit: 1}, "d"},
			{store.GroupFilter{Names: []string{"b", "a", "x"}}, "a b"},
			{store.GroupFilter{Names: []string{"b", "a"}, Offset: 1}, "b"},
			{store.GroupFilter{Names: []string{}}, ""},
		} {
			groups, total, err := db.Groups(t.Context(), c.filter)
			ok(t, err)
			var names []string
			for _, g := range groups {
				names = append(names, g.Name)
				if (g.Name == "c") != (len(g.Users) == 1) {
					t.Errorf("%s has members %v", g.Name, g.Users)
				}
			}
			if got := strings.Join(names, " "); got != c.want || total != 4 {
				t.Errorf("%+v: %q of %d, want %q of 4", c.filter, got, total, c.want)
			}
		}
	})
}
