package scope_test

import (
	"reflect"
	"slices"
	"testing"

	"berdlhub/internal/scope"
)

func TestHas(t *testing.T) {
	anything, ada, eve := scope.Anything(), scope.OfUser("ada"), scope.OfUser("eve")
	adaLab, adaDefault, eveLab := scope.OfServer("ada", "lab"), scope.OfServer("ada", ""), scope.OfServer("eve", "lab")
	staff, news := scope.OfGroup("staff"), scope.OfService("news")
	every := []scope.Target{anything, ada, eve, adaLab, adaDefault, eveLab, staff, news}
	tests := []struct {
		held []string
		yes  []scope.Target
	}{
		{nil, nil},
		{[]string{"proxy"}, nil},
		{[]string{"servers"}, every},
		{[]string{"servers", "servers!user=bob"}, every},
		{[]string{"servers!user=ada"}, []scope.Target{ada, adaLab, adaDefault}},
		{[]string{"servers!user=Ada"}, nil},
		{[]string{"servers!user=ad"}, nil},
		{[]string{"servers!server=ada/lab"}, []scope.Target{adaLab}},
		{[]string{"servers!server=ada/"}, []scope.Target{adaDefault}},
		{[]string{"servers!server=ada"}, nil},
		{[]string{"servers!server=lab"}, nil},
		{[]string{"servers!group=staff"}, []scope.Target{ada, adaLab, adaDefault, staff}},
		{[]string{"servers!group=lab"}, nil},
		{[]string{"servers!service=news"}, []scope.Target{news}},
		{[]string{"servers!service=staff", "servers!user=news", "servers!group=news", "servers!user=staff"}, nil},
		{[]string{"servers!server=eve/lab", "servers!group=lab", "servers!group=staff"}, []scope.Target{ada, adaLab, adaDefault, eveLab, staff}},
	}
	for _, test := range tests {
		set := scope.Parse(test.held)
		for _, target := range every {
			want := slices.Contains(test.yes, target)
			if got := set.Has("servers", target, members); got != want {
				t.Errorf("%q has servers for %+v: got %v, want %v", test.held, target, got, want)
			}
		}
	}
}

func TestHasWithoutMembers(t *testing.T) {
	set := scope.Parse([]string{"servers!group=staff"})
	for _, m := range []scope.Membership{nil, scope.NoGroups{}, scope.Groups{}} {
		if set.Has("servers", scope.OfUser("ada"), m) {
			t.Errorf("%T: ada is taken for a member", m)
		}
		if !set.Has("servers", scope.OfGroup("staff"), m) {
			t.Errorf("%T: the group itself is refused", m)
		}
	}
}

func TestHasAnyAndFilters(t *testing.T) {
	set := scope.Parse([]string{
		"servers!user=bob", "servers!user=ada", "servers!server=eve/", "servers!group=lab", "servers!service=news", "users", "users!user=ada",
	})
	all, got := set.Filters("servers")
	want := scope.Filters{Users: []string{"ada", "bob"}, Groups: []string{"lab"}, Servers: []string{"eve/"}, Services: []string{"news"}}
	if all || !reflect.DeepEqual(got, want) {
		t.Errorf("Filters(servers) = %v, %+v, want %+v", all, got, want)
	}
	got.Users[0] = "mallory"
	if set.Has("servers", scope.OfUser("mallory"), nil) || !set.Has("servers", scope.OfUser("ada"), nil) {
		t.Error("a caller changed the set through its filters")
	}
	if all, f := set.Filters("users"); !all || !reflect.DeepEqual(f, scope.Filters{}) {
		t.Errorf("Filters(users) = %v, %+v", all, f)
	}
	if all, f := set.Filters("groups"); all || !reflect.DeepEqual(f, scope.Filters{}) {
		t.Errorf("Filters(groups) = %v, %+v", all, f)
	}
	for base, want := range map[string][2]bool{"servers": {true, false}, "users": {true, true}, "groups": {false, false}} {
		if got := [2]bool{set.HasAny(base), set.HasAll(base)}; got != want {
			t.Errorf("%s: HasAny, HasAll = %v, want %v", base, got, want)
		}
	}
	var zero scope.Set
	if !zero.Empty() || set.Empty() || zero.HasAny("users") || zero.Strings() == nil {
		t.Error("the zero set is not an empty set")
	}
}

