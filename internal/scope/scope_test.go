package scope_test

import (
	"errors"
	"slices"
	"testing"

	"berdlhub/internal/scope"
)

func TestParseScope(t *testing.T) {
	for raw, want := range map[string]scope.Scope{
		"users":                      {Base: "users"},
		"users!user":                 {Base: "users", Kind: scope.KindUser},
		"access:servers!server":      {Base: "access:servers", Kind: scope.KindServer},
		"access:services!service":    {Base: "access:services", Kind: scope.KindService},
		"users!user=ada":             {Base: "users", Kind: scope.KindUser, Value: "ada"},
		"users!group=a b":            {Base: "users", Kind: scope.KindGroup, Value: "a b"},
		"servers!server=ada/":        {Base: "servers", Kind: scope.KindServer, Value: "ada/"},
		"users!user=a!user=b=c":      {Base: "users", Kind: scope.KindUser, Value: "a!user=b=c"},
		"access:services!service=ü☃": {Base: "access:services", Kind: scope.KindService, Value: "ü☃"},
	} {
		got, err := scope.ParseScope(raw)
		if err != nil || got != want {
			t.Errorf("ParseScope(%q) = %+v, %v, want %+v", raw, got, err, want)
		}
		if got.String() != raw {
			t.Errorf("ParseScope(%q).String() = %q", raw, got)
		}
	}
}

func TestValidate(t *testing.T) {
	good := []string{
		"self", "inherit", "(no_scope)", "users", "read:users!user", "servers!server=ada/lab", "shares!server", "users!group=no such group",
		"access:services!service", "proxy!user=ada", "custom:x:read", "custom:x:all!user",
	}
	if err := scope.Validate(good, customs); err != nil {
		t.Errorf("Validate(%q) = %v", good, err)
	}
	for raw, want := range map[string]string{
		"nope":                "Scope 'nope' for role y does not exist",
		"nope!user=ada":       "Scope 'nope!user=ada' for role y does not exist",
		"":                    "Scope '' for role y does not exist",
		"Users":               "Scope 'Users' for role y does not exist",
		"custom:other":        "Scope 'custom:other' for role y does not exist",
		"all":                 "Draft scope 'all' is now called 'inherit'",
		"users!user=":         "Empty string is not a valid filter: users!user=",
		"users!":              "Empty string is not a valid filter: users!",
		"users!group":         "Scope filter group '!group' in scope 'users!group' for role y does not exist",
		"users!name=x":        "Scope filter name=x '!name=x' in scope 'users!name=x' for role y does not exist",
		"users!User=x":        "Scope filter User=x '!User=x' in scope 'users!User=x' for role y does not exist",
		"servers!server/lab":  "Scope filter server/lab '!server/lab' in scope 'servers!server/lab' for role y does not exist",
		"servers! server=a/b": "Scope filter  server=a/b '! server=a/b' in scope 'servers! server=a/b' for role y does not exist",
	} {
		err := scope.ValidateFor("role y", []string{"users", raw}, customs)
		if err == nil || err.Error() != want {
			t.Errorf("ValidateFor(%q)\n got %v\nwant %s", raw, err, want)
		}
		var invalid *scope.InvalidError
		if !errors.As(err, &invalid) || invalid.Scope != raw {
			t.Errorf("ValidateFor(%q): the error does not name the scope", raw)
		}
	}
	if err := scope.Validate([]string{"nope"}, nil); err == nil || err.Error() != "Scope 'nope' does not exist" {
		t.Errorf("Validate without a name: got %v", err)
	}
}

func TestCustomValidate(t *testing.T) {
	if err := customs.Validate(); err != nil {
		t.Errorf("good custom scopes: %v", err)
	}
	text := "x"
	for name, bad := range map[string]scope.Custom{
		"built-in name":     {"users": {Description: text}},
		"no prefix":         {"x:y": {Description: text}},
		"upper case":        {"custom:X:y": {Description: text}},
		"too short":         {"custom:x": {Description: text}},
		"ends with a colon": {"custom:x:": {Description: text}},
		"line break":        {"custom:xyz\n": {Description: text}},
		"filter":            {"custom:xyz!user": {Description: text}},
		"no description":    {"custom:xyz": {}},
		"missing subscope":  {"custom:xyz": {Description: text, Subscopes: []string{"custom:abc"}}},
		"foreign subscope":  {"custom:xyz": {Description: text, Subscopes: []string{"users"}}},
		"contains itself":   {"custom:xyz": {Description: text, Subscopes: []string{"custom:xyz"}}},
		"circle": {
			"custom:abc": {Description: text, Subscopes: []string{"custom:xyz"}},
			"custom:xyz": {Description: text, Subscopes: []string{"custom:abc"}},
		},
	} {
		if err := bad.Validate(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCustomCircleEnds(t *testing.T) {
	circle := scope.Custom{"custom:abc": {Subscopes: []string{"custom:xyz"}}, "custom:xyz": {Subscopes: []string{"custom:abc"}}}
	got := scope.Expand([]string{"custom:abc"}, scope.Owner{}, scope.Client{}, circle).Strings()
	if want := []string{"custom:abc", "custom:xyz"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDescribe(t *testing.T) {
	raw := []string{
		"read:hub", "users!user", "users!user=ada", "users!user=bob", "servers!server", "access:servers!server=bob/lab",
		"users!group=staff", "access:services!service", "custom:x:read!service=news", "nope", "users!x",
	}
	got := scope.Describe(raw, scope.Owner{User: "ada"}, customs)
	want := []string{
		"", "only you", "only you", "user bob", "only this server", "server bob/lab", "group staff", "only this service", "service news",
	}
	if len(got) != len(want) {
		t.Fatalf("got %d lines %+v, want %d", len(got), got, len(want))
	}
	for i, d := range got {
		if d.Filter != want[i] || d.Description == "" || d.Scope == "" {
			t.Errorf("%s: got %+v, want filter %q", raw[i], d, want[i])
		}
	}
	if last := got[len(got)-1]; last.Description != "Read x" || last.Scope != "custom:x:read" {
		t.Errorf("custom scope: got %+v", last)
	}
}

func TestDefaultRoles(t *testing.T) {
	var names []string
	for _, role := range scope.DefaultRoles() {
		names = append(names, role.Name)
		if role.Description == "" {
			t.Errorf("role %s has no description", role.Name)
		}
		if err := scope.Validate(role.Scopes, nil); err != nil {
			t.Errorf("role %s: %v", role.Name, err)
		}
		if err := scope.ValidateRoleName(role.Name); err != nil {
			t.Error(err)
		}
	}
	if want := []string{"user", "admin", "server", "token"}; !slices.Equal(names, want) {
		t.Errorf("got roles %q, want %q", names, want)
	}
	scope.DefaultRoles()[0].Scopes[0] = "users"
	if got := scope.DefaultRoles()[0].Scopes[0]; got != "self" {
		t.Errorf("a caller changed the default role to %q", got)
	}
}

func TestValidateRoleName(t *testing.T) {
	for _, bad := range []string{"", "a", "ab", "1ab", "Abc", "ab-", "a b", "abc\n", "über"} {
		if scope.ValidateRoleName(bad) == nil {
			t.Errorf("%q is taken as a role name", bad)
		}
	}
}
