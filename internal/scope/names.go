package scope

import "strings"

// Metascopes: they stand for other scopes and are only meaningful without a filter.
const (
	// Self is all that a user may do with the own account. Expand replaces it.
	Self = "self"
	// Inherit on a token is all that the token's owner may do at the time of the request. Expand keeps it.
	Inherit = "inherit"
)

// definition is one row of JupyterHub's scope table.
type definition struct {
	name        string
	description string
	subscopes   []string
}

// definitions is the scope table of JupyterHub 6.1.1. It is never written to.
var definitions = []definition{
	{"(no_scope)", "Learn who you are", nil},
	{Self, "Do everything you may do with your own account and servers", nil},
	{Inherit, "Do everything you may do, now and later", nil},
	{"admin-ui", "Open the administration page", nil},
	{
		"admin:users", "Create, change and delete users, and read their sign-in state",
		[]string{"admin:auth_state", "users", "read:roles:users", "delete:users"},
	},
	{"admin:auth_state", "Read what the sign-in service told about users", nil},
	{"users", "Read and change users, without their servers, tokens and sign-in state", []string{"read:users", "list:users", "users:activity"}},
	{"delete:users", "Delete users", nil},
	{"list:users", "List users by name", []string{"read:users:name"}},
	{"read:users", "Read users with their groups and activity", []string{"read:users:name", "read:users:groups", "read:users:activity"}},
	{"read:users:name", "Read names of users", nil},
	{"read:users:groups", "Read which groups users are in", nil},
	{"read:users:activity", "Read when users were last active", nil},
	{"read:roles", "Read who has which role", []string{"read:roles:users", "read:roles:services", "read:roles:groups"}},
	{"read:roles:users", "Read roles of users", nil},
	{"read:roles:services", "Read roles of services", nil},
	{"read:roles:groups", "Read roles of groups", nil},
	{"users:activity", "Report activity of users", []string{"read:users:activity"}},
	{"admin:servers", "Read, start, stop and delete servers, with their internal state", []string{"admin:server_state", "servers"}},
	{"admin:server_state", "Read the internal state of servers", nil},
	{"servers", "Read, start, stop and delete servers", []string{"read:servers", "start:servers", "delete:servers"}},
	{"read:servers", "Read servers and follow their start", []string{"read:users:name"}},
	{"start:servers", "Create, start and change servers", nil},
	{"delete:servers", "Stop and delete servers", nil},
	{"tokens", "Read, create and revoke API tokens", []string{"read:tokens"}},
	{"read:tokens", "Read descriptions of API tokens", nil},
	{"admin:groups", "Create, change and delete groups", []string{"groups", "read:roles:groups", "delete:groups"}},
	{"groups", "Read groups and change their members", []string{"read:groups", "list:groups"}},
	{"list:groups", "List groups by name", []string{"read:groups:name"}},
	{"read:groups", "Read groups with their members", []string{"read:groups:name"}},
	{"read:groups:name", "Read names of groups", nil},
	{"delete:groups", "Delete groups", nil},
	{"admin:services", "Create, change and delete services", []string{"list:services", "read:services", "read:roles:services"}},
	{"list:services", "List services by name", []string{"read:services:name"}},
	{"read:services", "Read services", []string{"read:services:name"}},
	{"read:services:name", "Read names of services", nil},
	{"read:hub", "Read details of the hub's installation", nil},
	{"access:servers", "Use servers", nil},
	{"access:services", "Use services", nil},
	{"users:shares", "Read what is shared with users and give it up", []string{"read:users:shares"}},
	{"read:users:shares", "Read what is shared with users", nil},
	{"groups:shares", "Read what is shared with groups and give it up", []string{"read:groups:shares"}},
	{"read:groups:shares", "Read what is shared with groups", nil},
	{"read:shares", "Read with whom servers are shared", nil},
	{
		"shares", "Use servers and share them with others",
		[]string{"access:servers", "read:shares", "users:shares", "groups:shares"},
	},
	{"proxy", "Read and change the proxy's routes", nil},
	{"shutdown", "Shut the hub down", nil},
	{"read:metrics", "Read the hub's metrics", nil},
}

// selfParts are the scopes that "self" stands for; their subscopes come along.
var selfParts = []string{"read:users", "users:shares", "read:shares", "users:activity", "servers", "tokens", "access:servers"}

// closures maps each scope of the table to itself and all its subscopes; selfClosure does so for "self".
// Both are made once at start and never written to.
var (
	closures    = closeTable(definitions)
	selfClosure = closeOver(closures, selfParts)
)

// closeTable computes the transitive closure of the subscope graph.
func closeTable(table []definition) map[string][]string {
	direct := make(map[string][]string, len(table))
	for _, d := range table {
		direct[d.name] = d.subscopes
	}
	closed := make(map[string][]string, len(table))
	for _, d := range table {
		closed[d.name] = walk(d.name, func(name string) ([]string, bool) {
			below, ok := direct[name]
			return below, ok
		})
	}
	return closed
}

// closeOver unites the closures of some scopes.
func closeOver(closed map[string][]string, names []string) []string {
	seen := make(map[string]bool)
	var all []string
	for _, name := range names {
		for _, below := range closed[name] {
			if !seen[below] {
				seen[below] = true
				all = append(all, below)
			}
		}
	}
	return all
}

// walk lists start and what can be reached from it. A name that below does not know is left out; a circle ends.
func walk(start string, below func(string) ([]string, bool)) []string {
	var (
		reached []string
		seen    = map[string]bool{start: true}
		todo    = []string{start}
	)
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		next, known := below(name)
		if !known {
			continue
		}
		reached = append(reached, name)
		for _, n := range next {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return reached
}

// closure lists a scope and all its subscopes; nil for an unknown scope. The result is shared: do not write to it.
func closure(base string, custom Custom) []string {
	if names, ok := closures[base]; ok {
		return names
	}
	if _, ok := custom[base]; ok {
		return custom.closure(base)
	}
	return nil
}

// Known reports whether a scope name, without a filter, is in JupyterHub's table or among the custom scopes.
func Known(base string, custom Custom) bool {
	if _, ok := closures[base]; ok {
		return true
	}
	_, ok := custom[base]
	return ok
}

// losesServerFilter tells which subscopes are left out below a server filter: the server's users:* readers, which
// make no sense for one server. JupyterHub leaves out a scope that was written so, too.
func losesServerFilter(base string) bool {
	return strings.HasPrefix(base, "read:user")
}
