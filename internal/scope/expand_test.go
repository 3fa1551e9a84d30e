package scope_test

import (
	"slices"
	"testing"

	"berdlhub/internal/scope"
)

var selfOfAda = []string{
	"access:servers!user=ada", "delete:servers!user=ada", "read:servers!user=ada", "read:shares!user=ada", "read:tokens!user=ada",
	"read:users!user=ada", "read:users:activity!user=ada", "read:users:groups!user=ada", "read:users:name!user=ada",
	"read:users:shares!user=ada", "servers!user=ada", "start:servers!user=ada", "tokens!user=ada", "users:activity!user=ada",
	"users:shares!user=ada",
}

func TestExpand(t *testing.T) {
	ada, cull := scope.Owner{User: "ada"}, scope.Owner{Service: "cull"}
	lab := scope.Client{User: "ada", Server: "lab", IsServer: true}
	tests := []struct {
		name   string
		raw    []string
		owner  scope.Owner
		client scope.Client
		want   []string
	}{
		{name: "nothing"},
		{
			name: "subscopes of subscopes", raw: []string{"admin:groups"},
			want: []string{"admin:groups", "delete:groups", "groups", "list:groups", "read:groups", "read:groups:name", "read:roles:groups"},
		},
		{
			name: "filter is copied", raw: []string{"groups!group=lab"},
			want: []string{"groups!group=lab", "list:groups!group=lab", "read:groups!group=lab", "read:groups:name!group=lab"},
		},
		{
			name: "a server filter drops readers of users", raw: []string{"servers!server=bob/"},
			want: []string{"delete:servers!server=bob/", "read:servers!server=bob/", "servers!server=bob/", "start:servers!server=bob/"},
		},
		{name: "even one that was written", raw: []string{"read:users!server=bob/"}},
		{
			name: "other filters keep them", raw: []string{"read:servers!server=bob/", "read:servers!group=lab"},
			want: []string{"read:servers!group=lab", "read:servers!server=bob/", "read:users:name!group=lab"},
		},
		{name: "user", raw: []string{"read:tokens!user"}, owner: ada, want: []string{"read:tokens!user=ada"}},
		{name: "user of a service", raw: []string{"read:tokens!user"}, owner: cull},
		{name: "user of nobody", raw: []string{"read:tokens!user"}},
		{name: "service is the owner", raw: []string{"access:services!service"}, owner: cull, want: []string{"access:services!service=cull"}},
		{
			name: "service is rather the client", raw: []string{"access:services!service"}, owner: cull,
			client: scope.Client{Service: "news"}, want: []string{"access:services!service=news"},
		},
		{
			name: "service of a user's token", raw: []string{"access:services!service"}, owner: ada,
			client: scope.Client{Service: "news"}, want: []string{"access:services!service=news"},
		},
		{name: "service of nobody", raw: []string{"access:services!service"}, owner: ada, client: lab},
		{name: "server", raw: []string{"access:servers!server"}, owner: ada, client: lab, want: []string{"access:servers!server=ada/lab"}},
		{
			name: "default server", raw: []string{"access:servers!server"}, owner: ada,
			client: scope.Client{User: "bob", IsServer: true}, want: []string{"access:servers!server=bob/"},
		},
		{name: "server of a plain token", raw: []string{"access:servers!server"}, owner: ada},
		{name: "self", raw: []string{"self"}, owner: ada, want: selfOfAda},
		{name: "self of a service", raw: []string{"self"}, owner: cull},
		{name: "self with a filter means nothing", raw: []string{"self!user=bob"}, owner: ada, want: []string{"self!user=bob"}},
		{name: "inherit stays", raw: []string{"inherit"}, owner: ada, want: []string{"inherit"}},
		{name: "unfiltered beats filtered", raw: []string{"proxy!user=ada", "proxy", "proxy!user"}, owner: ada, want: []string{"proxy"}},
		{
			name: "filters add up, once each", raw: []string{"proxy!user=bob", "proxy!user", "proxy!group=b", "proxy!user=ada"}, owner: ada,
			want: []string{"proxy!group=b", "proxy!user=ada", "proxy!user=bob"},
		},
		{
			name: "custom", raw: []string{"custom:x:write!user", "custom:y:gone"}, owner: ada,
			want: []string{"custom:x:append!user=ada", "custom:x:write!user=ada"},
		},
		{name: "nonsense gives nothing", raw: []string{"", "!", "nope", "users!", "users!user=", "users!x=y", "users!group", "Users", "users "}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := scope.Expand(test.raw, test.owner, test.client, customs).Strings()
			if !slices.Equal(got, test.want) {
				t.Errorf("Expand(%q)\n got %q\nwant %q", test.raw, got, test.want)
			}
		})
	}
}

// The role admin is known to expand to 45 scopes, of which no one is filtered.
func TestExpandAdmin(t *testing.T) {
	raw := []string{"self"}
	for _, role := range scope.DefaultRoles() {
		if role.Name == scope.RoleAdmin {
			raw = append(raw, role.Scopes...)
		}
	}
	owner := scope.Owner{User: "ada"}
	got := scope.Union(scope.Expand(raw, owner, scope.Client{}, nil), scope.Identify(owner)).Strings()
	if len(got) != 45 {
		t.Errorf("got %d scopes, want 45: %q", len(got), got)
	}
	for _, s := range got {
		if parsed, err := scope.ParseScope(s); err != nil || parsed.Kind != "" {
			t.Errorf("%s is limited", s)
		}
	}
}
