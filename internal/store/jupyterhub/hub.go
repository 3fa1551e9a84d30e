package jupyterhub

import (
	"encoding/json"
	"time"
)

// Hub is everything that a JupyterHub's database holds, as plain rows. References are the ids of that database; 0 means none.
// Times are UTC; the zero time means never.
type Hub struct {
	Revision string // of the schema, for example f460b0348206
	Release  string // the JupyterHub that has this schema, for example 6.0 or 6.1

	Users      []User
	Groups     []Group
	Members    []Member
	Roles      []Role
	Holders    []Holder
	Services   []Service
	Clients    []Client
	Servers    []Server
	Tokens     []Token
	Shares     []Share
	ShareCodes []ShareCode
	Codes      int // OAuth authorization codes, which live for minutes and are only counted

	Faults []Fault
}

// Fault is a value that could not be read. It never holds the value.
type Fault struct {
	Table, Column string
	ID            int64
	Problem       string
}

// User is a row of users.
type User struct {
	ID           int64
	Name         string
	Admin        bool
	Info         json.RawMessage
	Created      time.Time
	LastActivity time.Time
	CookieID     string
	AuthState    []byte // sealed; nil when none is kept
}

// Group is a row of groups.
type Group struct {
	ID         int64
	Name       string
	Properties json.RawMessage
}

// Member is a row of user_group_map.
type Member struct{ User, Group int64 }

// Role is a row of roles.
type Role struct {
	ID          int64
	Name        string
	Description string
	Scopes      []string
	Managed     bool // by the authenticator
}

// Holder is a row of user_role_map, group_role_map or service_role_map: one of User, Group and Service is set.
type Holder struct {
	User, Group, Service int64
	Role                 int64
	Managed              bool
}

// Service is a row of services.
type Service struct {
	ID         int64
	Name       string
	Admin      bool
	URL        string
	NoConfirm  bool
	Display    bool
	Info       json.RawMessage
	FromConfig bool
	Client     string // identifier of its OAuth client; empty when it has none
	Command    bool   // the hub runs it as a process
}

// Client is a row of oauth_clients.
type Client struct {
	Identifier    string
	Description   string
	HashedSecret  string
	RedirectURI   string
	AllowedScopes []string
}

// Server is a row of spawners, with its row of servers when it runs or is being started.
type Server struct {
	ID           int64
	User         int64
	Name         string // empty: the default server
	DisplayName  string
	State        json.RawMessage
	Options      json.RawMessage
	Started      time.Time
	LastActivity time.Time
	Client       string // identifier of its OAuth client

	Active  bool   // it has a row of servers
	Proto   string // http or https
	IP      string
	Port    int
	BaseURL string // path below which it answers
}

// Token is a row of api_tokens.
type Token struct {
	ID           int64
	User         int64
	Service      int64
	Hashed       string
	Prefix       string
	Client       string // identifier of its OAuth client; empty in broken rows
	SessionID    string
	Scopes       []string
	Note         string
	Created      time.Time
	Expires      time.Time
	LastActivity time.Time
}

// Share is a row of shares: one of User and Group is set.
type Share struct {
	ID, Owner, Server int64
	User, Group       int64
	Scopes            []string
	Created, Expires  time.Time
}

// ShareCode is a row of share_codes.
type ShareCode struct {
	ID, Owner, Server int64
	Hashed, Prefix    string
	Scopes            []string
	Created, Expires  time.Time
	Exchanges         int64
	LastExchanged     time.Time
}
