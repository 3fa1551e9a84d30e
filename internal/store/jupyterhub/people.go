package jupyterhub

import (
	"context"
	"slices"
	"strings"
	"time"

	"berdlhub/internal/hub"
)

// ids reads the ids of a table by a text column.
func (im *importer) ids(ctx context.Context, query string) (map[string]int64, error) {
	found := map[string]int64{}
	err := im.b.Each(ctx, query, func(scan func(...any) error) error {
		var id int64
		var name string
		if err := scan(&id, &name); err != nil {
			return err
		}
		found[name] = id
		return nil
	})
	return found, err
}

// takeUsers matches by name, and a user who was renamed here by the value of the sign-in cookie.
func (im *importer) takeUsers(ctx context.Context) error {
	s := im.report.Section("users")
	byName, err := im.ids(ctx, `SELECT id, name FROM users`)
	if err != nil {
		return err
	}
	byCookie, err := im.ids(ctx, `SELECT id, cookie_id FROM users`)
	if err != nil {
		return err
	}
	for i := range im.src.Users {
		u := im.src.Users[i]
		why := nameFault(u.Name)
		if why == "" && strings.Contains(u.Name, "/") {
			why = "the name has a slash"
		}
		if why == "" && u.CookieID == "" {
			why = "there is no value for the sign-in cookie"
		}
		if why != "" {
			s.leave(string(why), u.Name)
			continue
		}
		id := byName[u.Name]
		if other := byCookie[u.CookieID]; id == 0 {
			id = other
		} else if other != 0 && other != id {
			s.leave("another user here has the same sign-in cookie", u.Name)
			continue
		}
		plain := u
		plain.LastActivity, plain.ID = time.Time{}, 0
		err := im.take(ctx, s, thing{
			kind: "user", name: u.Name, label: u.Name, row: plain,
			write: func(ctx context.Context) (err error) {
				id, err = im.writeUser(ctx, id, u)
				return err
			},
			forward: []any{`UPDATE users SET last_activity = $2 WHERE id = $1 AND last_activity < $2`, id, micro(u.LastActivity)},
		})
		if err != nil {
			return err
		}
		if id != 0 {
			im.users[u.ID], im.names[u.ID] = id, u.Name
		}
	}
	return nil
}

func (im *importer) writeUser(ctx context.Context, id int64, u User) (int64, error) {
	created := u.Created
	if created.IsZero() {
		created = im.o.Now
	}
	var authState any
	if len(u.AuthState) > 0 {
		authState = u.AuthState
	}
	if id == 0 {
		return im.b.ID(ctx, `INSERT INTO users (name, admin, info, created, last_activity, cookie_id, auth_state) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
			u.Name, u.Admin, jsonOrNull(u.Info), micro(created), micro(u.LastActivity), u.CookieID, authState)
	}
	_, err := im.b.Exec(ctx, `UPDATE users SET admin = $2, info = COALESCE($3, info), created = $4, cookie_id = $5, auth_state = COALESCE($6, auth_state) WHERE id = $1`,
		id, u.Admin, jsonOrNull(u.Info), micro(created), u.CookieID, authState)
	return id, err
}

func (im *importer) takeGroups(ctx context.Context) error {
	s := im.report.Section("groups")
	have, err := im.ids(ctx, `SELECT id, name FROM groups`)
	if err != nil {
		return err
	}
	for _, g := range im.src.Groups {
		if why := nameFault(g.Name); why != "" {
			s.leave(string(why), g.Name)
			continue
		}
		id, properties := have[g.Name], "{}"
		if g.Properties != nil {
			properties = string(g.Properties)
		}
		err := im.take(ctx, s, thing{kind: "group", name: g.Name, label: g.Name, row: properties, write: func(ctx context.Context) (err error) {
			id, err = im.b.ID(ctx, `INSERT INTO groups (name, properties) VALUES ($1, $2)
				ON CONFLICT (name) DO UPDATE SET properties = excluded.properties RETURNING id`, g.Name, properties)
			return err
		}})
		if err != nil {
			return err
		}
		if id != 0 {
			im.groups[g.ID] = id
		}
	}
	return nil
}

func (im *importer) takeMembers(ctx context.Context) error {
	s := im.report.Section("group members")
	groupNames := map[int64]string{}
	for _, g := range im.src.Groups {
		groupNames[g.ID] = g.Name
	}
	present := map[string]bool{}
	for _, m := range im.src.Members {
		user, group := im.users[m.User], im.groups[m.Group]
		label := im.names[m.User] + " in " + groupNames[m.Group]
		if user == 0 || group == 0 {
			s.leave("the user or the group is not here", label)
			continue
		}
		name := im.names[m.User] + separator + groupNames[m.Group]
		present[name] = true
		err := im.take(ctx, s, thing{kind: "member", name: name, label: label, write: func(ctx context.Context) error {
			_, err := im.b.Exec(ctx, `INSERT INTO user_groups (user_id, group_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, user, group)
			return err
		}})
		if err != nil {
			return err
		}
	}
	return im.forget(ctx, s, "member", present, func(parts []string) (int64, error) {
		return im.b.Exec(ctx, `DELETE FROM user_groups WHERE user_id IN (SELECT id FROM users WHERE name = $1)
			AND group_id IN (SELECT id FROM groups WHERE name = $2)`, parts[0], parts[1])
	})
}

