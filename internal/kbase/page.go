package kbase

import (
	"net/http"
	"net/url"
	"strings"

	"berdlhub/internal/hub"
)

// SignInView gives the sign-in page its links: to KBase's own login, which leads back to the hub's sign-in page and from there to next,
// and to KBase's logout. The browser submits by itself only when it has just come back with a session.
func (a *Authenticator) SignInView(r *http.Request, next string) hub.SignInView {
	has := len(sessions(r)) > 0
	return hub.SignInView{
		Service:    "KBase",
		LoginURL:   a.origin + "/login?" + url.Values{"nextRequest": {a.wayBack(r, next)}}.Encode(),
		SwitchURL:  a.origin + "/logout",
		HasSession: has,
		AutoSubmit: has && r.Method == http.MethodGet && r.URL.Query().Get("autologin") == "true",
	}
}

// wayBack is the hub's sign-in page, told to go on by itself.
func (a *Authenticator) wayBack(r *http.Request, next string) string {
	query := url.Values{"autologin": {"true"}}
	if next != "" {
		query.Set("next", next)
	}
	return strings.TrimRight(a.hubURL(r), "/") + "/login?" + query.Encode()
}

func sameHost(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + "/hub/"
}
