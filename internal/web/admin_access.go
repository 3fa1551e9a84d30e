package web

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"berdlhub/internal/hub"
)

// AdminGroupsPage lists groups.
type AdminGroupsPage struct {
	AdminFrame
	Groups []AdminGroup
	Paging Paging
	MayAdd bool
	Fixed  bool // the sign-in service says who is in which group
}

func (*AdminGroupsPage) template() string { return "admin_groups" }

// AdminGroup is a group and how many users are in it.
type AdminGroup struct {
	Name  string
	Users int // -1: not shown
}

// AdminGroupPage shows one group.
type AdminGroupPage struct {
	AdminFrame
	Name                 string
	Properties           json.RawMessage
	Members              []string
	More                 int // members that are not listed
	Roles                []string
	MayChange, MayDelete bool
	Fixed                bool
	// What the visitor may see.
	SeesMembers, SeesRoles bool
}

func (*AdminGroupPage) template() string { return "admin_group" }

// PropertiesText is the properties as they are shown; empty: there are none.
func (p *AdminGroupPage) PropertiesText() string {
	if s := string(p.Properties); s != "{}" && s != "null" {
		return s
	}
	return ""
}

// AdminRolesPage lists roles.
type AdminRolesPage struct {
	AdminFrame
	Roles []AdminRole
}

func (*AdminRolesPage) template() string { return "admin_roles" }

// AdminRole is a role and how many hold it.
type AdminRole struct {
	Name, Description       string
	Users, Groups, Services int
}

// AdminRolePage shows one role.
type AdminRolePage struct {
	AdminFrame
	Role      AdminRole
	Scopes    []ScopeView
	Holders   []RoleHolders
	Excess    []string // scopes of the role that the visitor does not hold, so that he cannot give it
	MayChange bool
	ByTokens  bool   // only tokens and servers have it
	Keeps     string // what becomes of its members when the hub starts again
}

func (*AdminRolePage) template() string { return "admin_role" }

// RoleHolders are those of one kind who hold a role.
type RoleHolders struct {
	Kind  string // user, group or service
	Title string
	Names []string
	More  int // that are not listed
	URL   string
}

// AdminServicesPage lists services.
type AdminServicesPage struct {
	AdminFrame
	Services []AdminService
}

func (*AdminServicesPage) template() string { return "admin_services" }

// AdminService is a service and how it does.
type AdminService struct {
	Name                  string
	Admin                 bool
	FromConfig            bool
	URL                   string // where it answers; empty: it only calls
	Path                  string // where people open it; empty: nowhere
	Roles                 []string
	Process               int    // id of its process; 0: the hub does not run it
	Health                string // how it does, in words; empty: not known
	Failing               bool
	Tokens                []TokenView
	SeesTokens, MayRevoke bool
}

// AdminAuditPage shows the audit log.
type AdminAuditPage struct {
	AdminFrame
	Actor, Target, Action string // what is shown; empty: all
	Entries               []AuditLine
	Newest, Older         string // addresses; empty: this is it
}

func (*AdminAuditPage) template() string { return "admin_audit" }

// AuditLine is a line of the audit log.
type AuditLine struct {
	At                              time.Time
	Kind, Name, Token, Address      string // who, by which token, from where
	Action, Target, Detail, Request string
}

// Who is the one who acted, in words.
func (l AuditLine) Who() string {
	switch {
	case l.Kind == hub.ActorHub || l.Name == "":
		return "the hub"
	case l.Kind == "user" || l.Kind == "":
		return l.Name
	}
	return l.Kind + " " + l.Name
}

// TargetURL is the page about the target, below the hub's path; empty: there is none.
func (l AuditLine) TargetURL() string {
	kind, rest, _ := strings.Cut(l.Target, "/")
	name, _, _ := strings.Cut(rest, "/")
	switch {
	case name == "":
		return ""
	case kind == "user" || kind == "server":
		return "admin/users/" + url.PathEscape(name)
	case kind == "group" || kind == "role":
		return "admin/" + kind + "s/" + url.PathEscape(rest)
	}
	return ""
}

// Opening tells a user that an administrator went into a server of theirs.
type Opening struct {
	By     string
	Server string // its name; empty: the default server
	At     time.Time
	Reason string
}
