package web

import (
	"time"

	"berdlhub/internal/hub"
)

// AdminFrame is what every page of the administration shows around its content.
type AdminFrame struct {
	Frame
	Here string // which of the pages this is: users, servers, groups, roles, services or audit
	May  AdminViews
	Back string // where the forms lead back to: the page's own address
}

// AdminViews are the pages of the administration that a visitor may open.
type AdminViews struct{ Users, Servers, Groups, Roles, Services, Audit bool }

// ServerForms gives what the forms about a server need beside the server.
func (f *AdminFrame) ServerForms(s AdminServer) ServerForms {
	return ServerForms{AdminServer: s, HubPath: f.HubPath, XSRF: f.XSRF, Back: f.Back}
}

// AdminServer is a server and what the visitor may do with it.
type AdminServer struct {
	ServerView
	Since    time.Time // when it became what it is; zero: not known
	MayStart bool
	MayStop  bool
	MayOpen  bool
}

// Label is the server's name beside its owner's.
func (s AdminServer) Label() string {
	if s.Key.Server == "" && s.DisplayName == "" {
		return "default server"
	}
	return s.Name()
}

// Anchor is the server's place on its owner's page.
func (s AdminServer) Anchor() string { return "server-" + s.Key.Server }

// Spoken names the server in a sentence.
func (s AdminServer) Spoken() string { return s.Label() + " of " + s.Key.User }

// ServerForms is a server with what its forms need.
type ServerForms struct {
	AdminServer
	HubPath, XSRF, Back string
}

// Paging leads to the pages before and after this one.
type Paging struct {
	First, Last, Total int    // numbers of the rows on this page, from 1, and of all rows
	Prev, Next         string // addresses; empty: there is no such page
}

// Column is the head of a column by which a table can be sorted.
type Column struct {
	Label  string
	URL    string // sorts by this column, or turns the order around; empty: it cannot be sorted by
	Sorted string // ascending or descending; empty: the table is sorted by another column
}

// AdminUsersPage lists users.
type AdminUsersPage struct {
	AdminFrame
	Text      string   // part of the names that are shown
	Shows     []Choice // which users
	Sort      string   // kept while the reader searches
	Columns   []Column
	Users     []AdminUser
	Paging    Paging
	MayAdd    bool
	MayAdmins bool   // may make administrators
	NewNames  string // what was typed before a failed try
	NewError  string // why users could not be added; empty: it was not tried
}

func (*AdminUsersPage) template() string { return "admin_users" }

// AdminUser is a row of the list of users.
type AdminUser struct {
	Name         string
	Admin        bool
	Groups       []string
	Servers      []AdminServer
	Created      time.Time
	LastActivity time.Time
	// What the visitor may see.
	SeesGroups, SeesServers, SeesActivity bool
}

// AdminUserPage shows one user.
type AdminUserPage struct {
	AdminFrame
	Account  AdminUser
	Roles    []HeldRole
	Scopes   []string // all that the user may do
	Failures []FailedStart
	Tokens   []TokenView
	Clients  []ClientView
	Sessions []SessionView
	Self     bool // the visitor's own page
	SeesRoles, SeesTokens,
	MayAdmin, MayDelete, MayRevoke, MaySignOut bool
}

func (*AdminUserPage) template() string { return "admin_user" }

// HeldRole is a role that a user has.
type HeldRole struct {
	Name  string
	Group string // through which group; empty: directly
}

// FailedStart is a start that ended badly, and its story.
type FailedStart struct {
	Server AdminServer
	At     time.Time
	Events []hub.Event
}

// Reason is the last word of the story.
func (f FailedStart) Reason() string {
	if len(f.Events) == 0 {
		return "The story of this start is no longer kept."
	}
	return f.Events[len(f.Events)-1].Message
}

// SessionView is a browser in which a user is signed in.
type SessionView struct {
	Agent, Address             string
	Created, LastSeen, Expires time.Time
}

// AdminServersPage lists servers.
type AdminServersPage struct {
	AdminFrame
	Text    string
	Shows   []Choice
	Servers []AdminServer
	Paging  Paging
}

func (*AdminServersPage) template() string { return "admin_servers" }
