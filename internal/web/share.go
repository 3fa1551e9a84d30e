package web

import "berdlhub/internal/hub"

// AcceptSharePage asks whether a user wants what somebody shares by a code.
type AcceptSharePage struct {
	Frame
	Key     hub.ServerKey // the server that is shared
	Running bool
	Scopes  []ScopeView // what comes with it
	Code    hub.Secret  // goes back when the user accepts
	Next    string      // where the user goes then; empty: to the server
}

func (*AcceptSharePage) template() string { return "accept_share" }

// Action is where the form goes.
func (p *AcceptSharePage) Action() string { return p.HubPath + "accept-share" + nextQuery(p.Next) }

// Value is the code itself, for the form's hidden field.
func (p *AcceptSharePage) Value() string { return p.Code.Reveal() }

// SharedServer is somebody else's server that a user may use.
type SharedServer struct {
	Key     hub.ServerKey
	URL     string
	Running bool
}

// Name is what the server is called beside its owner's name.
func (s SharedServer) Name() string {
	if s.Key.Server == "" {
		return "default server"
	}
	return s.Key.Server
}
