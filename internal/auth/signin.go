package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
)

// maxName is the longest user name in bytes; the database holds no more.
const maxName = 255

// SignIn asks the authenticator who sent the sign-in page, holds the answer against the allow rules, stores the user and
// sets the cookies. The request must have passed CheckPage.
// Errors: Unauthorized and Forbidden with words for the user, Unavailable when the sign-in service does not answer.
func (a *Auth) SignIn(w http.ResponseWriter, r *http.Request) (u *hub.User, err error) {
	begin := time.Now()
	defer func() { a.cfg.Observe.SignedIn(err == nil, time.Since(begin)) }()
	identity, err := a.authenticator.SignIn(r.Context(), r)
	if err != nil {
		return nil, err
	}
	start, err := a.starting(w, r)
	if err != nil {
		return nil, err
	}
	u, session, err := a.admit(r, identity, start)
	if err != nil {
		return nil, err
	}
	a.setLogin(w, r, u, session)
	a.XSRF(w, r, &Principal{User: u}) // a program that signs in by the form goes on with this cookie
	a.cfg.Log.InfoContext(r.Context(), "user signed in", "user", u.Name, "admin", u.Admin)
	return u, nil
}

// admit holds an identity against the allow rules, stores it and begins the session.
func (a *Auth) admit(r *http.Request, identity *hub.Identity, start store.Starting) (*hub.User, *hub.Session, error) {
	ctx := r.Context()
	name, err := a.normalise(identity.Name)
	if err != nil {
		return nil, nil, err
	}
	if err := a.allowed(ctx, name); err != nil {
		return nil, nil, err
	}
	save, err := a.toStore(name, identity)
	if err != nil {
		return nil, nil, err
	}
	if slices.Contains(a.cfg.Admins, name) {
		yes := true
		save.Admin = &yes
	}
	a.Act(r, &Principal{User: &hub.User{Name: name}})
	u, session, created, err := a.db.StartSession(ctx, save, start)
	if err != nil {
		return nil, nil, fmt.Errorf("store the sign-in of %s: %w", name, err)
	}
	if created {
		a.cfg.Log.InfoContext(ctx, "user created", "user", name)
	}
	return u, session, nil
}

func (a *Auth) toStore(name string, identity *hub.Identity) (store.SignIn, error) {
	sealed, err := a.seal(identity.State)
	if err != nil {
		return store.SignIn{}, fmt.Errorf("seal the auth state of %s: %w", name, err)
	}
	save := store.SignIn{Name: name, Admin: identity.Admin, AuthState: sealed, Session: identity.Session, Now: a.cfg.Now()}
	if a.cfg.ManageGroups {
		save.Groups = identity.Groups
	}
	if identity.Info != nil {
		if save.Info, err = json.Marshal(identity.Info); err != nil {
			return store.SignIn{}, fmt.Errorf("encode the user info of %s: %w", name, err)
		}
	}
	return save, nil
}

// refused is what somebody reads whose name may not come in. It says the same for every reason, as JupyterHub does.
func refused(cause error) error {
	return hub.Wrap(hub.Forbidden, cause, "Invalid username or password")
}

// normalise gives the name under which a user is known. JupyterHub's web contract: lower case, then username_map; not empty,
// no slash even when unquoted, not only dots, no outer spaces.
func (a *Auth) normalise(name string) (string, error) {
	name = a.KnownAs(name)
	if err := a.CheckName(name); err != nil {
		return "", refused(err)
	}
	return name, nil
}

// KnownAs gives the name under which somebody who gives this name is known: in lower case, then as Authenticator.username_map has it.
func (a *Auth) KnownAs(name string) string {
	name = strings.ToLower(name)
	if mapped, ok := a.cfg.UsernameMap[name]; ok {
		return mapped
	}
	return name
}

// CheckName says why a name cannot be a user's.
func (a *Auth) CheckName(name string) error {
	unquoted, err := url.PathUnescape(name)
	switch {
	case name == "" || len(name) > maxName:
		return hub.Errorf(hub.Invalid, "a user name has 1 to %d bytes", maxName)
	case strings.ContainsRune(name, utf8.RuneError):
		return hub.Errorf(hub.Invalid, "a user name is UTF-8 text")
	case strings.TrimSpace(name) != name || strings.ContainsFunc(name, isControl):
		return hub.Errorf(hub.Invalid, "a user name has no spaces around it and no control characters")
	case strings.Contains(name, "/"), err == nil && strings.Contains(unquoted, "/"):
		return hub.Errorf(hub.Invalid, "a user name has no slash")
	case strings.Trim(name, ".") == "", err == nil && strings.Trim(unquoted, ".") == "":
		return hub.Errorf(hub.Invalid, "a user name is not only dots")
	case a.pattern != nil && !a.pattern.MatchString(name):
		return hub.Errorf(hub.Invalid, "the user name does not fit Authenticator.username_pattern")
	}
	return nil
}

// allowed holds a name against the allow rules. JupyterHub's web contract: blocked, then allow_all, allowed_users,
// allow_existing_users, admin_users.
func (a *Auth) allowed(ctx context.Context, name string) error {
	if slices.Contains(a.cfg.Blocked, name) {
		return refused(hub.Errorf(hub.Forbidden, "%s is in Authenticator.blocked_users", name))
	}
	if a.cfg.AllowAll || slices.Contains(a.cfg.Allowed, name) || slices.Contains(a.cfg.Admins, name) {
		return nil
	}
	if a.cfg.AllowExisting {
		_, err := a.db.UserByName(ctx, name)
		if err == nil || hub.CodeOf(err) != hub.NotFound {
			return err
		}
	}
	return refused(hub.Errorf(hub.Forbidden, "%s is not in Authenticator.allowed_users, and allow_all is not set", name))
}
