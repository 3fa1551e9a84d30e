package hub

import "time"

// Token is what an API client shows to prove who it is. The token itself is not kept, only its hash.
type Token struct {
	ID           int64
	UserID       int64 // 0 when a service owns it
	ServiceID    int64 // 0 when a user owns it
	Hashed       string
	Prefix       string // first four characters of the token, for looking it up
	ClientID     string // OAuth client; "jupyterhub" for plain API tokens
	SessionID    string // browser session that made it; empty for plain API tokens
	RunID        string // run of the server that uses it; empty for all others
	Scopes       []string
	Note         string
	Created      time.Time
	Expires      time.Time // zero: never
	LastActivity time.Time // zero: never used
}

// PlainClient is the pseudo OAuth client that plain API tokens belong to. It can never be used for OAuth.
const PlainClient = "jupyterhub"

// Client is an OAuth client: a server or a service.
type Client struct {
	ID            string // client_id, for example jupyterhub-user-ada
	Description   string
	HashedSecret  string
	RedirectURI   string
	AllowedScopes []string
	ServerID      int64  // server that owns it; 0 for a service
	Service       string // service that owns it; empty for a server
}

// AuthorizationCode is an OAuth code that waits for its exchange. It can be taken once.
type AuthorizationCode struct {
	Code            string // never logged
	ClientID        string
	UserID          int64
	RedirectURI     string
	SessionID       string
	Scopes          []string
	Challenge       string // PKCE
	ChallengeMethod string
	Expires         time.Time
}
