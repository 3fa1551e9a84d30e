package api

import (
	"berdlhub/internal/auth"
	"berdlhub/internal/scope"
)

// sight is which parts of a user's model a caller sees. Two callers with the same sight of a user see the same bytes.
type sight uint16

// The parts, each shown by one scope. JupyterHub REST API: user model, fields by scope.
const (
	seesUser sight = 1 << iota
	seesName
	seesActivity
	seesGroups
	seesRoles
	seesState
	seesServers
	seesServerState
	withStopped // servers that do not run are asked for, too
)

var sights = [...]struct {
	scope string
	sees  sight
}{
	{"read:users", seesUser},
	{"read:users:name", seesName},
	{"read:users:activity", seesActivity},
	{"read:users:groups", seesGroups},
	{"read:roles:users", seesRoles},
	{"admin:auth_state", seesState},
	{"read:servers", seesServers},
	{"admin:server_state", seesServerState},
}

// view is what a caller sees of users. It is made once for a request.
type view struct {
	who    *auth.Principal
	always sight // what is seen of everybody
	some   sight // what is seen of some users only
	// single says that some servers are seen by a filter of their own, so that a model depends on more than a sight.
	single bool
}

// newView reads the caller's scopes.
func newView(who *auth.Principal, stopped bool) view {
	v := view{who: who}
	if stopped {
		v.always |= withStopped
	}
	for _, s := range sights {
		all, filters := who.Scopes.Filters(s.scope)
		switch {
		case all:
			v.always |= s.sees
		case who.Scopes.HasAny(s.scope):
			v.some |= s.sees
			v.single = v.single || len(filters.Servers) > 0 && s.sees >= seesServers
		}
	}
	return v
}

// of is what the caller sees of one user.
func (v view) of(user string) sight {
	seen := v.always
	if v.some == 0 {
		return seen
	}
	target := scope.OfUser(user)
	for _, s := range sights {
		if v.some&s.sees != 0 && v.who.Has(s.scope, target) {
			seen |= s.sees
		}
	}
	return seen
}
