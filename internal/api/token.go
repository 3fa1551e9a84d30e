package api

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/web"
)

// tokenModel gives a token as JupyterHub REST API: token model.
func (a *API) tokenModel(c *call, u *hub.User, t *hub.Token, client string) (object, error) {
	held, err := a.auth.ScopesOfToken(c.Context(), u, t)
	if err != nil {
		return nil, err
	}
	return object{
		"user": u.Name, "id": tokenID(t), "kind": "api_token", "roles": []string{}, "scopes": held.Strings(),
		"created": stamp(t.Created), "last_activity": stamp(t.LastActivity), "expires_at": stamp(t.Expires), "note": t.Note,
		"session_id": orNull(t.SessionID), "oauth_client": client,
	}, nil
}

// clientName gives what an OAuth client is called: its description, else its id.
func (a *API) clientName(c *call, id string, known map[string]string) (string, error) {
	if name, ok := known[id]; ok {
		return name, nil
	}
	name := id
	if id == hub.PlainClient {
		name = "JupyterHub"
	} else {
		client, err := a.db.ClientByID(c.Context(), id)
		if err != nil && hub.CodeOf(err) != hub.NotFound {
			return "", err
		}
		if err == nil && client.Description != "" {
			name = client.Description
		}
	}
	known[id] = name
	return name, nil
}

// listTokens lists a user's tokens. JupyterHub REST API: GET /users/{name}/tokens.
func (a *API) listTokens(c *call) error {
	u, err := a.user(c)
	if err != nil {
		return err
	}
	tokens, err := a.db.TokensOfUser(c.Context(), u.ID, time.Now())
	if err != nil {
		return err
	}
	models, names := []object{}, map[string]string{}
	for _, t := range tokens {
		name, err := a.clientName(c, t.ClientID, names)
		if err != nil {
			return err
		}
		m, err := a.tokenModel(c, u, t, name)
		if err != nil {
			return err
		}
		models = append(models, m)
	}
	return web.JSON(c.w, http.StatusOK, object{"api_tokens": models})
}

// token finds the token that the path names. Errors: NotFound.
func (a *API) token(c *call) (*hub.User, *hub.Token, error) {
	u, err := a.user(c)
	if err != nil {
		return nil, nil, err
	}
	unknown := hub.Errorf(hub.NotFound, "No such token %s for user %s", clip(c.PathValue("token")), u.Name)
	digits, ok := strings.CutPrefix(c.PathValue("token"), "a")
	id, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil {
		return nil, nil, unknown
	}
	t, err := a.db.TokenByID(c.Context(), id)
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return nil, nil, err
	}
	if err != nil || t.UserID != u.ID {
		return nil, nil, unknown
	}
	return u, t, nil
}

// getToken gives one token. JupyterHub REST API: GET /users/{name}/tokens/{id}.
func (a *API) getToken(c *call) error {
	u, t, err := a.token(c)
	if err != nil {
		return err
	}
	name, err := a.clientName(c, t.ClientID, map[string]string{})
	if err != nil {
		return err
	}
	m, err := a.tokenModel(c, u, t, name)
	if err != nil {
		return err
	}
	return web.JSON(c.w, http.StatusOK, m)
}

// deleteToken takes a token back; one of an OAuth client takes all of the client's back. JupyterHub REST API: DELETE /users/{name}/tokens/{id}.
func (a *API) deleteToken(c *call) error {
	u, t, err := a.token(c)
	if err != nil {
		return err
	}
	if t.ClientID == hub.PlainClient {
		err = a.db.DeleteToken(c.Context(), t.ID)
	} else {
		err = a.db.DeleteTokensOfClient(c.Context(), u.ID, t.ClientID)
	}
	if err != nil {
		return err
	}
	return c.empty(nil, http.StatusNoContent)
}

