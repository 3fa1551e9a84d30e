package scope

import "slices"

// Membership answers whether a user is in a group. It is asked during a request, so it should look up memory only.
// A nil Membership knows no member.
type Membership interface {
	InGroup(user, group string) bool
}

// Groups is a Membership held in memory: the names of the groups of each user, by user name.
type Groups map[string][]string

// InGroup reports whether the user's list has the group.
func (g Groups) InGroup(user, group string) bool {
	return slices.Contains(g[user], group)
}

// NoGroups is a Membership without any member.
type NoGroups struct{}

// InGroup is always false.
func (NoGroups) InGroup(string, string) bool { return false }

// Target names what is acted on: one user, server, group or service. The zero value is "anything": an action on
// no single object, which only an unfiltered scope allows.
type Target struct {
	User     string // of a server: its owner
	Server   string // empty for the default server
	Group    string
	Service  string
	IsServer bool // tells the default server from its owner
}

// Anything is the target of an action that is not about one object.
func Anything() Target { return Target{} }

// OfUser is the target of an action on a user. It also stands for "all servers of that user", as in
// JupyterHub REST API: GET /shares/{owner}, since a filter for one server must not allow that.
func OfUser(user string) Target { return Target{User: user} }

// OfServer is the target of an action on a server of a user; an empty server name is the default server.
func OfServer(user, server string) Target {
	return Target{User: user, Server: server, IsServer: true}
}

// OfGroup is the target of an action on a group.
func OfGroup(group string) Target { return Target{Group: group} }

// OfService is the target of an action on a service.
func OfService(service string) Target { return Target{Service: service} }

// resource is a target or a filter in the form in which grants are asked.
type resource struct {
	kind  int
	value string
	owner string // of users and servers: the user whose groups count
}

// resource is false for "anything".
func (t Target) resource() (resource, bool) {
	switch {
	case t.IsServer:
		return resource{byServer, t.User + "/" + t.Server, t.User}, true
	case t.User != "":
		return resource{byUser, t.User, t.User}, true
	case t.Group != "":
		return resource{byGroup, t.Group, ""}, true
	case t.Service != "":
		return resource{byService, t.Service, ""}, true
	}
	return resource{}, false
}
