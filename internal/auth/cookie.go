package auth

import (
	"context"
	"fmt"
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
	c.Secure = c.Secure || a.Secure(r)
	if c.SameSite == 0 {
		c.SameSite = http.SameSiteLaxMode
	}
	http.SetCookie(w, &c)
}

func (a *Auth) expire(w http.ResponseWriter, r *http.Request, name, path string) {
	a.set(w, r, http.Cookie{Name: name, Path: path, MaxAge: -1, HttpOnly: name != XSRFCookie, Secure: strings.HasPrefix(name, hostPrefix)})
}

// setLogin signs a user in on this browser.
func (a *Auth) setLogin(w http.ResponseWriter, r *http.Request, u *hub.User) {
	now := a.cfg.Now()
	a.set(w, r, http.Cookie{
		Name: a.loginName(), Value: a.cfg.Cookies.Sign(a.loginName(), []byte(u.CookieID.Reveal()), now),
		Path: a.loginPath(), HttpOnly: true, Expires: now.Add(loginLifetime), Secure: a.cfg.HostPrefix,
	})
}

// SessionID gives the browser's session id, and sets one when there is none.
func (a *Auth) SessionID(w http.ResponseWriter, r *http.Request) string {
	if id := sessionOf(r); id != "" {
		return id
	}
	id := secret.NewSessionID()
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

// signedIn finds the user of the sign-in cookie, whether or not the session still holds; sent says that there was a cookie.
// Several sign-in cookies that lead to different users count as none: one of them was put there by somebody else.
func (a *Auth) signedIn(r *http.Request) (found *hub.User, sent bool, err error) {
	for _, c := range r.CookiesNamed(a.loginName()) {
		sent = true
		u, err := a.userOfCookie(r.Context(), c.Value)
		if err != nil {
			return nil, true, err
		}
		if found != nil && u != nil && found.ID != u.ID {
			return nil, true, nil
		}
		if u != nil {
			found = u
		}
	}
	return found, sent, nil
}

// FromPage says who visits a page, by the sign-in cookie only. nil means nobody; a cookie that is not valid is expired.
func (a *Auth) FromPage(w http.ResponseWriter, r *http.Request) (*Principal, error) {
	found, sent, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	if found == nil {
		if sent {
			a.expire(w, r, a.loginName(), a.loginPath())
		}
		return nil, nil
	}
	banner, ok, err := a.stillGood(r, found)
	if err != nil || !ok {
		return nil, err
	}
	who, err := a.lookUp(r.Context(), found.ID)
	if err != nil {
		return nil, err
	}
	p := &Principal{User: who.user, SessionID: a.SessionID(w, r), Scopes: who.scopes, Groups: who.groups, Banner: banner, members: a.Members()}
	a.noteUser(p, a.cfg.Now())
	a.acts(r, p)
	return p, nil
}

// userOfCookie checks the signature and finds the user. nil: not valid.
func (a *Auth) userOfCookie(ctx context.Context, signed string) (*hub.User, error) {
	id, err := a.cfg.Cookies.Verify(a.loginName(), signed, a.cfg.CookieMaxAge, a.cfg.Now())
	if err != nil {
		return nil, nil //nolint:nilerr // a cookie that does not verify is no cookie
	}
	userID := a.cache.cookie(string(id))
	if userID != 0 {
		w, err := a.lookUp(ctx, userID)
		if err != nil {
			return nil, err
		}
		return w.user, nil
	}
	u, err := a.db.UserByCookie(ctx, string(id))
	if err != nil {
		if hub.CodeOf(err) == hub.NotFound {
			return nil, nil
		}
		return nil, fmt.Errorf("look up the user of a cookie: %w", err)
	}
	return u, nil
}

// FromUserURL says who asks for a server that does not run: by cookie or by token.
func (a *Auth) FromUserURL(w http.ResponseWriter, r *http.Request) (*Principal, error) {
	if p, err := a.fromToken(r); p != nil || err != nil {
		return p, err
	}
	return a.FromPage(w, r)
}
