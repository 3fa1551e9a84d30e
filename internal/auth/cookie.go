package auth

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
)

// The names of the platform's cookies. JupyterHub's web contract; clients of BERDL read them by name.
const (
	LoginCookie   = "jupyterhub-hub-login"
	SessionCookie = "jupyterhub-session-id"
	XSRFCookie    = "_xsrf"
	servicesName  = "jupyterhub-services"
	hostPrefix    = "__Host-"
)

// loginLifetime is how long a browser keeps the sign-in cookie; its signature is accepted for CookieMaxAge.
const loginLifetime = 30 * 24 * time.Hour

// membershipTimeout bounds the look-up of a group's member during a permission check.
const membershipTimeout = 5 * time.Second

func (a *Auth) hubPath() string { return a.cfg.BaseURL + "hub/" }

func (a *Auth) loginName() string {
	if a.cfg.HostPrefix {
		return hostPrefix + LoginCookie
	}
	return LoginCookie
}

func (a *Auth) loginPath() string {
	if a.cfg.HostPrefix {
		return "/"
	}
	return a.hubPath()
}

// fromDownstream says that a request came through a proxy whose forwarding headers are believed.
func (a *Auth) fromDownstream(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := peer.Addr().Unmap()
	if ip.IsLoopback() {
		return true // our own proxy, which replaces what strangers send
	}
	for _, p := range a.cfg.TrustedDownstream {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// Secure says whether the browser speaks https: by the public URL, by the connection, or by the last entry of
// X-Forwarded-Proto of a trusted proxy.
func (a *Auth) Secure(r *http.Request) bool {
	if a.cfg.PublicURL != "" {
		return strings.HasPrefix(a.cfg.PublicURL, "https:")
	}
	if r.TLS != nil {
		return true
	}
	if !a.fromDownstream(r) {
		return false
	}
	protos := strings.Split(strings.Join(r.Header.Values("X-Forwarded-Proto"), ","), ",")
	return strings.EqualFold(strings.TrimSpace(protos[len(protos)-1]), "https")
}

// ClientIP gives the browser's address: the peer, or behind trusted proxies the last entry of X-Forwarded-For that is not one of them.
func (a *Auth) ClientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if !a.fromDownstream(r) {
		return host
	}
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(chain) {
		ip, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		host = ip.Unmap().String()
		if !a.trusted(ip.Unmap()) {
			break
		}
	}
	return host
}

func (a *Auth) trusted(ip netip.Addr) bool {
	for _, p := range a.cfg.TrustedDownstream {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

func (a *Auth) set(w http.ResponseWriter, r *http.Request, c http.Cookie) {
	c.Secure = c.Secure || a.cfg.CookieSecure || a.Secure(r)
	if c.SameSite == 0 {
		c.SameSite = a.cfg.SameSite
	}
	if c.SameSite == 0 {
		c.SameSite = http.SameSiteLaxMode
	}
	http.SetCookie(w, &c)
}

func (a *Auth) expire(w http.ResponseWriter, r *http.Request, name, path string) {
	a.set(w, r, http.Cookie{Name: name, Path: path, MaxAge: -1, HttpOnly: name != XSRFCookie, Secure: strings.HasPrefix(name, hostPrefix)})
}

// setLogin signs a user in on this browser.
func (a *Auth) setLogin(w http.ResponseWriter, r *http.Request, u *hub.User, session *hub.Session) {
	a.set(w, r, http.Cookie{
		Name: a.loginName(), Value: a.loginValue(u.CookieID, session.Created), Path: a.loginPath(),
		HttpOnly: true, Expires: a.cfg.Now().Add(loginLifetime), Secure: a.cfg.HostPrefix,
	})
}

// loginValue is a user's sign-in cookie of a time.
func (a *Auth) loginValue(id hub.Secret, at time.Time) string {
	return a.cfg.Cookies.Sign(a.loginName(), []byte(id.Reveal()), at)
}

// SessionID gives the browser's session id, and sets one when there is none.
func (a *Auth) SessionID(w http.ResponseWriter, r *http.Request) string {
	return a.sessionID(w, r, "")
}

// sessionID gives the id that the browser sent; without one it sets the usual one, or a new one where there is none yet.
func (a *Auth) sessionID(w http.ResponseWriter, r *http.Request, usual string) string {
	if id := sessionOf(r); id != "" {
		return id
	}
	id := usual
	if id == "" {
		id = secret.NewSessionID()
	}
	a.set(w, r, http.Cookie{Name: SessionCookie, Value: id, Path: a.cfg.BaseURL, HttpOnly: true})
	r.AddCookie(&http.Cookie{Name: SessionCookie, Value: id}) // the rest of this request sees the same session
	return id
}

// sessionOf gives the session id that the browser sent, if it has the form that we give.
func sessionOf(r *http.Request) string {
	c, err := r.Cookie(SessionCookie)
	if err != nil || len(c.Value) > 64 || strings.ContainsFunc(c.Value, notHex) {
		return ""
	}
	return c.Value
}

func notHex(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'f')
}

// FromPage says who visits a page, by the sign-in cookie only. nil means nobody; a cookie that is not valid is expired.
func (a *Auth) FromPage(w http.ResponseWriter, r *http.Request) (*Principal, error) {
	found, sent, err := a.visits(r)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		if sent {
			a.expire(w, r, a.loginName(), a.loginPath())
		}
		return nil, nil
	}
	at := found[0]
	who, err := a.lookUp(r.Context(), at.user)
	if err != nil {
		return nil, err
	}
	banner, ok, err := a.stillGood(r, who.user)
	if err != nil || !ok {
		return nil, err
	}
	if who, err = a.lookUp(r.Context(), at.user); err != nil { // a refresh may have changed it
		return nil, err
	}
	a.sessionID(w, r, at.browser)
	p := &Principal{User: who.user, Session: at.session, SessionID: at.browser, Scopes: who.scopes, Groups: who.groups, Banner: banner, members: a.Members()}
	a.noteUser(p, a.cfg.Now())
	a.acts(r, p)
	return p, nil
}

// FromUserURL says who asks for a server that does not run: by cookie or by token.
func (a *Auth) FromUserURL(w http.ResponseWriter, r *http.Request) (*Principal, error) {
	if p, err := a.fromToken(r); p != nil || err != nil {
		return p, err
	}
	return a.FromPage(w, r)
}
