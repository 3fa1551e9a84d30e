package scope_test

import (
	"slices"
	"testing"

	"berdlhub/internal/scope"
)

func TestTokenScopes(t *testing.T) {
	ada, cull := scope.Owner{User: "ada"}, scope.Owner{Service: "cull"}
	lab, news := scope.Client{User: "ada", Server: "lab", IsServer: true}, scope.Client{Service: "news"}
	bobs := scope.Client{User: "bob", IsServer: true}
	identity := []string{"read:users:groups!user=ada", "read:users:name!user=ada"}
	tests := []struct {
		name     string
		raw      []string
		held     []string // by the owner
		owner    scope.Owner
		client   scope.Client
		want     []string
		wantSame bool // as the owner's
	}{
		{name: "inherit", raw: []string{"inherit"}, held: []string{"self", "proxy"}, owner: ada, wantSame: true},
		{name: "inherit among others", raw: []string{"proxy", "inherit", "shutdown"}, held: []string{"self"}, owner: ada, wantSame: true},
		{name: "identity only", held: []string{"self"}, owner: ada, want: identity},
		{name: "no identity without permission", owner: ada},
		{name: "identity of a service", held: []string{"admin:services"}, owner: cull, want: []string{"read:services:name!service=cull"}},
		{
			name: "access to the own server", held: []string{"self"}, owner: ada, client: lab,
			want: append([]string{"access:servers!server=ada/lab"}, identity...),
		},
		{name: "no access to a foreign server", held: []string{"self"}, owner: ada, client: bobs, want: identity},
		{
			name: "access to a shared server", held: []string{"self", "access:servers!server=bob/"}, owner: ada, client: bobs,
			want: append([]string{"access:servers!server=bob/"}, identity...),
		},
		{
			name: "access to a service", held: []string{"self", "access:services"}, owner: ada, client: news,
			want: append([]string{"access:services!service=news"}, identity...),
		},
		{
			name: "a lost permission shrinks", raw: []string{"read:users"}, held: []string{"self"}, owner: ada,
			want: []string{"read:users!user=ada", "read:users:activity!user=ada", "read:users:groups!user=ada", "read:users:name!user=ada"},
		},
		{name: "a lost permission vanishes", raw: []string{"shutdown", "proxy"}, held: []string{"self"}, owner: ada, want: identity},
		{
			name: "group of the owner", raw: []string{"tokens!user=bob", "read:tokens!user=eve"}, held: []string{"self", "tokens!group=lab"},
			owner: ada, want: append([]string{"read:tokens!user=bob"}, append(slices.Clone(identity), "tokens!user=bob")...),
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			owner := scope.Expand(test.held, test.owner, scope.Client{}, nil)
			got := scope.TokenScopes(test.raw, owner, test.owner, test.client, nil, members)
			want := test.want
			if test.wantSame {
				want = owner.Strings()
			}
			if !slices.Equal(got.Strings(), want) {
				t.Errorf("got %q\nwant %q", got.Strings(), want)
			}
		})
	}
}

func TestTokenExcess(t *testing.T) {
	ada := scope.Owner{User: "ada"}
	owner := scope.Expand([]string{"self"}, ada, scope.Client{}, nil)
	for _, test := range []struct{ raw, want []string }{
		{[]string{"inherit"}, nil},
		{[]string{"inherit", "read:tokens!user", "self"}, nil},
		{[]string{"read:tokens", "inherit"}, []string{"read:tokens"}},
		{[]string{"read:tokens!user=bob", "proxy", "read:tokens!user"}, []string{"proxy", "read:tokens!user=bob"}},
	} {
		if got := scope.TokenExcess(test.raw, owner, ada, scope.Client{}, nil, members); !slices.Equal(got, test.want) {
			t.Errorf("TokenExcess(%q) = %q, want %q", test.raw, got, test.want)
		}
	}
}

func TestGrant(t *testing.T) {
	ada, lab := scope.Owner{User: "ada"}, scope.Client{User: "ada", Server: "lab", IsServer: true}
	for _, test := range []struct{ name, raw, held, granted, refused string }{
		{"as held", "self", "self", "self", ""},
		{"inherit if held", "inherit", "inherit", "inherit", ""},
		{"inherit if not held", "inherit", "self", "", "inherit"},
		{"less than held keeps its words", "access:servers!server", "self", "access:servers!server", ""},
		{"a part", "tokens", "read:tokens!user", "read:tokens!user=ada", "tokens"},
		{"nothing", "proxy", "self", "", "proxy"},
		{"a placeholder that cannot be filled", "access:services!service", "access:services", "", "access:services!service"},
	} {
		granted, refused := scope.Grant([]string{test.raw}, []string{test.held}, ada, lab, nil, members)
		if !slices.Equal(granted, list(test.granted)) || !slices.Equal(refused, list(test.refused)) {
			t.Errorf("%s: got %q, refused %q, want %q, refused %q", test.name, granted, refused, test.granted, test.refused)
		}
	}
}

func list(one string) []string {
	if one == "" {
		return nil
	}
	return []string{one}
}

func TestAccess(t *testing.T) {
	for want, client := range map[string]scope.Client{
		"":                               {},
		"access:servers!server=ada/":     {User: "ada", IsServer: true},
		"access:servers!server=ada/lab":  {User: "ada", Server: "lab", IsServer: true},
		"access:services!service=news":   {Service: "news"},
		"access:services!service=a!user": {Service: "a!user"},
	} {
		if got := client.Access(); got != want {
			t.Errorf("%+v: got %q, want %q", client, got, want)
		}
	}
	for _, o := range []scope.Owner{{User: "ada"}, {}} {
		var want []string
		if o.User != "" {
			want = scope.Expand(scope.IdentifyRaw(), o, scope.Client{}, nil).Strings()
		}
		if got := scope.Identify(o).Strings(); !slices.Equal(got, want) {
			t.Errorf("Identify(%+v) = %q, want %q", o, got, want)
		}
	}
}
