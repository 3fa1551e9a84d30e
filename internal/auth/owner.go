package auth

import (
	"context"
	"net/http"
	"net/url"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
)

// OwnerOfToken says whose a token is that somebody else shows; nil when it is nobody's.
func (a *Auth) OwnerOfToken(ctx context.Context, plain string) (*Principal, error) {
	if !secret.ValidTokenLength(plain) {
		return nil, nil
	}
	return a.loadToken(ctx, plain)
}

// OwnerOfCookie says whose a sign-in cookie is that somebody else shows; nil when it is nobody's or no sign-in cookie.
func (a *Auth) OwnerOfCookie(r *http.Request, name, value string) (*Principal, error) {
	if name != a.loginName() {
		return nil, nil
	}
	v, err := a.visitOf(r, value)
	if v == nil || err != nil {
		return nil, err
	}
	w, err := a.lookUp(r.Context(), v.user)
	if err != nil {
		return nil, err
	}
	return &Principal{User: w.user, Scopes: w.scopes, Groups: w.groups, members: a.Members()}, nil
}

// Prove says who somebody is by what he would write into the sign-in form, without a session. Nobody becomes a user by it.
// Errors: those of the authenticator; Forbidden for a name that may not come in or is no user's.
func (a *Auth) Prove(r *http.Request, form url.Values) (*Principal, error) {
	ask := r.Clone(r.Context())
	ask.Form, ask.PostForm, ask.Body = form, form, http.NoBody
	identity, err := a.authenticator.SignIn(r.Context(), ask)
	if err != nil {
		return nil, err
	}
	name, err := a.normalise(identity.Name)
	if err != nil {
		return nil, err
	}
	if err := a.allowed(r.Context(), name); err != nil {
		return nil, err
	}
	u, err := a.db.UserByName(r.Context(), name)
	if err != nil {
		if hub.CodeOf(err) == hub.NotFound {
			return nil, refused(err)
		}
		return nil, err
	}
	w, err := a.lookUp(r.Context(), u.ID)
	if err != nil {
		return nil, err
	}
	p := &Principal{User: w.user, Scopes: w.scopes, Groups: w.groups, members: a.Members()}
	a.Act(r, p)
	return p, nil
}

// SetState stores what an authenticator would know about a user; nil removes it. Errors: Invalid when no auth state is kept here.
func (a *Auth) SetState(ctx context.Context, userID int64, state map[string]any) error {
	if state != nil && !a.cfg.KeepState {
		return hub.Errorf(hub.Invalid, "This hub keeps no auth state: an administrator must set Authenticator.enable_auth_state and a key")
	}
	sealed, err := a.seal(state)
	if err != nil {
		return err
	}
	return a.db.SetAuthState(ctx, userID, sealed)
}
