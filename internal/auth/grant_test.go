package auth_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// society is a database with people, groups and roles.
type society struct {
	t    *testing.T
	db   *store.DB
	auth *auth.Auth
}

func newSociety(t *testing.T) *society {
	t.Helper()
	db := storetest.Open(t, storetest.SQLite(t), "r")
	cookies, err := secret.ParseCookieSecret(strings.Repeat("5a", 32))
	if err != nil {
		t.Fatal(err)
	}
	a, err := auth.New(auth.Config{Cookies: cookies}, db, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &society{t: t, db: db, auth: a}
	s.ok(db.SyncRoles(t.Context(), []store.RoleSpec{
		{Name: "teacher", SetScopes: true, Scopes: []string{"groups!group=class", "access:servers!group=class", "read:groups!group=class"}, Users: []string{"tea"}},
		{Name: "groups", SetScopes: true, Scopes: []string{"admin:groups"}, Users: []string{"gus"}},
		{Name: "boss", SetScopes: true, Scopes: []string{"admin:groups", "servers", "shares"}, Users: []string{"bea"}},
		{Name: "office", SetScopes: true, Scopes: []string{"servers"}, Groups: []string{"office"}},
		{Name: "sharers", SetScopes: true, Scopes: []string{"shares!user"}, Groups: []string{"sharers"}},
		{Name: "mover", SetScopes: true, Scopes: []string{"start:servers!user=ada", "access:servers!server=ada/open"}, Users: []string{"moe"}},
	}))
	s.ok(db.SyncGroups(t.Context(), []store.GroupSpec{{Name: "class", Users: []string{"ada"}}, {Name: "plain"}, {Name: "shared"}}))
	s.ok(db.SyncUsers(t.Context(), []string{"root"}, []string{"ada", "bob", "tea", "gus", "bea", "moe"}, nil, time.Now()))
	srv, _, err := db.EnsureServer(t.Context(), hub.ServerKey{User: "ada", Server: "lab"}, "", time.Now())
	s.ok(err)
	_, err = db.GrantShare(t.Context(), srv.ID, hub.ShareTarget{Group: "shared"}, []string{"access:servers"}, time.Now())
	s.ok(err)
	return s
}

func (s *society) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *society) user(name string) *hub.User {
	s.t.Helper()
	u, err := s.db.UserByName(s.t.Context(), name)
	s.ok(err)
	return u
}

// as gives somebody who shows a token with these scopes.
func (s *society) as(name string, scopes ...string) *auth.Principal {
	s.t.Helper()
	plain := secret.NewToken()
	s.ok(s.db.CreateToken(s.t.Context(), &hub.Token{
		UserID: s.user(name).ID, ClientID: hub.PlainClient, Scopes: scopes, Created: time.Now(),
		Hashed: secret.HashToken(plain, secret.GeneratedRounds), Prefix: secret.TokenPrefix(plain),
	}))
	r := httptest.NewRequest("GET", "/hub/api/user", nil)
	r.Header.Set("Authorization", "token "+plain)
	p, err := s.auth.FromRequest(httptest.NewRecorder(), r)
	s.ok(err)
	return p
}

func (s *society) want(what string, err error, allowed bool) {
	s.t.Helper()
	if err != nil && hub.CodeOf(err) != hub.Forbidden {
		s.t.Fatal(err)
	}
	if (err == nil) != allowed {
		s.t.Errorf("%s: %v, want allowed: %t", what, err, allowed)
	}
}

func TestFullAdmin(t *testing.T) {
	t.Parallel()
	s := newSociety(t)
	if !s.auth.FullAdmin(s.as("root", "inherit")) {
		t.Error("an administrator is none")
	}
	if s.auth.FullAdmin(nil) || s.auth.FullAdmin(s.as("bea", "inherit")) || s.auth.FullAdmin(s.as("root", "admin:users", "tokens", "admin:servers")) {
		t.Error("who may not do everything counts as an administrator")
	}
}

