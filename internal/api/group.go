package api

import (
	"encoding/json"
	"net/http"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

func groupRoutes() []Route {
	read := []string{"read:groups", "read:groups:name", "read:roles:groups"}
	return []Route{
		{Method: "GET", Path: "/groups", Scopes: []string{"list:groups"}, List: true, serve: (*API).listGroups},
		{Method: "POST", Path: "/groups", Scopes: []string{"admin:groups"}, serve: (*API).createGroups},
		{Method: "GET", Path: "/groups/{group}", Scopes: read, target: groupTarget, serve: (*API).getGroup},
		{Method: "POST", Path: "/groups/{group}", Scopes: []string{"admin:groups"}, target: groupTarget, serve: (*API).createGroup},
		{Method: "DELETE", Path: "/groups/{group}", Scopes: []string{"delete:groups"}, target: groupTarget, serve: (*API).deleteGroup},
		{Method: "POST", Path: "/groups/{group}/users", Scopes: []string{"groups"}, target: groupTarget, serve: (*API).addMembers},
		{Method: "DELETE", Path: "/groups/{group}/users", Scopes: []string{"groups"}, target: groupTarget, serve: (*API).removeMembers},
		{Method: "PUT", Path: "/groups/{group}/properties", Scopes: []string{"groups"}, target: groupTarget, serve: (*API).setProperties},
	}
}

// groupModel gives what the caller may see of a group; empty when that is nothing. JupyterHub REST API: group model, fields by scope.
func groupModel(who *auth.Principal, g *store.GroupDetail) object {
	target, m := scope.OfGroup(g.Name), object{}
	if who.Has("read:groups", target) {
		m["properties"], m["users"] = raw(g.Properties), orNone(g.Users)
	}
	if who.Has("read:roles:groups", target) {
		m["roles"] = orNone(g.Roles)
	}
	if len(m) > 0 || who.Has("read:groups:name", target) {
		m["kind"], m["name"] = "group", g.Name
	}
	return m
}

// orNone gives a list that is [] in JSON when it is empty.
func orNone(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

// listGroups lists groups. JupyterHub REST API: GET /groups; the total counts all groups.
func (a *API) listGroups(c *call) error {
	p, err := a.page(c)
	if err != nil {
		return err
	}
	f := store.GroupFilter{Offset: p.offset, Limit: p.limit}
	if all, filters := c.who.Scopes.Filters("list:groups"); !all {
		if len(filters.Groups) == 0 || len(filters.Users)+len(filters.Servers)+len(filters.Services) > 0 {
			return hub.Errorf(hub.Forbidden, "Action is not authorized with current scopes; requires any of [list:groups]")
		}
		f.Names = filters.Groups
	}
	groups, total, err := a.db.Groups(c.Context(), f)
	if err != nil {
		return err
	}
	items := []object{}
	for _, g := range groups {
		if m := groupModel(c.who, g); len(m) > 0 {
			items = append(items, m)
		}
	}
	return a.send(c, p, items, total)
}

func (a *API) getGroup(c *call) error { return a.sendGroup(c, http.StatusOK) }

// sendGroup answers with the group that the path names. JupyterHub REST API: GET /groups/{name}.
func (a *API) sendGroup(c *call, status int) error {
	g, err := a.db.GroupByName(c.Context(), c.PathValue("group"))
	if err != nil {
		return err
	}
	return web.JSON(c.w, status, groupModel(c.who, g))
}

// readGroup reads the fields of a group that a body may give, and with them the names of groups if several are asked for.
// JupyterHub REST API: POST /groups; name and roles are looked at and have no effect.
func (a *API) readGroup(c *call, otherwise string, several bool) (groups []string, users []*hub.User, err error) {
	sent, err := readObject(c, otherwise)
	if err != nil {
		return nil, nil, err
	}
	var name string
	var roles, names []string
	known := map[string]any{"name": &name, "roles": &roles, "users": &names}
	if several {
		known["groups"] = &groups
	}
	for field := range sent {
		into, ok := known[field]
		switch {
		case !ok:
			return nil, nil, hub.Errorf(hub.Invalid, "Invalid JSON keys: %s", clip(field))
		case field == "groups" && !sent.read(field, into):
			return nil, nil, hub.Errorf(hub.Invalid, "%s", otherwise)
		case field != "groups" && (!sent.has(field) || !sent.read(field, into)):
			return nil, nil, hub.Errorf(hub.Invalid, "group.%s is of the wrong type", field)
		}
	}
	users, err = a.usersNamed(c, names)
	return groups, users, err
}

// usersNamed finds users by what somebody calls them. Errors: Invalid for one who does not exist.
func (a *API) usersNamed(c *call, names []string) ([]*hub.User, error) {
	users := make([]*hub.User, 0, len(names))
	for _, name := range names {
		name = a.auth.KnownAs(name)
		if !plain(name) {
			return nil, hub.Errorf(hub.Invalid, "No such user: %s", clip(name))
		}
		u, err := a.db.UserByName(c.Context(), name)
		if err != nil && hub.CodeOf(err) == hub.NotFound {
			return nil, hub.Errorf(hub.Invalid, "No such user: %s", clip(name))
		}
		if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	return users, nil
}

func namesOf(users []*hub.User) []string {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = u.Name
	}
	return names
}

// createGroups makes groups. JupyterHub REST API: POST /groups.
func (a *API) createGroups(c *call) error {
	const none = "Must specify at least one group to create"
	groups, users, err := a.readGroup(c, none, true)
	if err != nil {
		return err
	}
	if len(groups) == 0 {
		return hub.Errorf(hub.Invalid, none)
	}
	if err := a.makeGroups(c, groups, users); err != nil {
		return err
	}
	created := make([]object, len(groups))
	for i, name := range groups {
		g, err := a.db.GroupByName(c.Context(), name)
		if err != nil {
			return err
		}
		created[i] = groupModel(c.who, g)
	}
	return web.JSON(c.w, http.StatusCreated, created)
}

// createGroup makes one group. JupyterHub REST API: POST /groups/{name}.
func (a *API) createGroup(c *call) error {
	_, users, err := a.readGroup(c, "Invalid JSON data: it must be an object", false)
	if err != nil {
		return err
	}
	if err := a.makeGroups(c, []string{c.PathValue("group")}, users); err != nil {
		return err
	}
	return a.sendGroup(c, http.StatusCreated)
}

func (a *API) makeGroups(c *call, groups []string, users []*hub.User) error {
	for _, name := range groups {
		if !plain(name) {
			return hub.Errorf(hub.Invalid, "A group's name is text")
		}
		if err := a.auth.MayAddTo(c.Context(), c.who, name, users); err != nil {
			return err
		}
	}
	return a.db.CreateGroups(c.Context(), groups, namesOf(users))
}

// deleteGroup deletes a group. JupyterHub REST API: DELETE /groups/{name}.
func (a *API) deleteGroup(c *call) error {
	name := c.PathValue("group")
	if err := a.auth.MayHoldGroup(c.Context(), c.who, name); err != nil {
		return err
	}
	if err := a.db.DeleteGroup(c.Context(), name); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// readMembers reads the users who are to be added or removed.
func (a *API) readMembers(c *call, otherwise string) ([]*hub.User, error) {
	sent, err := readObject(c, otherwise)
	if err != nil {
		return nil, err
	}
	var names []string
	if !sent.has("users") || !sent.read("users", &names) {
		return nil, hub.Errorf(hub.Invalid, "%s", otherwise)
	}
	return a.usersNamed(c, names)
}

// addMembers adds users to a group. JupyterHub REST API: POST /groups/{name}/users.
func (a *API) addMembers(c *call) error {
	name := c.PathValue("group")
	if _, err := a.db.GroupByName(c.Context(), name); err != nil {
		return err
	}
	users, err := a.readMembers(c, "Must specify users to add")
	if err != nil {
		return err
	}
	if err := a.auth.MayAddTo(c.Context(), c.who, name, users); err != nil {
		return err
	}
	if err := a.db.ChangeMembers(c.Context(), name, namesOf(users), true); err != nil {
		return err
	}
	return a.sendGroup(c, http.StatusOK)
}

// removeMembers removes users from a group. JupyterHub REST API: DELETE /groups/{name}/users.
func (a *API) removeMembers(c *call) error {
	name := c.PathValue("group")
	if _, err := a.db.GroupByName(c.Context(), name); err != nil {
		return err
	}
	users, err := a.readMembers(c, "Must specify users to delete")
	if err != nil {
		return err
	}
	if err := a.db.ChangeMembers(c.Context(), name, namesOf(users), false); err != nil {
		return err
	}
	return a.sendGroup(c, http.StatusOK)
}

// setProperties replaces a group's properties. JupyterHub REST API: PUT /groups/{name}/properties.
func (a *API) setProperties(c *call) error {
	name := c.PathValue("group")
	if _, err := a.db.GroupByName(c.Context(), name); err != nil {
		return err
	}
	sent, err := readObject(c, "Must specify properties")
	if err != nil {
		return err
	}
	if sent == nil {
		return hub.Errorf(hub.Invalid, "Must specify properties")
	}
	text, err := json.Marshal(sent)
	if err != nil {
		return err
	}
	if err := a.db.SetGroupProperties(c.Context(), name, text); err != nil {
		return err
	}
	return a.sendGroup(c, http.StatusOK)
}
