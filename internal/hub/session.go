package hub

import "time"

// Session is a browser in which a user is signed in: one sign-in cookie.
type Session struct {
	ID        int64
	UserID    int64
	BrowserID string    // the cookie jupyterhub-session-id of the browser; the tokens that the session makes carry it
	Address   string    // IP address at the sign-in; empty when not known
	Agent     string    // User-Agent of the browser at the sign-in, cut; empty when not known
	Created   time.Time // of the sign-in, in whole seconds: the time that the cookie is signed with
	LastSeen  time.Time
	Expires   time.Time // when the cookie is not accepted any more
	Ended     time.Time // zero while the session holds
}
