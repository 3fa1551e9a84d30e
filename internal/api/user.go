package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/web"
)

// getUser gives one user. JupyterHub REST API: GET /users/{name}.
func (a *API) getUser(c *call) error {
	u, err := a.userNamed(c.Context(), c.key.User)
	if err != nil {
		return err
	}
	m, err := a.fullModel(c, u)
	if err != nil {
		return err
	}
	return web.RawJSON(c.w, http.StatusOK, m)
}

// fullModel gives a user's model with the auth state, if the caller may see that: who has it can sign in as the user elsewhere.
func (a *API) fullModel(c *call, u *entry) ([]byte, error) {
	v := newView(c.who, wantStopped(c.Request))
	seen, err := v.of(u.user.Name), error(nil)
	if seen&seesState != 0 {
		if err = a.auth.MayActFor(c.Context(), c.who, u.user); err != nil && hub.CodeOf(err) != hub.Forbidden {
			return nil, err
		}
	}
	if seen&seesState != 0 && err == nil {
		state, err := a.auth.StateOf(c.Context(), u.user.ID)
		if err != nil || state == nil {
			return a.orEmpty(a.model(v, u)), err
		}
		text, err := json.Marshal(state)
		if err != nil {
			return nil, fmt.Errorf("encode the auth state of %s: %w", u.user.Name, err)
		}
		return a.appendUser(nil, v, seen, &u.userParts, text), nil
	}
	return a.orEmpty(a.model(v, u)), nil
}

// orEmpty gives an object without members where nothing is seen.
func (*API) orEmpty(m []byte) []byte {
	if len(m) == 0 {
		return []byte("{}")
	}
	return m
}

// wantStopped reads include_stopped_servers: true unless absent, 0 or false.
func wantStopped(r *http.Request) bool {
	q := r.URL.Query()
	v := argument(q, "include_stopped_servers")
	return q.Has("include_stopped_servers") && v != "0" && !strings.EqualFold(v, "false")
}

// readUser reads the fields of a user that POST may give. JupyterHub REST API: POST /users; name, groups, roles and auth_state are
// looked at and have no effect.
func readUser(sent fields) (admin bool, err error) {
	var name string
	var groups, roles []string
	var state map[string]any
	known := map[string]any{"admin": &admin, "name": &name, "groups": &groups, "roles": &roles, "auth_state": &state}
	for field := range sent {
		into, ok := known[field]
		switch {
		case !ok:
			return false, hub.Errorf(hub.Invalid, "Invalid JSON keys: %s", clip(field))
		case !sent.has(field) || !sent.read(field, into):
			return false, hub.Errorf(hub.Invalid, "user.%s is of the wrong type", field)
		}
	}
	return admin, nil
}

// createUsers makes users; names that exist are skipped. JupyterHub REST API: POST /users.
func (a *API) createUsers(c *call) error {
	sent, err := readObject(c, "Must specify at least one user to create")
	if err != nil {
		return err
	}
	names, err := a.readNames(sent)
	if err != nil {
		return err
	}
	delete(sent, "usernames")
	admin, err := readUser(sent)
	if err != nil {
		return err
	}
	if err := a.mayGrantAdmin(c, admin); err != nil {
		return err
	}
	users, err := a.db.CreateUsers(c.Context(), names, admin, time.Now())
	if err != nil {
		return err
	}
	if len(users) == 0 {
		return hub.Errorf(hub.Conflict, "All %d users already exist", len(names))
	}
	v, created := newView(c.who, false), []byte{'['}
	for _, u := range users {
		created = append(appendComma(created), a.orEmpty(a.appendUser(nil, v, v.of(u.Name), newParts(u), nil))...)
	}
	return web.RawJSON(c.w, http.StatusCreated, append(created, ']'))
}