// defaultRoles exist here already, and get their scopes from the configuration at each start.
var defaultRoles = []string{"user", "admin", "server", "token"}

func (im *importer) takeRoles(ctx context.Context) error {
	s := im.report.Section("roles")
	have, err := im.ids(ctx, `SELECT id, name FROM roles`)
	if err != nil {
		return err
	}
	for _, r := range im.src.Roles {
		id := have[r.Name]
		if slices.Contains(defaultRoles, r.Name) {
			im.roles[r.ID] = id
			continue
		}
		if why := nameFault(r.Name); why != "" {
			s.leave(string(why), r.Name)
			continue
		}
		if err := im.o.CheckScopes(r.Name, r.Scopes); err != nil {
			s.leave("it has a scope that does not exist here", r.Name)
			continue
		}
		plain := r
		plain.ID = 0
		err := im.take(ctx, s, thing{kind: "role", name: r.Name, label: r.Name, row: plain, write: func(ctx context.Context) (err error) {
			id, err = im.b.ID(ctx, `INSERT INTO roles (name, description, scopes, managed) VALUES ($1, $2, $3, $4)
				ON CONFLICT (name) DO UPDATE SET description = excluded.description, scopes = excluded.scopes, managed = excluded.managed RETURNING id`,
				r.Name, limited(r.Description, 1023), listText(r.Scopes), r.Managed)
			return err
		}})
		if err != nil {
			return err
		}
		if id != 0 {
			im.roles[r.ID] = id
		}
	}
	return nil
}

// holding is a row of a role map with the names of both.
type holding struct {
	kind, owner, role string
	ownerID, roleID   int64
	managed           bool
}

// holdings resolves who holds which role. Those of services wait until the services are there.
func (im *importer) holdings(s *Section, services bool) []holding {
	roles, groups, names := map[int64]string{}, map[int64]string{}, map[int64]string{}
	for _, r := range im.src.Roles {
		roles[r.ID] = r.Name
	}
	for _, g := range im.src.Groups {
		groups[g.ID] = g.Name
	}
	for _, v := range im.src.Services {
		names[v.ID] = v.Name
	}
	var all []holding
	for _, h := range im.src.Holders {
		if (h.Service != 0) != services {
			continue
		}
		x := holding{role: roles[h.Role], roleID: im.roles[h.Role], managed: h.Managed}
		switch {
		case h.User != 0:
			x.kind, x.owner, x.ownerID = "user", im.names[h.User], im.users[h.User]
		case h.Group != 0:
			x.kind, x.owner, x.ownerID = "group", groups[h.Group], im.groups[h.Group]
		default:
			x.kind, x.owner, x.ownerID = "service", names[h.Service], im.services[h.Service]
		}
		if x.roleID == 0 || x.ownerID == 0 {
			s.leave("the role, or who holds it, is not here", x.kind+" "+x.owner+" as "+x.role)
			continue
		}
		all = append(all, x)
	}
	return all
}

func (im *importer) takeHolders(ctx context.Context) error { return im.takeHoldings(ctx, false) }

