package app_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/scope"
)

var attackers = flag.Int("attackers", 16, "how many attackers TestPrivilegeEscalation plays")

// attacker is somebody with a role of random scopes, or a token of an administrator that was made for less, who makes random calls.
// What he gets hold of on the way, he uses.
type attacker struct {
	t     *testing.T
	dice  *rand.Rand
	h     *apptest.Hub
	b     *apptest.Browser
	kind  string // user, service or token
	role  []string
	creds []string // tokens that he knows
	codes []string // share codes that he knows
	calls []string // what he did, for the report
	seen  map[string]scope.Set
	then  census
	done  int // how many of them were answered with success
}

// The people, groups, roles and servers of an attacked hub: ada and bob are students in the group class, tea teaches it; staff and
// power are groups with roles.
var (
	attackedUsers  = []string{"eve", "ada", "bob", "tea", "root-admin", "new", "fresh"}
	attackedGroups = []string{"class", "staff", "power", "newgroup"}
	attackedLabs   = []string{"", "lab", "two", "three"}
	// attackScopes are what roles are made of, by what their filters select.
	attackScopes = map[string][]string{
		"user": {
			"admin:users", "admin:users", "users", "delete:users", "read:users", "admin:servers", "servers", "start:servers", "start:servers",
			"access:servers", "tokens", "tokens", "shares", "shares", "users:shares", "read:users:name", "list:users",
		},
		"group":   {"admin:groups", "admin:groups", "groups", "groups", "groups", "delete:groups", "read:groups:name", "groups:shares"},
		"service": {"admin:services", "access:services", "read:services"},
		"":        {"read:hub", "proxy", "read:roles"},
	}
	attackFilters = map[string][]string{
		"user": {
			"", "", "", "!user=eve", "!user=ada", "!user=tea", "!user=root-admin", "!user=new", "!group=class", "!group=class", "!group=staff", "!group=newgroup",
			"!server=ada/lab", "!server=ada/three", "!user",
		},
		"group":   {"", "", "!group=class", "!group=class", "!group=staff", "!group=power", "!group=newgroup"},
		"service": {"", "!service=dice"},
		"":        {""},
	}
)

// themes are powers that look as if more could be made of them; each attacker has one of them, and some scopes by chance.
var themes = [][]string{
	{"tokens"},
	{"admin:users", "tokens!group=class"},
	{"groups!group=class", "access:servers!group=class", "tokens!group=class"},
	{"admin:groups", "groups"},
	{"start:servers!user=ada", "delete:servers!user=ada", "access:servers!server=ada/three"},
	{"admin:services"},
	{"shares!user=ada", "groups", "shares!group=class"},
	{"admin:users", "delete:users", "groups!group=staff"},
}

func pick[T any](d *rand.Rand, from []T) T { return from[d.IntN(len(from))] }

func (x *attacker) scopes(most int) []string {
	var all []string
	for range 1 + x.dice.IntN(most) {
		kind := pick(x.dice, []string{"user", "user", "user", "group", "group", "service", ""})
		all = append(all, pick(x.dice, attackScopes[kind])+pick(x.dice, attackFilters[kind]))
	}
	return all
}

func (x *attacker) config() map[string]map[string]any {
	holders := map[string]any{"name": "dice", "scopes": x.role}
	switch x.kind {
	case "user":
		holders["users"] = []string{"eve"}
	case "service":
		holders["services"] = []string{"dice"}
	}
	return map[string]map[string]any{"JupyterHub": {
		"services": []any{
			map[string]any{"name": "tests", "api_token": apptest.ServiceToken, "admin": true},
			map[string]any{"name": "dice", "api_token": "token-of-the-dice"},
		},
		"load_groups": map[string]any{
			"class": map[string]any{"users": []string{"ada", "bob"}}, "staff": map[string]any{"users": []string{}}, "power": map[string]any{"users": []string{"tea"}},
		},
		"load_roles": []any{
			holders,
			map[string]any{"name": "teacher", "scopes": []string{"admin:servers!group=class", "groups!group=class", "shares!user"}, "users": []string{"tea"}},
			map[string]any{"name": "office", "scopes": []string{"admin:users", "tokens"}, "groups": []string{"staff"}},
			map[string]any{"name": "power", "scopes": []string{"servers", "access:servers", "proxy"}, "groups": []string{"power"}},
		},
	}}
}

