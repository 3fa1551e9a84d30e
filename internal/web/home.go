package web

import (
	"time"

	"berdlhub/internal/hub"
)

// HomePage shows a user's servers.
type HomePage struct {
	Frame
	Default      ServerView
	Named        []ServerView
	NamedAllowed bool   // named servers can be made
	NamedLimit   int    // how many; 0: no limit
	NewName      string // what was typed before a failed try
	NewError     string // why a named server could not be made; empty: it was not tried
	Shared       []SharedServer
	Openings     []Opening // what the user should know: who went into the servers
}

func (*HomePage) template() string { return "home" }

// NamedFull says that the limit of named servers is reached.
func (p *HomePage) NamedFull() bool { return p.NamedLimit > 0 && len(p.Named) >= p.NamedLimit }

// ServerView is a server as a page shows it.
type ServerView struct {
	Key          hub.ServerKey
	DisplayName  string // empty: its name
	Phase        hub.Phase
	URL          string // where it is when it runs
	Profile      string // what was chosen at its start, in words; empty: nothing
	Reason       string // why it failed
	HasOptions   bool   // a start asks for options first
	Started      time.Time
	LastActivity time.Time
}

// Name is what the server is called.
func (s ServerView) Name() string {
	switch {
	case s.DisplayName != "":
		return s.DisplayName
	case s.Key.Server == "":
		return "Your server"
	default:
		return s.Key.Server
	}
}

// Path is USER or USER/SERVER, escaped, for the addresses of forms.
func (s ServerView) Path() string { return serverPath(s.Key) }

// State is the phase in a word for people.
func (s ServerView) State() string {
	switch s.Phase {
	case hub.Queued:
		return "waiting for a place"
	case hub.Starting:
		return "starting"
	case hub.Ready:
		return "running"
	case hub.Stopping:
		return "stopping"
	case hub.Failed:
		return "failed"
	default:
		return "stopped"
	}
}

// Running says that the server can be opened.
func (s ServerView) Running() bool { return s.Phase == hub.Ready }

// Pending says that the server is on its way up.
func (s ServerView) Pending() bool { return s.Phase == hub.Queued || s.Phase == hub.Starting }

// Stopping says that the server is on its way down.
func (s ServerView) Stopping() bool { return s.Phase == hub.Stopping }

// Idle says that the server can be started.
func (s ServerView) Idle() bool { return !s.Running() && !s.Pending() && !s.Stopping() }
