package web

import "berdlhub/internal/hub"

// LoginPage is the sign-in page: a form with name and password, or, with SignIn, the way through a sign-in service.
type LoginPage struct {
	Frame
	Next         string          // where the user wants to go, already checked
	Username     string          // what was typed before a failed try
	Error        string          // why the last try failed; empty: there was none
	OTP          bool            // asks for a one-time password too
	InsecureHTTP bool            // the page did not come over HTTPS: passwords could be read on the way
	SignIn       *hub.SignInView // nil: the form
	TermsURL     string          // terms of use that the user accepts by signing in; empty: none
}

func (*LoginPage) template() string { return "login" }

// Action is where the form goes.
func (p *LoginPage) Action() string { return p.HubPath + "login" + nextQuery(p.Next) }

// AutoSubmit says that the form sends itself: only straight after the way back from the sign-in service, and never after a failure.
func (p *LoginPage) AutoSubmit() bool {
	return p.SignIn != nil && p.SignIn.AutoSubmit && p.SignIn.HasSession && p.Error == ""
}

// LogoutPage says that the user is signed out.
type LogoutPage struct {
	Frame
	ServersRunning bool   // some of the user's servers go on running
	Service        string // sign-in service where a session may still be open; empty: none
	ServiceURL     string // where to end that session
}

func (*LogoutPage) template() string { return "logout" }

// RefusedPage says that the user is known but may not come in, why, and whom to ask.
type RefusedPage struct {
	Frame
	Message   string // the whole reason, for example which role is missing
	Account   string // account that was refused; empty: not known
	Service   string // sign-in service, for example KBase
	SwitchURL string // where to end the session there, to come back with another account; empty: none
	HelpURL   string // where access can be asked for; empty: none
}

func (*RefusedPage) template() string { return "refused" }

// MFAPage says that a second factor is needed to come in.
type MFAPage struct {
	Frame
	Status     string // what the sign-in service said, for example NotUsed
	ServiceURL string // where to sign out of the sign-in service
	HelpURL    string // instructions; empty means ORCID's article
}

func (*MFAPage) template() string { return "mfa_required" }

// Help is where the instructions are.
func (p *MFAPage) Help() string {
	if p.HelpURL != "" {
		return p.HelpURL
	}
	return "https://support.orcid.org/hc/en-us/articles/360006971673"
}