func TestMayAddTo(t *testing.T) {
	t.Parallel()
	s := newSociety(t)
	for name, tt := range map[string]struct {
		who, group, user string
		allowed          bool
	}{
		"to a group without powers":                 {"gus", "plain", "bob", true},
		"to a group that is yet to be made":         {"gus", "new", "bob", true},
		"oneself to a group with a role":            {"gus", "office", "gus", false},
		"another to a group with a role":            {"gus", "office", "bob", false},
		"to a group with a role that one holds":     {"bea", "office", "bob", true},
		"to a group with shares":                    {"gus", "shared", "gus", false},
		"to a group with shares that one holds":     {"bea", "shared", "bob", true},
		"the owner of what is shared":               {"gus", "shared", "ada", true},
		"to a group that gives power over own":      {"gus", "sharers", "bob", false},
		"the same, by who shares everything":        {"bea", "sharers", "bob", true},
		"somebody whom one would reach":             {"tea", "class", "bob", false},
		"an administrator whom one would reach":     {"tea", "class", "root", false},
		"a member once more":                        {"tea", "class", "ada", true},
		"by an administrator":                       {"root", "office", "bob", true},
		"by an administrator, one who would reach":  {"root", "class", "tea", true},
		"to a group that somebody else reaches by":  {"gus", "class", "bob", true},
		"oneself, to whom one has every permission": {"tea", "class", "tea", true},
	} {
		s.want(name, s.auth.MayAddTo(t.Context(), s.as(tt.who, "inherit"), tt.group, []*hub.User{s.user(tt.user)}), tt.allowed)
	}
	s.want("with a token for less", s.auth.MayAddTo(t.Context(), s.as("bea", "groups"), "office", []*hub.User{s.user("bob")}), false)
}

func TestMayHoldGroup(t *testing.T) {
	t.Parallel()
	s := newSociety(t)
	for who, allowed := range map[string]bool{"gus": false, "bea": true, "root": true} {
		s.want(who, s.auth.MayHoldGroup(t.Context(), s.as(who, "inherit"), "office"), allowed)
		s.want(who, s.auth.MayHoldGroup(t.Context(), s.as(who, "inherit"), "plain"), true)
	}
}

func TestMayActFor(t *testing.T) {
	t.Parallel()
	s := newSociety(t)
	for _, tt := range []struct {
		who, user string
		allowed   bool
	}{
		{"ada", "ada", true}, {"gus", "ada", true}, {"gus", "tea", false}, {"gus", "root", false}, {"bea", "gus", true}, {"bea", "tea", true}, {"root", "tea", true},
	} {
		s.want(tt.who+" for "+tt.user, s.auth.MayActFor(t.Context(), s.as(tt.who, "inherit"), s.user(tt.user)), tt.allowed)
	}
}

func TestMayRenameServer(t *testing.T) {
	t.Parallel()
	s := newSociety(t)
	key := func(name string) hub.ServerKey { return hub.ServerKey{User: "ada", Server: name} }
	for _, who := range []string{"moe", "ada", "root"} {
		s.want(who+" into his reach", s.auth.MayRenameServer(s.as(who, "inherit"), key("private"), key("open")), who != "moe")
		s.want(who+" elsewhere", s.auth.MayRenameServer(s.as(who, "inherit"), key("private"), key("other")), true)
		s.want(who+" out of his reach", s.auth.MayRenameServer(s.as(who, "inherit"), key("open"), key("other")), true)
	}
}

func TestMayGrant(t *testing.T) {
	t.Parallel()
	s := newSociety(t)
	for _, tt := range []struct {
		who, scope string
		allowed    bool
	}{
		{"ada", "servers!user", true},
		{"ada", "self", true},
		{"ada", "servers!user=bob", false},
		{"ada", "inherit", false},
		{"bea", "read:servers", true},
		{"bea", "tokens", false},
		{"root", "tokens", true},
		{"root", "inherit", true},
	} {
		s.want(tt.who+" "+tt.scope, s.auth.MayGrant(s.as(tt.who, "inherit"), []string{tt.scope}), tt.allowed)
	}
}