// readNames reads the names of users to make, as the users will be known.
func (a *API) readNames(sent fields) ([]string, error) {
	var names, invalid []string
	if !sent.read("usernames", &names) || len(names) == 0 {
		return nil, hub.Errorf(hub.Invalid, "Must specify at least one user to create")
	}
	for i, name := range names {
		names[i] = a.auth.KnownAs(name)
		if a.auth.CheckName(names[i]) != nil {
			invalid = append(invalid, clip(name))
		}
	}
	if len(invalid) == 1 {
		return nil, hub.Errorf(hub.Invalid, "Invalid username: %s", invalid[0])
	}
	if len(invalid) > 1 {
		return nil, hub.Errorf(hub.Invalid, "Invalid usernames: %s", clip(strings.Join(invalid, ", ")))
	}
	return names, nil
}

// newParts is what a user is who has just been made.
func newParts(u *hub.User) *userParts {
	p := &userParts{user: u, roles: []string{scope.RoleUser}}
	if u.Admin {
		p.roles = []string{scope.RoleAdmin, scope.RoleUser}
	}
	return p
}

// mayGrantAdmin holds what the caller is against the wish to make an admin.
func (a *API) mayGrantAdmin(c *call, admin bool) error {
	if admin && !a.auth.FullAdmin(c.who) {
		return hub.Errorf(hub.Forbidden, "Only admins can grant admin permissions")
	}
	return nil
}

// createUser makes one user. JupyterHub REST API: POST /users/{name}; the name is taken as it is.
func (a *API) createUser(c *call) error {
	sent, err := readObject(c, "Invalid JSON data: it must be an object")
	if err != nil {
		return err
	}
	admin, err := readUser(sent)
	if err != nil {
		return err
	}
	if err := a.mayGrantAdmin(c, admin); err != nil {
		return err
	}
	if a.auth.CheckName(c.key.User) != nil {
		return hub.Errorf(hub.Invalid, "Failed to create user: %s", clip(c.key.User))
	}
	u, err := a.db.CreateUser(c.Context(), c.key.User, admin, time.Now())
	if err != nil && hub.CodeOf(err) == hub.Conflict {
		return hub.Errorf(hub.Conflict, "User %s already exists", c.key.User)
	}
	if err != nil {
		return err
	}
	v := newView(c.who, false)
	return web.RawJSON(c.w, http.StatusCreated, a.orEmpty(a.appendUser(nil, v, v.of(u.Name), newParts(u), nil)))
}

// deleteUser removes a user with all servers. JupyterHub REST API: DELETE /users/{name}.
func (a *API) deleteUser(c *call) error {
	u, err := a.user(c)
	if err != nil {
		return err
	}
	if c.who.User != nil && c.who.User.ID == u.ID {
		return hub.Errorf(hub.Invalid, "Cannot delete yourself!")
	}
	servers, err := a.db.ServersOfUser(c.Context(), u.ID)
	if err != nil {
		return err
	}
	for _, srv := range servers {
		if srv.Phase == hub.Stopping {
			return stillStopping(u)
		}
		limit := time.Duration(math.MaxInt64)
		if srv.Active() {
			limit = a.cfg.SlowStop
		}
		err := a.within(c, limit, func(ctx context.Context) error { return a.endServer(ctx, srv) })
		if errors.Is(err, errPending) {
			return stillStopping(u)
		}
		if err != nil {
			return err
		}
	}
	if err := a.db.DeleteUser(c.Context(), u.ID); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func stillStopping(u *hub.User) error {
	return hub.Errorf(hub.Invalid, "%s's server is in the process of stopping, please wait.", u.Name)
}

// endServer stops a server for good before its user goes.
func (a *API) endServer(ctx context.Context, srv *hub.Server) error {
	if srv.Key.Server != "" {
		return a.spawn.Delete(ctx, srv.Key)
	}
	if _, err := a.spawn.Stop(ctx, srv.Key, ""); err != nil {
		return err
	}
	_, err := a.spawn.WaitStopped(ctx, srv.Key)
	return err
}