// createToken makes a plain token. JupyterHub REST API: POST /users/{name}/tokens; the only answer in which a token can be read.
// Nobody gets one by a body that signs in (auth).
func (a *API) createToken(c *call) error {
	sent, err := readObject(c, "Body must be a JSON dict or empty")
	if err != nil {
		return err
	}
	if c.who == nil {
		if c.who, err = a.prove(c, sent); err != nil {
			return err
		}
	}
	u, err := a.db.UserByName(c.Context(), c.key.User)
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return err
	}
	if err != nil || !c.who.Has("tokens", scope.OfUser(c.key.User)) {
		return hub.Errorf(hub.Forbidden, "%s %s not found or no permissions to generate tokens", titled(c.who.Kind()), clip(c.key.User))
	}
	req, err := a.askedToken(c, sent)
	if err != nil {
		return err
	}
	plain, t, err := a.auth.Mint(c.Context(), c.who, u, *req)
	if err != nil {
		return err
	}
	name, err := a.clientName(c, t.ClientID, map[string]string{})
	if err != nil {
		return err
	}
	m, err := a.tokenModel(c, u, t, name)
	if err != nil {
		return err
	}
	m["token"] = plain.Reveal()
	return web.JSON(c.w, http.StatusCreated, m)
}

// prove says who sends a body that signs in, with what the sign-in form would hold. JupyterHub REST API: whatever is wrong with it,
// the answer is 403 without words.
func (a *API) prove(c *call, sent fields) (*auth.Principal, error) {
	var data map[string]any
	if !sent.has("auth") || !sent.read("auth", &data) {
		return nil, hub.Wrap(hub.Forbidden, errNobody, "")
	}
	form := url.Values{}
	for field, value := range data {
		if text, ok := value.(string); ok {
			form.Set(field, text)
		}
	}
	who, err := a.auth.Prove(c.Request, form)
	switch hub.CodeOf(err) {
	case hub.Unavailable:
		return nil, err
	case hub.Unauthorized, hub.Forbidden:
		return nil, hub.Wrap(hub.Forbidden, err, "")
	}
	return who, err
}

func titled(kind string) string {
	if kind == "service" {
		return "Service"
	}
	return "User"
}

// askedToken gives the wish for a token; roles stand for their scopes.
func (a *API) askedToken(c *call, sent fields) (*auth.TokenRequest, error) {
	req, roles, err := readToken(sent)
	if err != nil {
		return nil, err
	}
	req.Limit = a.cfg.TokenMaxExpiry
	if roles != nil {
		req.Scopes, err = a.scopesOfRoles(c, roles)
	}
	return req, err
}

// readToken reads the wish for a token. An empty list of scopes or roles is a token that may nothing, not one that may all.
func readToken(sent fields) (req *auth.TokenRequest, roles []string, err error) {
	req = &auth.TokenRequest{Bare: sent.has("roles") || sent.has("scopes")}
	if !sent.read("note", &req.Note) || !plain(req.Note) {
		return nil, nil, hub.Errorf(hub.Invalid, "token note must be null or a string")
	}
	if req.Expires, err = readLife(sent["expires_in"]); err != nil {
		return nil, nil, err
	}
	for field, into := range map[string]*[]string{"scopes": &req.Scopes, "roles": &roles} {
		if !sent.read(field, into) {
			return nil, nil, hub.Errorf(hub.Invalid, "token %s must be null or a list of strings, not %s", field, clip(string(sent[field])))
		}
	}
	if sent.has("roles") && sent.has("scopes") {
		return nil, nil, hub.Errorf(hub.Invalid, "Not assigning requested scopes: give either roles or scopes, not both")
	}
	return req, roles, nil
}

// readLife reads expires_in: a whole number of seconds above 0, or null.
func readLife(text json.RawMessage) (time.Duration, error) {
	if text == nil || string(text) == "null" {
		return 0, nil
	}
	seconds, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || seconds > math.MaxInt64/int64(time.Second) {
		return 0, hub.Errorf(hub.Invalid, "token expires_in must be null or integer, not %s", clip(string(text)))
	}
	if seconds <= 0 {
		return 0, hub.Errorf(hub.Invalid, "expires_in must be a positive integer or null, not %d", seconds)
	}
	return time.Duration(seconds) * time.Second, nil
}

// scopesOfRoles gives the union of the raw scopes of some roles.
func (a *API) scopesOfRoles(c *call, names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		if !plain(name) {
			return nil, hub.Errorf(hub.Invalid, "No such role: %s", clip(name))
		}
		role, err := a.db.RoleByName(c.Context(), name)
		if err != nil {
			if hub.CodeOf(err) == hub.NotFound {
				return nil, hub.Errorf(hub.Invalid, "No such role: %s", clip(name))
			}
			return nil, fmt.Errorf("look up a role: %w", err)
		}
		out = append(out, role.Scopes...)
	}
	return out, nil
}