func (im *importer) takeHoldings(ctx context.Context, services bool) error {
	s := im.report.Section("role holders")
	present := map[string]bool{}
	for _, h := range im.holdings(s, services) {
		name := h.kind + separator + h.owner + separator + h.role
		present[name] = true
		err := im.take(ctx, s, thing{
			kind: "holder", name: name, label: h.kind + " " + h.owner + " as " + h.role, row: h.managed,
			write: func(ctx context.Context) error {
				_, err := im.b.Exec(ctx, `INSERT INTO `+h.kind+`_roles (`+h.kind+`_id, role_id, managed) VALUES ($1, $2, $3)
					ON CONFLICT (`+h.kind+`_id, role_id) DO UPDATE SET managed = excluded.managed`, h.ownerID, h.roleID, h.managed)
				return err
			},
		})
		if err != nil {
			return err
		}
	}
	for name := range im.known["holder"] { // the other half is looked at in its own turn
		if strings.HasPrefix(name, "service"+separator) != services {
			present[name] = true
		}
	}
	return im.forget(ctx, s, "holder", present, func(parts []string) (int64, error) {
		kind := parts[0]
		return im.b.Exec(ctx, `DELETE FROM `+kind+`_roles WHERE `+kind+`_id IN (SELECT id FROM `+kind+`s WHERE name = $1)
			AND role_id IN (SELECT id FROM roles WHERE name = $2)`, parts[1], parts[2])
	})
}

// takeServices takes services with what the database knows of them. Those of the configuration are made anew from it at each start, and
// go when it does not name them; until then their rows hold their tokens.
func (im *importer) takeServices(ctx context.Context) error {
	s := im.report.Section("services")
	have, err := im.ids(ctx, `SELECT id, name FROM services`)
	if err != nil {
		return err
	}
	configured, err := im.ids(ctx, `SELECT id, name FROM services WHERE from_config`)
	if err != nil {
		return err
	}
	for _, v := range im.src.Services {
		if why := nameFault(v.Name); why != "" {
			s.leave(string(why), v.Name)
			continue
		}
		id, plain := have[v.Name], v
		plain.ID = 0
		err := im.take(ctx, s, thing{kind: "service", name: v.Name, label: v.Name, row: plain, write: func(ctx context.Context) (err error) {
			if configured[v.Name] != 0 {
				return nil // what is configured here counts
			}
			id, err = im.b.ID(ctx, `INSERT INTO services (name, admin, url, no_confirm, display, info, from_config) VALUES ($1, $2, $3, $4, $5, $6, $7)
				ON CONFLICT (name) DO UPDATE SET admin = excluded.admin, url = excluded.url, no_confirm = excluded.no_confirm,
				display = excluded.display, info = excluded.info, from_config = excluded.from_config RETURNING id`,
				v.Name, v.Admin, v.URL, v.NoConfirm, v.Display, jsonOrNull(v.Info), v.FromConfig)
			return err
		}})
		if err != nil {
			return err
		}
		if id != 0 {
			im.services[v.ID] = id
		}
	}
	return im.takeHoldings(ctx, true)
}

// takeClients takes the OAuth clients of servers and services.
func (im *importer) takeClients(ctx context.Context) error {
	s := im.report.Section("OAuth clients")
	servers, services := map[string]int64{}, map[string]int64{}
	for _, srv := range im.src.Servers {
		servers[srv.Client] = im.servers[srv.ID]
	}
	for _, v := range im.src.Services {
		services[v.Client] = im.services[v.ID]
	}
	im.clients[hub.PlainClient] = true
	for _, c := range im.src.Clients {
		server, service := servers[c.Identifier], services[c.Identifier]
		switch {
		case c.Identifier == hub.PlainClient:
			continue
		case (server == 0) == (service == 0):
			s.leave("it belongs to no server and no service that is here", c.Identifier)
			continue
		case nameFault(c.Identifier) != "":
			s.leave(string(nameFault(c.Identifier)), c.Identifier)
			continue
		}
		err := im.take(ctx, s, thing{kind: "client", name: c.Identifier, label: c.Identifier, row: c, write: func(ctx context.Context) error {
			n, err := im.b.Exec(ctx, `INSERT INTO oauth_clients (id, description, hashed_secret, redirect_uri, allowed_scopes, server_id, service_id)
				VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET description = excluded.description, hashed_secret = excluded.hashed_secret,
				redirect_uri = excluded.redirect_uri, allowed_scopes = excluded.allowed_scopes
				WHERE COALESCE(oauth_clients.server_id, 0) = COALESCE(excluded.server_id, 0)
				AND COALESCE(oauth_clients.service_id, 0) = COALESCE(excluded.service_id, 0)`,
				c.Identifier, limited(c.Description, 1023), c.HashedSecret, c.RedirectURI, listText(c.AllowedScopes), idOrNull(server), idOrNull(service))
			if err == nil && n == 0 {
				return leftOut("its name is taken here by another server or service")
			}
			return err
		}})
		if err != nil {
			return err
		}
	}
	return im.b.Each(ctx, `SELECT id FROM oauth_clients`, func(scan func(...any) error) error {
		var id string
		if err := scan(&id); err != nil {
			return err
		}
		im.clients[id] = true
		return nil
	})
}
