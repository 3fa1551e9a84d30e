package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// letOthersRead lets pages of other sites read an answer, unless the configuration says which.
func letOthersRead(w http.ResponseWriter) {
	if w.Header().Get(allowOrigin) == "" {
		w.Header().Set(allowOrigin, "*")
	}
}

// version tells the version whose API this is. JupyterHub REST API: GET /. Single-user servers and cullers ask for it first,
// and so may pages of other sites.
func (*API) version(c *call) error {
	return web.JSON(c.w, http.StatusOK, object{"version": web.HubVersion})
}

const allowOrigin = "Access-Control-Allow-Origin"

// info tells what the hub is made of. JupyterHub REST API: GET /info. There is no Python here.
func (a *API) info(c *call) error {
	return web.JSON(c.w, http.StatusOK, object{
		"version": web.HubVersion, "python": "", "sys_executable": "",
		"authenticator": object{"class": a.cfg.Authenticator, "version": web.HubVersion},
		"spawner":       object{"class": a.cfg.Spawner, "version": web.HubVersion},
	})
}

// self tells who the caller is and what he may. JupyterHub REST API: GET /user. Every single-user server asks this for each
// visitor, so it is answered from memory.
func (a *API) self(c *call) error {
	if c.who == nil {
		return hub.Wrap(hub.Forbidden, errNobody, "")
	}
	var m []byte
	var err error
	if c.who.Service != nil {
		m, err = a.ownService(c)
	} else {
		m, err = a.ownUser(c)
	}
	if err != nil {
		return err
	}
	return web.RawJSON(c.w, http.StatusOK, appendPermissions(slices.Clone(m), c.who))
}

// appendPermissions adds to a model what the caller may, and how he showed who he is.
func appendPermissions(m []byte, who *auth.Principal) []byte {
	m = appendTexts(appendKey(m[:len(m)-1], "scopes"), who.Scopes.Strings())
	session := ""
	if who.ByToken() { // the session that the token was made in; a browser's own is not for scripts
		session = who.SessionID
	}
	m = appendOrNull(appendKey(m, "session_id"), session)
	id := ""
	if who.Token != nil {
		id = tokenID(who.Token)
	}
	return append(appendOrNull(appendKey(m, "token_id"), id), '}')
}

var errNobody = errors.New("nobody is signed in")

// ownUser gives the caller's own model.
func (a *API) ownUser(c *call) ([]byte, error) {
	all, err := a.usersByID(c.Context(), []int64{c.who.User.ID})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, hub.Wrap(hub.Forbidden, errNobody, "")
	}
	v := newView(c.who, wantStopped(c.Request))
	v.always |= seesName | seesGroups // everybody may know who he is
	return a.orEmpty(a.model(v, all[0])), nil
}

// ownService gives the caller's own model when it is a service; everybody may know who he is.
func (a *API) ownService(c *call) ([]byte, error) {
	m, err := a.serviceModel(c, c.who.Service)
	if err != nil {
		return nil, err
	}
	return ownServiceText(m, c.who.Service)
}

// ownServiceText is the model of a service as the service sees itself: what is not set is null, and it knows who it is.
func ownServiceText(m object, s *store.Service) ([]byte, error) {
	m["kind"], m["name"], m["admin"] = "service", s.Name, s.Admin
	if _, shown := m["url"]; shown {
		m["url"], m["info"] = orNull(s.URL), raw(s.Info)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode the model of service %s: %w", s.Name, err)
	}
	return text, nil
}

// refreshToken asks the sign-in service about the caller at once. BERDL: POST /hub/api/refresh-token, cookie session only.
func (a *API) refreshToken(c *call) error {
	if c.who == nil || c.who.ByToken() {
		return hub.Errorf(hub.Forbidden, "Missing or invalid credentials.")
	}
	identity, err := a.auth.RefreshNow(c.Request, c.who.User)
	switch code := hub.CodeOf(err); {
	case err == nil:
	case code == hub.Unauthorized || code == hub.Forbidden:
		a.cfg.Log.InfoContext(c.Context(), "token not refreshed", "user", c.who.Name(), "err", err)
		return web.JSON(c.w, http.StatusOK, object{"success": false, "error": "Token refresh failed - please log in again"})
	default: // the session may still be good, so nobody is told to log in again
		a.cfg.Log.ErrorContext(c.Context(), "token could not be refreshed", "user", c.who.Name(), "err", err)
		return web.JSON(c.w, http.StatusInternalServerError, object{"status": http.StatusInternalServerError, "message": "Internal server error refreshing token"})
	}
	expires, err := a.expiry(c, identity)
	if err != nil {
		return err
	}
	m := object{"success": true, "message": "Token refreshed successfully", "expires": nil, "expires_in_seconds": 0}
	if !expires.IsZero() {
		m["expires"], m["expires_in_seconds"] = expires.UTC().Format(time.RFC3339), max(0, int64(time.Until(expires).Seconds()))
	}
	return web.JSON(c.w, http.StatusOK, m)
}

// expiry is when the session of the sign-in service ends: as it has just said, or as it is stored.
func (a *API) expiry(c *call, identity *hub.Identity) (time.Time, error) {
	if identity != nil && !identity.Expires.IsZero() {
		return identity.Expires, nil
	}
	state, err := a.auth.StateOf(c.Context(), c.who.User.ID)
	if err != nil {
		return time.Time{}, err
	}
	text, _ := state["token_expires"].(string)
	expires, err := moment(text)
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // none is stored
	}
	return expires, nil
}
