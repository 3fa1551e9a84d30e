package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

func targetOf(who *auth.Principal) scope.Target { return scope.OfUser(who.Name()) }

// getUser gives one user. JupyterHub REST API: GET /users/{name}.
func (a *API) getUser(c *call) error {
	u, err := a.user(c)
	if err != nil {
		return err
	}
	parts, err := a.parts(c, u)
	if err != nil {
		return err
	}
	if c.who.Has("admin:auth_state", scope.OfUser(u.Name)) {
		state, err := a.auth.StateOf(c.Context(), u.ID)
		if err != nil {
			return err
		}
		if state != nil {
			parts.state = state
		}
	}
	return web.JSON(c.w, http.StatusOK, a.userModel(c.who, parts))
}

// parts gathers what the model of one user is made from.
func (a *API) parts(c *call, u *hub.User) (*userParts, error) {
	access, err := a.db.AccessOfUser(c.Context(), u.ID)
	if err != nil {
		return nil, err
	}
	servers, err := a.db.ServersOfUser(c.Context(), u.ID)
	if err != nil {
		return nil, err
	}
	p := &userParts{user: u, groups: access.Groups, servers: servers, stopped: wantStopped(c.Request)}
	for _, r := range access.Roles {
		p.roles = append(p.roles, r.Name)
	}
	return p, nil
}

// wantStopped reads include_stopped_servers: true unless absent, 0 or false.
func wantStopped(r *http.Request) bool {
	q := r.URL.Query()
	v := q.Get("include_stopped_servers")
	return q.Has("include_stopped_servers") && v != "0" && !strings.EqualFold(v, "false")
}

// newUsers is the body of POST /users and POST /users/{name}.
type newUsers struct {
	Usernames []string `json:"usernames"`
	Admin     bool     `json:"admin"`
}

// createUsers makes users; names that exist are skipped. JupyterHub REST API: POST /users.
func (a *API) createUsers(c *call) error {
	var body newUsers
	if err := web.ReadJSON(c.Request, maxBody, &body); err != nil {
		return err
	}
	if len(body.Usernames) == 0 {
		return hub.Errorf(hub.Invalid, "Must specify at least one user to create")
	}
	if err := mayGrantAdmin(c, body.Admin); err != nil {
		return err
	}
	var invalid []string
	for i, name := range body.Usernames {
		body.Usernames[i] = strings.ToLower(name)
		if a.auth.CheckName(body.Usernames[i]) != nil {
			invalid = append(invalid, clip(name))
		}
	}
	if len(invalid) == 1 {
		return hub.Errorf(hub.Invalid, "Invalid username: %s", invalid[0])
	}
	if len(invalid) > 1 {
		return hub.Errorf(hub.Invalid, "Invalid usernames: %s", strings.Join(invalid, ", "))
	}
	created := []object{}
	for _, name := range body.Usernames {
		u, err := a.db.CreateUser(c.Context(), name, body.Admin, time.Now())
		if err != nil && hub.CodeOf(err) == hub.Conflict {
			continue
		}
		if err != nil {
			return err
		}
		created = append(created, a.userModel(c.who, newParts(u)))
	}
	if len(created) == 0 {
		return hub.Errorf(hub.Conflict, "All %d users already exist", len(body.Usernames))
	}
	return web.JSON(c.w, http.StatusCreated, created)
}

// newParts is what a user is who has just been made.
func newParts(u *hub.User) *userParts {
	p := &userParts{user: u, roles: []string{scope.RoleUser}}
	if u.Admin {
		p.roles = []string{scope.RoleAdmin, scope.RoleUser}
	}
	return p
}

// mayGrantAdmin holds the caller's own admin flag against the wish to make an admin.
func mayGrantAdmin(c *call, admin bool) error {
	own := c.who.User != nil && c.who.User.Admin || c.who.Service != nil && c.who.Service.Admin
	if admin && !own {
		return hub.Errorf(hub.Forbidden, "Only admins can grant admin permissions")
	}
	return nil
}