// newAttacker starts a hub with an attacker made from the seed.
func newAttacker(t *testing.T, seed uint64) *attacker {
	t.Helper()
	x := &attacker{t: t, dice: rand.New(rand.NewPCG(seed, 1)), seen: map[string]scope.Set{}} //nolint:gosec // the same for each seed is what is wanted
	x.kind = pick(x.dice, []string{"user", "user", "service", "token"})
	x.role = slices.Concat(themes[seed%uint64(len(themes))], x.scopes(4), []string{"read:users:name", "read:groups:name"})
	x.h = apptest.Start(t, apptest.Options{Config: x.config()})
	x.b = x.h.Browser(t)
	for _, name := range []string{"eve", "ada", "bob", "tea"} {
		x.h.Service(t, http.MethodPost, "/users/"+name, "")
	}
	for _, at := range []string{"ada/servers/lab", "ada/servers/two", "bob/servers/lab"} {
		x.h.Service(t, http.MethodPut, "/users/"+at, `{"display_name": "`+strings.ReplaceAll(at, "/servers/", " ")+`"}`)
	}
	x.h.Service(t, http.MethodPost, "/shares/bob/lab", `{"user": "tea", "scopes": ["access:servers", "shares"]}`)
	x.h.Service(t, http.MethodPost, "/shares/ada/two", `{"group": "power", "scopes": ["access:servers"]}`)
	switch x.kind {
	case "service":
		x.creds = []string{"token-of-the-dice"}
		_, x.seen["token-of-the-dice"] = x.holds("token-of-the-dice")
	case "token":
		own := slices.DeleteFunc(slices.Clone(x.role), func(s string) bool { return strings.HasPrefix(s, "tokens") || strings.Contains(s, "service=") }) // tokens is all that the owner may, as intended
		x.mint(apptest.ServiceToken, "root-admin", fmt.Sprintf(`{"scopes": %s}`, jsonOf(own)))
	default:
		x.mint(apptest.ServiceToken, "eve", "")
	}
	if len(x.creds) != 1 {
		t.Fatalf("%s with %v gets no token", x.kind, x.role)
	}
	return x
}

func jsonOf(v any) string {
	text, _ := json.Marshal(v)
	if string(text) == "null" {
		return "[]"
	}
	return string(text)
}

// mint asks for a token and keeps it.
func (x *attacker) mint(by, user, body string) int {
	a := x.b.Send(http.MethodPost, "/hub/api/users/"+user+"/tokens", body, "Authorization", "token "+by)
	var made struct{ Token string }
	if a.Status == http.StatusCreated && json.Unmarshal([]byte(a.Body), &made) == nil {
		x.creds = append(x.creds, made.Token)
		_, x.seen[made.Token] = x.holds(made.Token)
	}
	return a.Status
}

// attempt is a call, and what it is expected to need.
type attempt struct {
	needs              string
	on                 scope.Target
	method, path, body string
}

