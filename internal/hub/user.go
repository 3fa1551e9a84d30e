package hub

import (
	"encoding/json"
	"time"
)

// User is a person who may sign in.
type User struct {
	ID           int64
	Name         string
	Admin        bool
	Info         json.RawMessage // user_info of the user model: name, display_name, initials, avatar_url, color; may be nil
	Created      time.Time
	LastActivity time.Time // zero: never
	CookieID     Secret    // value of the sign-in cookie, constant until the user signs out everywhere
	AuthState    []byte    // sealed; nil when none is kept
	Session      string    // fingerprint of the sign-in service's session (the KBase cookie); empty when there is none
	Refreshed    time.Time // when the authenticator last confirmed the user
}

// Identity is what an Authenticator found out about a person.
type Identity struct {
	Name    string
	Admin   *bool             // nil: leave the flag as it is
	Groups  []string          // sorted; nil: not known, leave membership as it is
	State   map[string]any    // auth_state; nil: none
	Info    map[string]string // user_info; nil: none
	Session string            // fingerprint of the sign-in service's session; empty when there is none
	Expires time.Time         // end of the sign-in service's session; zero: not known
}

// Group is a set of users that can hold roles.
type Group struct {
	ID         int64
	Name       string
	Properties json.RawMessage
}

// Role is a named list of raw scopes.
type Role struct {
	ID          int64
	Name        string
	Description string
	Scopes      []string
	Managed     bool // made by the authenticator
}
