package web

import (
	"time"

	"berdlhub/internal/hub"
)

// TokenPage lists a user's tokens and requests new ones.
type TokenPage struct {
	Frame
	Tokens   []TokenView
	Clients  []ClientView
	Form     TokenForm
	Expiries []Choice   // how long a token may live, in seconds; an empty value means for ever
	NewToken hub.Secret // shown once, straight after it was made without script; empty: none
	Error    string     // why the last try failed; empty: there was none
}

func (*TokenPage) template() string { return "token" }

// Fresh is the new token itself: this page is the one place where it may be seen.
func (p *TokenPage) Fresh() string { return p.NewToken.Reveal() }

// TokenForm is what was typed before a failed try.
type TokenForm struct {
	Note   string
	Scopes string
}

// TokenView is a token as the page shows it.
type TokenView struct {
	ID           string // API id, for example a12
	Note         string
	Scopes       []string
	Created      time.Time
	LastActivity time.Time // zero: never used
	Expires      time.Time // zero: never
}

// ClientView is an application that the user has let in.
type ClientView struct {
	TokenID      string // one of its tokens: revoking it revokes all of the application's
	Description  string
	Created      time.Time
	LastActivity time.Time
}

// OAuthPage asks whether an application may act for the user.
type OAuthPage struct {
	Frame
	Client    string // description of the application
	Scopes    []ScopeView
	Action    string // where the answer goes: the address of the question itself
	CancelURL string // where the user goes who says no; empty means hub/home
}

func (*OAuthPage) template() string { return "oauth" }

// ScopeView is a permission in words.
type ScopeView struct {
	Scope       string // raw scope, sent back when the user agrees
	Description string
	Filter      string // on what it applies, in words; empty: on everything
}