// attempts draws one call of each kind.
func (x *attacker) attempts() []attempt {
	user, someone, group := pick(x.dice, attackedUsers), pick(x.dice, attackedUsers), pick(x.dice, attackedGroups)
	lab, another := pick(x.dice, attackedLabs), pick(x.dice, attackedLabs)
	owner := user
	if x.dice.IntN(3) > 0 { // a server that there is
		owner, lab, _ = strings.Cut(pick(x.dice, []string{"ada/lab", "ada/two", "bob/lab"}), "/")
	}
	admin, half := x.dice.IntN(4) == 0, x.dice.IntN(2) == 0
	onUser, onGroup, onServer, any := scope.OfUser(user), scope.OfGroup(group), scope.OfServer(owner, lab), scope.Anything()
	server, shared := "/users/"+owner+"/servers/"+lab, "/shares/"+owner+"/"+lab
	return []attempt{
		{"admin:users", onUser, "POST", "/users/" + user, fmt.Sprintf(`{"admin": %t}`, admin)},
		{"admin:users", any, "POST", "/users", fmt.Sprintf(`{"usernames": [%q, "new"], "admin": %t}`, user, admin)},
		{"admin:users", onUser, "PATCH", "/users/" + user, fmt.Sprintf(`{"admin": %t}`, half)},
		{"admin:users", onUser, "PATCH", "/users/" + user, fmt.Sprintf(`{"name": %q}`, someone)},
		{"delete:users", onUser, "DELETE", "/users/" + user, ""},
		{"admin:groups", onGroup, "POST", "/groups/" + group, fmt.Sprintf(`{"users": [%q]}`, user)},
		{"admin:groups", any, "POST", "/groups", fmt.Sprintf(`{"groups": [%q], "users": [%q]}`, group, user)},
		{"delete:groups", onGroup, "DELETE", "/groups/" + group, ""},
		{"groups", onGroup, "POST", "/groups/" + group + "/users", fmt.Sprintf(`{"users": [%q, %q]}`, user, someone)},
		{"groups", onGroup, "POST", "/groups/" + group + "/users", fmt.Sprintf(`{"users": [%q]}`, pick(x.dice, []string{"eve", user}))},
		{"groups", onGroup, "DELETE", "/groups/" + group + "/users", fmt.Sprintf(`{"users": [%q]}`, user)},
		{"admin:services", scope.OfService("dice"), "POST", "/services/dice", `{"api_token": "token-of-the-thief"}`},
		{"admin:services", scope.OfService("mine"), "POST", "/services/mine", fmt.Sprintf(
			`{"api_token": "token-of-the-thief", "admin": %t, "oauth_client_allowed_scopes": %s, "oauth_no_confirm": %t}`, admin, jsonOf(x.scopes(2)), half)},
		{"admin:services", scope.OfService("mine"), "DELETE", "/services/" + pick(x.dice, []string{"dice", "tests", "mine"}), ""},
		{"start:servers", onServer, "PUT", server, ""},
		{"start:servers", onServer, "PATCH", server, fmt.Sprintf(`{"name": %q}`, another)},
		{"start:servers", onServer, "PATCH", server, fmt.Sprintf(`{"name": %q}`, another)},
		{"delete:servers", onServer, "DELETE", server, `{"remove": true}`},
		{"shares", onServer, "POST", shared, fmt.Sprintf(`{"user": %q, "scopes": %s}`, pick(x.dice, []string{"eve", someone}), jsonOf(x.bases(2)))},
		{"shares", onServer, "POST", shared, fmt.Sprintf(`{"group": %q, "scopes": %s}`, group, jsonOf(x.bases(2)))},
		{"shares", onServer, "PATCH", shared, fmt.Sprintf(`{"user": %q}`, someone)},
		{"shares", onServer, "POST", "/share-codes/" + owner + "/" + lab, fmt.Sprintf(`{"scopes": %s}`, jsonOf(x.bases(2)))},
		{"users:shares", onUser, "DELETE", "/users/" + user + "/shared/" + someone + "/" + lab, ""},
		{"proxy", any, "PATCH", "/proxy", `{"api_url": "http://127.0.0.1:1"}`},
		{"tokens", onUser, "POST", "/users/" + user + "/tokens", ""},
		{"tokens", onUser, "POST", "/users/" + user + "/tokens", fmt.Sprintf(`{"scopes": %s}`, jsonOf(x.scopes(2)))},
		{"tokens", onUser, "POST", "/users/" + user + "/tokens", fmt.Sprintf(`{"roles": [%q]}`, pick(x.dice, []string{"admin", "user", "office", "power", "token"}))},
	}
}

// act makes one random call with one of the tokens that he knows, mostly one that it looks good for.
func (x *attacker) act() {
	by, try := x.creds[0], attempt{}
	if x.dice.IntN(3) == 0 {
		by = pick(x.dice, x.creds)
	}
	for range 40 {
		try = pick(x.dice, x.attempts())
		if x.seen[by].Has(try.needs, try.on, x.then.groups) || x.dice.IntN(40) == 0 {
			break
		}
	}
	status := 0
	if try.needs == "tokens" {
		status = x.mint(by, strings.Split(try.path, "/")[2], try.body)
	} else {
		a := x.b.Send(try.method, "/hub/api"+try.path, try.body, "Authorization", "token "+by)
		status = a.Status
		x.keepCode(a)
	}
	if status/100 == 2 {
		x.done++
	}
	x.calls = append(x.calls, fmt.Sprintf("%d %s %s %s", status, try.method, try.path, try.body))
}

// bases draws scopes to share, mostly such as his role has.
func (x *attacker) bases(most int) []string {
	all := x.scopes(most)
	if x.dice.IntN(3) > 0 {
		all = []string{pick(x.dice, x.role)}
	}
	for i, s := range all {
		all[i], _, _ = strings.Cut(s, "!")
	}
	return all
}

