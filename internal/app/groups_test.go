package app_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/kbase/kbasetest"
)

// With Authenticator.manage_groups a user's KBase roles are the groups, from the sign-in on and after each refresh; a hub role
// of such a group is held while the KBase role is.
func TestManagedGroups(t *testing.T) {
	t.Parallel()
	for _, managed := range []bool{true, false} {
		clock := &apptest.Clock{}
		h, k := startKBase(t, apptest.Options{Now: clock.Now, Config: map[string]map[string]any{
			"Authenticator": {"manage_groups": managed, "allow_all": nil, "admin_users": nil},
			"JupyterHub": {"authenticator_class": nil, "load_roles": []any{
				map[string]any{"name": "teacher", "scopes": []string{"list:users"}, "groups": []string{"TEACHERS"}},
			}},
		}})
		k.Set(kbasetest.Account{Name: "ada", Roles: []string{kbasetest.ApprovedRole, "TEACHERS"}})
		b, _ := signedIn(t, h, k)
		lists := func() bool { return b.API(http.MethodGet, "/users", "").Status == http.StatusOK }
		groups := func() string { return compact(b.API(http.MethodGet, "/user", "").Body) }
		wantGroups := []string{kbasetest.ApprovedRole, "TEACHERS"}
		slices.Sort(wantGroups)
		want := `"groups":["` + strings.Join(wantGroups, `","`) + `"]`
		if !managed {
			want = `"groups":[]`
		}
		if got := groups(); !strings.Contains(got, want) || lists() != managed {
			t.Fatalf("managed %v: lists users %v, and is %s; want %s", managed, lists(), got, want)
		}
		k.Set(kbasetest.Account{Name: "ada", Roles: []string{kbasetest.ApprovedRole}})
		clock.Advance(121 * time.Second)
		_ = home(t, b)
		if got := groups(); strings.Contains(got, "TEACHERS") || lists() {
			t.Errorf("managed %v: after the role went: lists users %v, and is %s", managed, lists(), got)
		}
	}
}
