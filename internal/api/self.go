package api

import (
	"net/http"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/web"
)

// version tells the version whose API this is. JupyterHub REST API: GET /. Single-user servers and cullers ask for it first.
func (*API) version(c *call) error {
	return web.JSON(c.w, http.StatusOK, object{"version": web.HubVersion})
}

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
		return hub.Errorf(hub.Forbidden, "")
	}
	m := object{"kind": c.who.Kind(), "name": c.who.Name(), "scopes": c.who.Scopes.Strings(), "session_id": orNull(c.who.SessionID), "token_id": nil}
	if c.who.Token != nil {
		m["token_id"] = tokenID(c.who.Token)
	}
	if c.who.Service != nil {
		m["admin"] = c.who.Service.Admin
		return web.JSON(c.w, http.StatusOK, m)
	}
	m["admin"], m["groups"], m["user_info"] = c.who.User.Admin, list(c.who.Groups), raw(c.who.User.Info)
	if c.who.Has("read:users", targetOf(c.who)) {
		m["created"], m["last_activity"] = stamp(c.who.User.Created), stamp(c.who.User.LastActivity)
	}
	return web.JSON(c.w, http.StatusOK, m)
}

// refreshToken asks the sign-in service about the caller at once. BERDL: POST /hub/api/refresh-token, cookie session only.
func (a *API) refreshToken(c *call) error {
	if c.who == nil || c.who.ByToken() {
		return hub.Errorf(hub.Forbidden, "Missing or invalid credentials.")
	}
	identity, err := a.auth.RefreshNow(c.Request, c.who.User)
	if err != nil {
		a.cfg.Log.InfoContext(c.Context(), "token not refreshed", "user", c.who.Name(), "err", err)
		return web.JSON(c.w, http.StatusOK, object{"success": false, "error": "Token refresh failed - please log in again"})
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
