package scope_test

import (
	"strings"
	"testing"

	"berdlhub/internal/scope"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"users", "users!user=ada", "a!server=ada/", "!", "x!user", "users!user=a!group=b", "users!group", "users!=", "\x00!user=\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := scope.ParseScope(raw)
		if err != nil {
			if !scope.Parse([]string{raw}).Empty() {
				t.Errorf("%q is refused but gives a permission", raw)
			}
			return
		}
		if s.String() != raw {
			t.Errorf("%q is read as %q", raw, s)
		}
		if s.Kind == "" && strings.Contains(raw, "!") {
			t.Errorf("%q lost its filter", raw)
		}
	})
}

func FuzzExpand(f *testing.F) {
	f.Add("self users!user=bob", "ada", "lab")
	f.Add("admin:users!user shares!server access:services!service", "a!user=b", "")
	f.Add("users! inherit servers!server=a/b/c", "", "x/y")
	f.Fuzz(func(t *testing.T, text, user, server string) {
		raw := strings.Split(text, " ")
		owner, client := scope.Owner{User: user}, scope.Client{User: user, Server: server, IsServer: true}
		set := scope.Expand(raw, owner, client, customs)
		if !set.Equal(scope.Parse(set.Strings())) {
			t.Errorf("%q of %q changes when read back: %q", raw, user, set.Strings())
		}
		if again := scope.Expand(set.Strings(), owner, client, customs); !set.Equal(again) {
			t.Errorf("%q of %q expands again to %q", raw, user, again.Strings())
		}
		if both := scope.Intersect(set, set, members); !both.Equal(set) || !set.Contains(set, nil) {
			t.Errorf("%q: the set differs from itself", raw)
		}
		if scope.Validate(raw, customs) != nil {
			return
		}
		for _, s := range set.Strings() {
			if err := scope.Validate([]string{s}, customs); err != nil {
				t.Errorf("%q of %q gives a bad scope: %v", raw, user, err)
			}
		}
	})
}
