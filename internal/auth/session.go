package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
	"berdlhub/internal/store"
)

// visit is a sign-in cookie that was found valid. It is never changed after it is made.
type visit struct {
	user    int64
	session int64
	browser string    // browser id of the session, which the tokens that it makes carry
	expires time.Time // when the cookie is not accepted any more
}

// fingerprintOf stands for a sign-in cookie. Quotes are left out: Python sends such cookies quoted.
func fingerprintOf(signed string) fingerprint {
	if n := len(signed); n >= 2 && signed[0] == '"' && signed[n-1] == '"' {
		signed = signed[1 : n-1]
	}
	return sha256.Sum256([]byte(signed))
}

// visits finds the sessions of the sign-in cookies that a request brings, whether or not the sign-in service still vouches for
// the user; sent says that there was a cookie. Cookies that lead to different users count as none: one of them was put there
// by somebody else.
func (a *Auth) visits(r *http.Request) (found []*visit, sent bool, err error) {
	for _, c := range r.CookiesNamed(a.loginName()) {
		sent = true
		v, err := a.visitOf(r, c.Value)
		if err != nil {
			return nil, true, err
		}
		if v == nil {
			continue
		}
		if len(found) > 0 && found[0].user != v.user {
			return nil, true, nil
		}
		found = append(found, v)
	}
	return found, sent, nil
}

// visitOf finds the session of a sign-in cookie. nil: it is not valid, or the session has ended.
func (a *Auth) visitOf(r *http.Request, signed string) (*visit, error) {
	key, now := fingerprintOf(signed), a.cfg.Now()
	v, generation := a.cache.session(key)
	if v != nil {
		if v.expires.Before(now) {
			return nil, nil
		}
		return v, nil
	}
	id, at, err := a.cfg.Cookies.VerifyTime(a.loginName(), signed, a.cfg.CookieMaxAge, now)
	if err != nil {
		return nil, nil //nolint:nilerr // a cookie that does not verify is no cookie
	}
	userID, err := a.userOfCookie(r.Context(), string(id))
	if userID == 0 || err != nil {
		return nil, err
	}
	s, err := a.db.SessionOf(r.Context(), userID, store.Seen{
		Browser: a.browser(r), Proof: hex.EncodeToString(key[:]), Signed: at, Life: a.cfg.CookieMaxAge, Now: now,
	})
	if err != nil {
		if hub.CodeOf(err) == hub.NotFound {
			return nil, nil
		}
		return nil, fmt.Errorf("look up the session of a cookie: %w", err)
	}
	v = &visit{user: userID, session: s.ID, browser: s.BrowserID, expires: at.Add(a.cfg.CookieMaxAge)}
	a.cache.keepSession(key, v, generation)
	return v, nil
}

// userOfCookie finds the user whose cookie id this is. 0: nobody's.
func (a *Auth) userOfCookie(ctx context.Context, id string) (int64, error) {
	if userID := a.cache.cookie(id); userID != 0 {
		return userID, nil
	}
	u, err := a.db.UserByCookie(ctx, id)
	if err != nil {
		if hub.CodeOf(err) == hub.NotFound {
			return 0, nil
		}
		return 0, fmt.Errorf("look up the user of a cookie: %w", err)
	}
	return u.ID, nil
}

// browser says where a request comes from. Its id is what the browser sends, or a new one.
func (a *Auth) browser(r *http.Request) store.Browser {
	id := sessionOf(r)
	if id == "" {
		id = secret.NewSessionID()
	}
	return store.Browser{ID: id, Address: a.ClientIP(r), Agent: strings.TrimSpace(r.Header.Get("User-Agent"))}
}

// starting is the session that a sign-in begins. Sessions that this browser holds already end.
func (a *Auth) starting(w http.ResponseWriter, r *http.Request) (store.Starting, error) {
	held, _, err := a.visits(r)
	if err != nil {
		return store.Starting{}, err
	}
	a.SessionID(w, r)
	s := store.Starting{Browser: a.browser(r), Life: a.cfg.CookieMaxAge, Proof: func(id hub.Secret, at time.Time) string {
		key := fingerprintOf(a.loginValue(id, at))
		return hex.EncodeToString(key[:])
	}}
	for _, v := range held {
		s.Replaces = append(s.Replaces, v.session)
	}
	return s, nil
}

// SignOut ends this browser's session with the tokens that it made, and expires the cookies, also when the sign-in service has
// ended the session before. A cookie that somebody kept does not sign in again. It works for nobody too.
// JupyterHub's OAuth contract, sessions: every token made in the session goes.
func (a *Auth) SignOut(w http.ResponseWriter, r *http.Request) error {
	begin := time.Now()
	defer func() { a.cfg.Observe.SignedOut(time.Since(begin)) }()
	held, _, err := a.visits(r)
	if err != nil {
		return err
	}
	if len(held) > 0 {
		if err := a.endVisits(r, held); err != nil {
			return err
		}
	}
	a.expire(w, r, SessionCookie, a.cfg.BaseURL)
	a.expire(w, r, a.loginName(), a.loginPath())
	a.expire(w, r, servicesName, a.cfg.BaseURL+"services")
	a.expire(w, r, XSRFCookie, a.hubPath())
	return nil
}

func (a *Auth) endVisits(r *http.Request, held []*visit) error {
	who, err := a.lookUp(r.Context(), held[0].user)
	if err != nil {
		return err
	}
	a.Act(r, &Principal{User: who.user})
	var ids []int64
	for _, v := range held {
		ids = append(ids, v.session)
	}
	if err := a.db.SignOut(r.Context(), who.user.ID, ids, a.cfg.Now()); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}
