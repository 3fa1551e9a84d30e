package auth

import (
	"crypto/subtle"
	"mime"
	"net/http"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
	"berdlhub/internal/web"
)

// xsrfAnonymousAge is how long a browser keeps the token of a page that nobody is signed in on, in seconds.
const xsrfAnonymousAge = 3600

// xsrfID says what a token is bound to: the session and the user's cookie id, or without a user the session and the
// browser's address and name.
func (a *Auth) xsrfID(r *http.Request, p *Principal) []byte {
	if p != nil && p.User != nil {
		return secret.XSRFID(sessionOf(r), p.User.CookieID.Reveal())
	}
	return secret.AnonymousXSRFID(sessionOf(r), a.ClientIP(r), []string{r.Header.Get("User-Agent")})
}

// XSRF gives the token that this page's forms must send back, and sets the cookie that it must equal.
// JupyterHub's web contract: the first _xsrf cookie that verifies and is bound to this visitor is used again; the cookie
// is set only on a navigation, so that a script cannot fetch itself one.
func (a *Auth) XSRF(w http.ResponseWriter, r *http.Request, p *Principal) string {
	id := a.xsrfID(r, p)
	if token, ok := a.validXSRF(r, id); ok {
		return token
	}
	token := a.cfg.Cookies.XSRFToken(id, a.cfg.Now())
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode == "" || mode == "navigate" {
		c := http.Cookie{Name: XSRFCookie, Value: token, Path: a.hubPath()}
		if p == nil {
			c.MaxAge = xsrfAnonymousAge
		}
		a.set(w, r, c)
	}
	return token
}

// validXSRF gives the first _xsrf cookie that we signed for this visitor.
func (a *Auth) validXSRF(r *http.Request, id []byte) (string, bool) {
	for _, c := range r.CookiesNamed(XSRFCookie) {
		bound, err := a.cfg.Cookies.OpenXSRF(c.Value, a.cfg.Now())
		if err == nil && subtle.ConstantTimeCompare(bound, id) == 1 {
			return c.Value, true
		}
	}
	return "", false
}

// CheckAPI refuses a browser's API call that could come from another site or from another user's server.
// JupyterHub's web contract: every method except HEAD and OPTIONS of a cookie's user; and, as nobody signed in can be
// harmed, calls of nobody only when they carry an Origin.
func (a *Auth) CheckAPI(r *http.Request, p *Principal) error {
	if p != nil && p.ByToken() || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return nil
	}
	if p == nil && r.Header.Get("Origin") == "" {
		return nil
	}
	return a.check(r, p)
}

// CheckPage refuses a browser's request for a page that could come from another site.
// JupyterHub's web contract: every method except GET, HEAD and OPTIONS.
func (a *Auth) CheckPage(r *http.Request, p *Principal) error {
	if safeMethod(r.Method) || p != nil && p.ByToken() {
		return nil
	}
	return a.check(r, p)
}

func safeMethod(m string) bool {
	return m == http.MethodGet || m == http.MethodHead || m == http.MethodOptions
}

// SameOrigin says that a browser vouches that a request comes from our own pages or from the address bar; a client that
// sends no fetch metadata is no browser that could be tricked, or too old to tell.
func SameOrigin(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "same-origin" || site == "none"
}

// Scripted says that a script fetches a page instead of a person opening it. Our own scripts never do; a script of a user's
// server, which shares our origin, would read the page's _xsrf token that way.
func Scripted(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return mode == "cors" || mode == "same-origin"
}

func (a *Auth) check(r *http.Request, p *Principal) error {
	mode := r.Header.Get("Sec-Fetch-Mode")
	if safeMethod(r.Method) {
		sameOriginImage := mode == "no-cors" && r.Header.Get("Sec-Fetch-Site") == "same-origin"
		if mode == "" || mode == "navigate" || mode == "websocket" || sameOriginImage {
			return nil
		}
	} else if !SameOrigin(r) {
		return hub.Errorf(hub.Forbidden, "Blocked a %s that another site asked for. Open the hub's own page and try again.", r.Method)
	}
	if isForm(r) {
		if err := web.ReadForm(nil, r); err != nil {
			return err // a form that was read in part would change something with what there is of it
		}
	}
	sent := xsrfArgument(r)
	if sent == "" {
		return hub.Errorf(hub.Forbidden, "'_xsrf' argument missing from %s", r.Method)
	}
	valid, ok := a.validXSRF(r, a.xsrfID(r, p))
	if !ok || subtle.ConstantTimeCompare([]byte(sent), []byte(valid)) != 1 {
		return hub.Errorf(hub.Forbidden, "XSRF cookie does not match %s argument", r.Method)
	}
	return nil
}

// isForm says that the body is a page's form, with or without files.
func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && r.Method == http.MethodPost && (kind == "application/x-www-form-urlencoded" || kind == "multipart/form-data")
}

// xsrfArgument gives what the request sends back: query or form argument, else a header. A form has been read.
func xsrfArgument(r *http.Request) string {
	if v := r.URL.Query().Get(XSRFCookie); v != "" {
		return v
	}
	if isForm(r) {
		if v := r.PostFormValue(XSRFCookie); v != "" {
			return v
		}
	}
	if v := r.Header.Get("X-Xsrftoken"); v != "" {
		return v
	}
	return r.Header.Get("X-Csrftoken")
}