func (x *attacker) keepCode(a *apptest.Answer) {
	var made struct{ Code string }
	if json.Unmarshal([]byte(a.Body), &made) == nil && made.Code != "" {
		x.codes = append(x.codes, made.Code)
	}
}

// acceptCodes takes what he was invited to, as eve.
func (x *attacker) acceptCodes() {
	if len(x.codes) == 0 || x.kind != "user" || !x.h.Exists(x.t, "eve") {
		return
	}
	b := x.h.Browser(x.t).SignIn("eve")
	for _, code := range x.codes {
		b.Post("/hub/accept-share", url.Values{"code": {code}})
	}
}

// census is who and what there is at some moment. Servers are known by their display names, which nobody changes.
type census struct {
	groups  scope.Groups
	servers map[string]string // display name to OWNER/NAME
	users   []string
}

func (x *attacker) census() census {
	c := census{groups: scope.Groups{}, servers: map[string]string{}}
	var users []struct {
		Name    string
		Groups  []string
		Servers map[string]struct {
			DisplayName string `json:"display_name"`
		}
	}
	a := x.h.Service(x.t, http.MethodGet, "/users?include_stopped_servers", "")
	if err := json.Unmarshal([]byte(a.Body), &users); err != nil {
		x.t.Fatalf("list users: %v\n%s", err, a.Body)
	}
	for _, u := range users {
		c.users = append(c.users, u.Name)
		c.groups[u.Name] = u.Groups
		for name, server := range u.Servers {
			if server.DisplayName != "" {
				c.servers[server.DisplayName] = u.Name + "/" + name
			}
		}
	}
	return c
}

// holds gives what a token may do now; nothing when it is not known any more.
func (x *attacker) holds(token string) (string, scope.Set) {
	a := x.b.Send(http.MethodGet, "/hub/api/user", "", "Authorization", "token "+token)
	var who struct {
		Name   string
		Scopes []string
	}
	if a.Status == http.StatusForbidden {
		return "", scope.Set{}
	}
	if err := json.Unmarshal([]byte(a.Body), &who); err != nil {
		x.t.Fatalf("who is it: status %d, %v\n%s", a.Status, err, a.Body)
	}
	return who.Name, scope.Parse(who.Scopes)
}

// everyScope lists all scopes there are.
var everyScope = scope.Expand(scope.DefaultRoles()[1].Scopes, scope.Owner{}, scope.Client{}, nil).Strings()

// fits says whether a scope has a meaning for what it is asked of: one that is about groups has none for their users.
func fits(base string, t scope.Target) bool {
	groups := strings.Contains(base, "groups") && base != "read:users:groups"
	services := strings.Contains(base, "services")
	switch {
	case t == scope.Anything():
		return true
	case t.Group != "":
		return groups
	case t.Service != "":
		return services
	}
	return !groups && !services
}

// reach lists what a set of scopes allows with the things of a census: on everything, on users, groups and services, and on servers,
// whatever their names are now.
func reach(held scope.Set, c census) map[string]bool {
	out := map[string]bool{}
	probe := func(what string, t scope.Target) {
		for _, base := range everyScope {
			if fits(base, t) && held.Has(base, t, c.groups) {
				out[base+" on "+what] = true
			}
		}
	}
	probe("everything", scope.Anything())
	for _, name := range c.users {
		probe("user "+name, scope.OfUser(name))
	}
	for _, name := range attackedGroups {
		probe("group "+name, scope.OfGroup(name))
	}
	for _, name := range []string{"tests", "dice"} {
		probe("service "+name, scope.OfService(name))
	}
	for id, key := range c.servers {
		owner, name, _ := strings.Cut(key, "/")
		probe("server "+id, scope.OfServer(owner, name))
	}
	return out
}

// start is what the attacker may do at first: what he holds, and, of those whose tokens he may make, what every user holds.
func (x *attacker) start() (map[string]bool, census) {
	now := x.census()
	_, held := x.holds(x.creds[0])
	all := []scope.Set{held}
	for _, name := range now.users {
		if held.Has("tokens", scope.OfUser(name), now.groups) {
			owner := scope.Owner{User: name}
			all = append(all, scope.Expand([]string{scope.Self}, owner, scope.Client{}, nil), scope.Identify(owner), byName(held, name))
		}
	}
	return reach(scope.Union(all...), now), now
}

