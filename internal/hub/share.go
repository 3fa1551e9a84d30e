package hub

import "time"

// Share is what a user, or every member of a group, may do with somebody else's server.
type Share struct {
	ID       int64
	ServerID int64
	Server   ServerKey
	Ready    bool // the server is ready
	With     ShareTarget
	Scopes   []string // sorted, each with the filter !server=OWNER/NAME
	Created  time.Time
	Expires  time.Time // zero: never
}

// ShareTarget is with whom a server is shared: one of the names is set.
type ShareTarget struct {
	User  string
	Group string
}

// ShareCode is an invitation to a server: whoever has the code can take the share. The code itself is not kept, only its hash.
type ShareCode struct {
	ID            int64
	ServerID      int64
	Server        ServerKey
	Ready         bool // the server is ready
	Hashed        string
	Scopes        []string // sorted, each with the filter !server=OWNER/NAME
	Created       time.Time
	Expires       time.Time // zero: never
	Exchanges     int       // how often it was accepted
	LastExchanged time.Time // zero: never
}