// createUser makes one user. JupyterHub REST API: POST /users/{name}; the name is taken as it is.
func (a *API) createUser(c *call) error {
	var body newUsers
	if err := web.ReadJSON(c.Request, maxBody, &body); err != nil {
		return err
	}
	if err := mayGrantAdmin(c, body.Admin); err != nil {
		return err
	}
	if a.auth.CheckName(c.key.User) != nil {
		return hub.Errorf(hub.Invalid, "Failed to create user: %s", clip(c.key.User))
	}
	u, err := a.db.CreateUser(c.Context(), c.key.User, body.Admin, time.Now())
	if err != nil && hub.CodeOf(err) == hub.Conflict {
		return hub.Errorf(hub.Conflict, "User %s already exists", c.key.User)
	}
	if err != nil {
		return err
	}
	return web.JSON(c.w, http.StatusCreated, a.userModel(c.who, newParts(u)))
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
			return hub.Errorf(hub.Invalid, "%s's server is in the process of stopping, please wait.", u.Name)
		}
		if err := a.end(c, srv); err != nil {
			return err
		}
	}
	if err := a.db.DeleteUser(c.Context(), u.ID); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// end stops a server for good before its user goes.
func (a *API) end(c *call, srv *hub.Server) error {
	if srv.Key.Server != "" {
		return a.spawn.Delete(c.Context(), srv.Key)
	}
	if _, err := a.spawn.Stop(c.Context(), srv.Key, ""); err != nil {
		return err
	}
	_, err := a.spawn.WaitStopped(c.Context(), srv.Key)
	return err
}

// reported is the body of POST /users/{name}/activity.
type reported struct {
	LastActivity *string                     `json:"last_activity"`
	Servers      map[string]reportedActivity `json:"servers"`
}

type reportedActivity struct {
	LastActivity string `json:"last_activity"`
}

// activity takes what a server reports. JupyterHub REST API: POST /users/{name}/activity: everything is checked before anything
// is stored; values only move forward.
func (a *API) activity(c *call) error {
	var body reported
	if err := readActivity(c, &body); err != nil {
		return err
	}
	u, err := a.user(c)
	if err != nil {
		return err
	}
	var batch []store.Activity
	if len(body.Servers) > 0 {
		if batch, err = a.serverActivity(c, u, body.Servers); err != nil {
			return err
		}
	}
	if body.LastActivity != nil {
		at, err := past(*body.LastActivity)
		if err != nil {
			return err
		}
		batch = append(batch, store.Activity{UserID: u.ID, At: at})
	}
	for _, one := range batch {
		a.auth.Record(one)
	}
	return nil
}

func readActivity(c *call, body *reported) error {
	err := web.ReadJSON(c.Request, maxBody, body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return err
	case err != nil:
		return hub.Wrap(hub.Invalid, err, "body must be a json dict with last_activity, or servers of the form {server_name: {last_activity: timestamp}}")
	case body.LastActivity == nil && body.Servers == nil:
		return hub.Errorf(hub.Invalid, "body must contain at least one of `last_activity` or `servers`")
	}
	return nil
}

func (a *API) serverActivity(c *call, u *hub.User, reports map[string]reportedActivity) ([]store.Activity, error) {
	servers, err := a.db.ServersOfUser(c.Context(), u.ID)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]int64, len(servers))
	for _, srv := range servers {
		ids[srv.Key.Server] = srv.ID
	}
	var batch []store.Activity
	for name, report := range reports {
		if ids[name] == 0 {
			return nil, hub.Errorf(hub.Invalid, "No such server '%s' for user %s", clip(name), u.Name)
		}
		at, err := past(report.LastActivity)
		if err != nil {
			return nil, err
		}
		batch = append(batch, store.Activity{ServerID: ids[name], At: at})
	}
	return batch, nil
}

// past reads a time that is at most 59 minutes ahead: clocks differ.
func past(text string) (time.Time, error) {
	at, err := moment(text)
	if err == nil && at.After(time.Now().Add(59*time.Minute)) {
		return at, hub.Errorf(hub.Invalid, "Rejecting activity from more than an hour in the future: %s", clip(text))
	}
	return at, err
}
