package api

import (
	"encoding/json"
	"net/http"

	"berdlhub/internal/hub"
	"berdlhub/internal/spawn"
	"berdlhub/internal/web"
)

// changeServer changes a server that does not run. JupyterHub REST API: PATCH /users/{name}/servers/{server}, since 6.0.
func (a *API) changeServer(c *call) error {
	to, err := readChange(c)
	if err != nil {
		return err
	}
	if _, err := a.user(c); err != nil {
		return err
	}
	if c.key.Server == "" {
		if _, err := a.spawn.Ensure(c.Context(), c.key, ""); err != nil { // the default server is there before its first start
			return err
		}
	} else if !a.cfg.AllowNamedServers {
		return hub.Errorf(hub.Invalid, "Named servers are not enabled.")
	}
	srv, err := a.server(c)
	if err != nil {
		return err
	}
	if to.Name != nil {
		if *to.Name == "" && c.key.Server != "" {
			return hub.Errorf(hub.Conflict, "The default server has the empty name")
		}
		if err := a.auth.MayRenameServer(c.who, c.key, hub.ServerKey{User: c.key.User, Server: *to.Name}); err != nil {
			return err
		}
	}
	if srv, err = a.spawn.Change(c.Context(), srv.Key, *to); err != nil {
		return err
	}
	return a.sendServer(c, http.StatusOK, srv)
}

func readChange(c *call) (*spawn.ServerChange, error) {
	sent, err := readObject(c, "Body must be a JSON object")
	if err != nil {
		return nil, err
	}
	var to spawn.ServerChange
	for field := range sent {
		ok := true
		switch field {
		case "name":
			to.Name, ok = sent.plainText(field)
		case "display_name":
			to.DisplayName, ok = sent.plainText(field)
		case "user_options":
			var options fields
			if !sent.has(field) || !sent.read(field, &options) {
				return nil, hub.Errorf(hub.Invalid, "user_options must be a dict")
			}
			to.Options = sent[field]
		default:
			return nil, hub.Errorf(hub.Invalid, "Invalid JSON keys: %s", clip(field))
		}
		if !ok {
			return nil, hub.Errorf(hub.Invalid, "%s must be a string", field)
		}
	}
	if to.Name == nil && to.DisplayName == nil && to.Options == nil {
		return nil, hub.Errorf(hub.Invalid, "Must specify at least one field to modify.")
	}
	return &to, nil
}

// userChange is what PATCH may change of a user; what is nil stays.
type userChange struct {
	name  *string
	admin *bool
	state *map[string]any // points to nil to remove it
}

// changeUser changes a user. JupyterHub REST API: PATCH /users/{name}.
func (a *API) changeUser(c *call) error {
	to, err := readUserChange(c)
	if err != nil {
		return err
	}
	u, err := a.user(c)
	if err != nil {
		return err
	}
	if err := a.mayChangeUser(c, u, to); err != nil {
		return err
	}
	if to.name != nil && *to.name != u.Name {
		if err := a.renameUser(c, u, *to.name); err != nil {
			return err
		}
	}
	if to.admin != nil && *to.admin != u.Admin {
		if err := a.db.SetAdmin(c.Context(), u.ID, *to.admin); err != nil {
			return err
		}
	}
	if to.state != nil {
		if err := a.auth.SetState(c.Context(), u.ID, *to.state); err != nil {
			return err
		}
	}
	all, err := a.usersByID(c.Context(), []int64{u.ID})
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return hub.Errorf(hub.NotFound, "No such user: %s", clip(u.Name))
	}
	m, err := a.fullModel(c, all[0])
	if err != nil {
		return err
	}
	return web.RawJSON(c.w, http.StatusOK, m)
}

func readUserChange(c *call) (*userChange, error) {
	const invalid = "Invalid JSON data: it must be an object"
	sent, err := readObject(c, invalid)
	if err != nil {
		return nil, err
	}
	if sent == nil {
		return nil, hub.Errorf(hub.Invalid, invalid)
	}
	to := &userChange{}
	for field, text := range sent {
		ok := sent.has(field)
		switch field {
		case "name":
			ok = ok && sent.read(field, &to.name)
		case "admin":
			ok = ok && sent.read(field, &to.admin)
		case "auth_state":
			to.state = new(map[string]any)
			ok = string(text) == "null" || json.Unmarshal(text, to.state) == nil
		case "groups", "roles":
			return nil, hub.Errorf(hub.Invalid, "user.%s cannot be changed here", field)
		default:
			return nil, hub.Errorf(hub.Invalid, "Invalid JSON keys: %s", clip(field))
		}
		if !ok {
			return nil, hub.Errorf(hub.Invalid, "user.%s is of the wrong type", field)
		}
	}
	return to, nil
}

// mayChangeUser: only an administrator changes administrators, makes them, and renames anybody; see auth.FullAdmin. What a user's
// sign-in service gave is changed by who could act for the user.
func (a *API) mayChangeUser(c *call, u *hub.User, to *userChange) error {
	full := a.auth.FullAdmin(c.who)
	switch {
	case full:
		return nil
	case u.Admin:
		return hub.Errorf(hub.Forbidden, "Only admins can modify other admins")
	case to.admin != nil && *to.admin:
		return hub.Errorf(hub.Forbidden, "Only admins can grant admin permissions")
	case to.name != nil && *to.name != u.Name:
		return hub.Errorf(hub.Forbidden, "Only admins can rename users")
	case to.state != nil:
		return a.auth.MayActFor(c.Context(), c.who, u)
	}
	return nil
}

func (a *API) renameUser(c *call, u *hub.User, name string) error {
	name = a.auth.KnownAs(name)
	if a.auth.CheckName(name) != nil {
		return hub.Errorf(hub.Invalid, "Invalid username: %s", clip(name))
	}
	err := a.db.RenameUser(c.Context(), u.ID, name)
	if hub.CodeOf(err) == hub.Conflict {
		return hub.Wrap(hub.Invalid, err, hub.MessageOf(err))
	}
	return err
}