// byName widens what is held for some of a user's servers to all of them: in his name they can be renamed.
func byName(held scope.Set, owner string) scope.Set {
	var wide []string
	for _, text := range held.Strings() {
		s, err := scope.ParseScope(text)
		if err == nil && s.Kind == scope.KindServer && strings.HasPrefix(s.Value, owner+"/") {
			wide = append(wide, s.Base+"!user="+owner)
		}
	}
	return scope.Parse(wide)
}

// gains lists what the attacker came to beyond his start, with all tokens that he knows, on what was there at the start.
func (x *attacker) gains(before map[string]bool, then census) []string {
	now := x.census()
	fresh := func(name string) bool { return !slices.Contains(then.users, name) }
	maps.DeleteFunc(now.servers, func(id, _ string) bool { return then.servers[id] == "" })
	now.users = slices.DeleteFunc(now.users, fresh)
	var more []string
	for _, token := range append(slices.Clone(x.creds), "token-of-the-thief") {
		name, held := x.holds(token)
		for what := range reach(held, now) {
			if !before[what] {
				more = append(more, what+", as "+name)
			}
		}
	}
	slices.Sort(more)
	return slices.Compact(more)
}

func (x *attacker) report(seed uint64, when string, more []string) {
	x.t.Helper()
	x.t.Errorf("seed %d: %s with %v came to\n\t%s\n%s by\n\t%s", seed, x.kind, x.role, strings.Join(more, "\n\t"), when, strings.Join(x.calls, "\n\t"))
}

// TestPrivilegeEscalation plays attackers, each with a hub of his own: whatever they do, and after the hub has started anew with
// its configuration too, they reach nothing that they did not reach before.
func TestPrivilegeEscalation(t *testing.T) {
	t.Parallel()
	const length = 40
	attackers := *attackers
	done := make([]int, attackers)
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(attackers) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				x := newAttacker(t, seed)
				done[seed] = x.play(seed, length)
			})
		}
	})
	total := 0
	for _, n := range done {
		total += n
	}
	if total < attackers*length/10 {
		t.Errorf("only %d of %d calls did something: the attackers are too weak to show anything", total, attackers*length)
	}
}

// play makes the calls and looks at what came of them; it tells how many were successful.
func (x *attacker) play(seed uint64, length int) int {
	x.t.Helper()
	before, then := x.start()
	x.then = then
	for range length {
		x.act()
	}
	x.acceptCodes()
	if more := x.gains(before, then); len(more) > 0 {
		x.report(seed, "at once", more)
	}
	x.h.Stop(x.t)
	x.h = apptest.Start(x.t, apptest.Options{Config: x.config(), Dir: x.h.Dir})
	x.b = x.h.Browser(x.t)
	if more := x.gains(before, then); len(more) > 0 {
		x.report(seed, "after a new start", more)
	}
	return x.done
}

// TestPrivilegeEscalationIsSeen holds that the test above would see what it looks for.
func TestPrivilegeEscalationIsSeen(t *testing.T) {
	t.Parallel()
	for name, give := range map[string]func(*testing.T, *attacker){
		"an administrator's token": func(_ *testing.T, x *attacker) { x.mint(apptest.ServiceToken, "root-admin", "") },
		"a share": func(t *testing.T, x *attacker) {
			x.h.Service(t, http.MethodPost, "/shares/ada/lab", `{"user": "eve", "scopes": ["delete:servers"]}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := &attacker{t: t, dice: rand.New(rand.NewPCG(1, 1)), kind: "user", role: []string{"list:users!user=ada"}, seen: map[string]scope.Set{}} //nolint:gosec // no secret
			x.h = apptest.Start(t, apptest.Options{Config: x.config()})
			x.b = x.h.Browser(t)
			x.h.Service(t, http.MethodPut, "/users/ada/servers/lab", `{"display_name": "lab"}`)
			x.mint(apptest.ServiceToken, "eve", "")
			before, then := x.start()
			if more := x.gains(before, then); len(more) > 0 {
				t.Errorf("at first: %v", more)
			}
			give(t, x)
			if more := x.gains(before, then); len(more) == 0 {
				t.Error("is not seen")
			}
		})
	}
}
