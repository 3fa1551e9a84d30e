package scope_test

import (
	"fmt"
	"testing"

	"berdlhub/internal/scope"
)

func adminRaw() []string {
	raw := []string{"self"}
	for _, role := range scope.DefaultRoles() {
		if role.Name == scope.RoleAdmin {
			raw = append(raw, role.Scopes...)
		}
	}
	return raw
}

func BenchmarkExpand(b *testing.B) {
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("access:servers!server=user-%d/", i)
	}
	for name, raw := range map[string][]string{"self": {"self"}, "admin": adminRaw(), "shares-1000": many} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if scope.Expand(raw, scope.Owner{User: "ada"}, scope.Client{}, nil).Empty() {
					b.Fatal("empty")
				}
			}
		})
	}
}

func BenchmarkTokenScopes(b *testing.B) {
	ada, client := scope.Owner{User: "ada"}, scope.Client{User: "ada", IsServer: true}
	owner := scope.Expand([]string{"self"}, ada, scope.Client{}, nil)
	b.ReportAllocs()
	for b.Loop() {
		if scope.TokenScopes([]string{"access:servers!server"}, owner, ada, client, nil, members).Empty() {
			b.Fatal("empty")
		}
	}
}

func BenchmarkHas(b *testing.B) {
	set := scope.Parse([]string{"servers!user=ada", "users", "tokens!group=staff"})
	for name, test := range map[string]struct {
		base   string
		target scope.Target
	}{
		"all":    {"users", scope.OfUser("ada")},
		"user":   {"servers", scope.OfUser("ada")},
		"server": {"servers", scope.OfServer("ada", "lab")},
		"group":  {"tokens", scope.OfUser("ada")},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !set.Has(test.base, test.target, members) {
					b.Fatal("refused")
				}
			}
		})
	}
}
