package web

import (
	"net/url"

	"berdlhub/internal/hub"
)

// Page is what a template shows. The pages are the structs of this package that embed Frame, passed as pointers.
type Page interface {
	template() string
	frame() *Frame
}

// pageNames are the templates that must exist.
var pageNames = []string{
	"login", "logout", "home", "spawn", "spawn_pending", "stop_pending", "not_running",
	"token", "sessions", "oauth", "accept_share", "refused", "mfa_required", "error", "api_docs",
	"admin_users", "admin_user", "admin_servers", "admin_groups", "admin_group", "admin_roles", "admin_role", "admin_services", "admin_audit",
}

// Frame is what every page shows around its content. A handler gives User, Admin and XSRF; Render adds the rest where it is empty.
type Frame struct {
	User         string        // who is signed in; empty: nobody
	Admin        bool          // shows the way to the administration
	XSRF         string        // value of the hidden field _xsrf
	Banner       *Banner       // a notice over the content; nil: none
	Announcement string        // the operator's announcement; empty: none
	Theme        string        // light or dark; empty: what the browser prefers
	Services     []ServiceLink // menu of services that the user may open
	LoginURL     string        // empty means hub/login
	LogoutURL    string        // empty means hub/logout

	// Set by Render.
	BaseURL string         // path of everything
	HubPath string         // path of the hub
	Place   string         // name of this place
	Contact string         // whom to ask
	OwnLogo bool           // the operator has set a logo
	Vars    map[string]any // template_vars
}

// Banner is a notice over the content of a page.
type Banner struct {
	Level hub.Level
	Text  string
}

// ServiceLink is a way to a service.
type ServiceLink struct {
	Name string
	URL  string
}

func (f *Frame) frame() *Frame { return f }

// fill adds what the renderer knows.
func (f *Frame) fill(v *Renderer) {
	f.BaseURL, f.HubPath, f.Place, f.Contact = v.cfg.BaseURL, v.hubPath, v.cfg.Title, v.cfg.Contact
	f.OwnLogo, f.Vars = v.cfg.LogoFile != "", v.cfg.Vars
	if f.LoginURL == "" {
		f.LoginURL = v.hubPath + "login"
	}
	if f.LogoutURL == "" {
		f.LogoutURL = v.hubPath + "logout"
	}
}

// Choice is one of several values of a field.
type Choice struct {
	Value       string
	Label       string
	Description string
	Selected    bool
}

// serverPath gives USER or USER/SERVER with both parts escaped.
func serverPath(key hub.ServerKey) string {
	p := url.PathEscape(key.User)
	if key.Server != "" {
		p += "/" + url.PathEscape(key.Server)
	}
	return p
}

// nextQuery gives ?next=… or nothing.
func nextQuery(next string) string {
	if next == "" {
		return ""
	}
	return "?next=" + url.QueryEscape(next)
}