func TestCheck(t *testing.T) {
	set := scope.Parse([]string{"read:users:name!user=ada", "groups", "servers!server=ada/lab"})
	tests := []struct {
		target scope.Target
		anyOf  []string
		want   scope.Verdict
	}{
		{scope.OfUser("ada"), []string{"read:users", "read:users:name"}, scope.Allowed},
		{scope.OfUser("bob"), []string{"read:users", "read:users:name"}, scope.NotFound},
		{scope.OfUser("bob"), []string{"read:users:name", "groups"}, scope.Allowed},
		{scope.OfUser("ada"), []string{"tokens"}, scope.Forbidden},
		{scope.OfUser("ada"), []string{"servers"}, scope.NotFound},
		{scope.OfServer("ada", ""), []string{"servers"}, scope.NotFound},
		{scope.Anything(), []string{"read:users:name"}, scope.Forbidden},
		{scope.Anything(), []string{"read:users:name", "groups"}, scope.Allowed},
		{scope.OfUser("ada"), nil, scope.Forbidden},
	}
	for _, test := range tests {
		if got := set.Check(test.target, members, test.anyOf...); got != test.want {
			t.Errorf("Check(%+v, %q) = %v, want %v", test.target, test.anyOf, got, test.want)
		}
	}
	if got := set.CheckList("list:users", "read:users:name"); got != scope.Allowed {
		t.Errorf("CheckList of a filtered scope = %v", got)
	}
	if got := set.CheckList("list:users"); got != scope.Forbidden {
		t.Errorf("CheckList of a scope that is not held = %v", got)
	}
}

func TestIntersect(t *testing.T) {
	tests := []struct{ name, a, b, want string }{
		{"all, all", "servers", "servers", "servers"},
		{"all, filter", "servers", "servers!user=ada", "servers!user=ada"},
		{"same user", "servers!user=ada", "servers!user=ada", "servers!user=ada"},
		{"other user", "servers!user=ada", "servers!user=bob", ""},
		{"other scope", "servers", "users", ""},
		{"server, its owner", "servers!server=ada/lab", "servers!user=ada", "servers!server=ada/lab"},
		{"server, other owner", "servers!server=ada/lab", "servers!user=ad", ""},
		{"server, group of its owner", "servers!server=ada/lab", "servers!group=staff", "servers!server=ada/lab"},
		{"server, other group", "servers!server=ada/lab", "servers!group=lab", ""},
		{"servers of one owner", "servers!server=ada/lab", "servers!server=ada/", ""},
		{"user, own group", "servers!user=ada", "servers!group=staff", "servers!user=ada"},
		{"user, other group", "servers!user=ada", "servers!group=lab", ""},
		{"same group", "servers!group=lab", "servers!group=lab", "servers!group=lab"},
		// ad is in both groups; but the intersection does not list members.
		{"groups with a common member", "servers!group=lab", "servers!group=staff", ""},
		{"same service", "servers!service=news", "servers!service=news", "servers!service=news"},
		{"service, user of that name", "servers!service=news", "servers!user=news", ""},
	}
	for _, test := range tests {
		a, b := scope.Parse([]string{test.a}), scope.Parse([]string{test.b})
		var want []string
		if test.want != "" {
			want = []string{test.want}
		}
		for _, got := range []scope.Set{scope.Intersect(a, b, members), scope.Intersect(b, a, members)} {
			if !slices.Equal(got.Strings(), want) {
				t.Errorf("%s: got %q, want %q", test.name, got.Strings(), want)
			}
			if got.Empty() != (want == nil) {
				t.Errorf("%s: Empty() = %v", test.name, got.Empty())
			}
		}
	}
}

func TestContainsAndExcess(t *testing.T) {
	have := scope.Parse([]string{"servers!user=ada", "users!group=staff", "proxy"})
	tests := []struct{ want, excess []string }{
		{nil, nil},
		{[]string{"servers!user=ada", "proxy!user=x", "proxy"}, nil},
		{[]string{"servers!server=ada/lab", "users!user=ada", "users!server=ad/"}, nil},
		// One fault at a time: a filter never contains the whole.
		{[]string{"servers"}, []string{"servers"}},
		{[]string{"users!user=bob"}, []string{"users!user=bob"}},
		{[]string{"tokens"}, []string{"tokens"}},
		{
			[]string{"servers", "users!user=bob", "users!user=ada", "users!group=lab", "tokens", "read:hub!user=ada"},
			[]string{"read:hub!user=ada", "servers", "tokens", "users!group=lab", "users!user=bob"},
		},
	}
	for _, test := range tests {
		wanted := scope.Parse(test.want)
		if got := have.Excess(wanted, members); !slices.Equal(got, test.excess) {
			t.Errorf("Excess(%q) = %q, want %q", test.want, got, test.excess)
		}
		if got := have.Contains(wanted, members); got != (test.excess == nil) {
			t.Errorf("Contains(%q) = %v", test.want, got)
		}
	}
}
