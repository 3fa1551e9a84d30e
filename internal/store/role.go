package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"berdlhub/internal/hub"
)

// RoleSpec is a role as the configuration describes it. JupyterHub's load_roles.
type RoleSpec struct {
	Name        string
	Description string
	Scopes      []string
	SetScopes   bool // Scopes are given; otherwise a default role keeps its own

	Users, Groups, Services []string // who holds the role: exactly these
	HasUsers, HasServices   bool     // the lists are given, which matters for the roles user and admin
}

// defaultRoles exist without any configuration and cannot be deleted. JupyterHub RBAC: default roles.
var defaultRoles = []RoleSpec{
	{Name: "user", Description: "What every user may do", Scopes: []string{"self"}},
	{Name: "admin", Description: "What administrators may do: everything", Scopes: []string{
		"admin-ui", "admin:users", "admin:servers", "admin:services", "tokens", "admin:groups", "list:services",
		"read:services", "read:hub", "proxy", "shutdown", "access:services", "access:servers", "read:roles", "read:metrics", "shares",
	}},
	{Name: "server", Description: "What a server may do: report activity and let visitors in", Scopes: []string{"users:activity!user", "access:servers!server"}},
	{Name: "token", Description: "What a token may do: the same as its owner", Scopes: []string{"inherit"}},
}

// membership is a table of who holds a role.
type membership struct{ table, column, nouns string }

var (
	usersInRole    = membership{"user_roles", "user_id", "users"}
	groupsInRole   = membership{"group_roles", "group_id", "groups"}
	servicesInRole = membership{"service_roles", "service_id", "services"}
)

func grant(ctx context.Context, q querier, m membership, id int64, role string) error {
	return exec(ctx, q, `INSERT INTO `+m.table+` (`+m.column+`, role_id) SELECT $1, r.id FROM roles r WHERE r.name = $2 ON CONFLICT DO NOTHING`, id, role)
}

func revoke(ctx context.Context, q querier, m membership, id int64, role string) error {
	return exec(ctx, q, `DELETE FROM `+m.table+` WHERE `+m.column+` = $1 AND role_id IN (SELECT r.id FROM roles r WHERE r.name = $2)`, id, role)
}

// ensureDefaultRoles makes the default roles of a new database, so that a user can be created before the configuration is read.
func (db *DB) ensureDefaultRoles(ctx context.Context) error {
	n, err := column[int](db.engine.reads().QueryRowContext(ctx, `SELECT COUNT(*) FROM roles WHERE name IN ('user', 'admin', 'server', 'token')`))
	if err != nil || n == len(defaultRoles) {
		return db.explain(err)
	}
	return db.tx(ctx, serial, func(t *tx) error {
		for _, r := range defaultRoles {
			if err := exec(ctx, t, `INSERT INTO roles (name, description, scopes) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`,
				r.Name, r.Description, listText(r.Scopes)); err != nil {
				return err
			}
		}
		return nil
	})
}

// SyncRoles makes the roles what the configuration says, in one transaction. Roles that are neither default, configured nor
// managed by the authenticator are deleted; memberships become exact, except that the role user without Users keeps everyone,
// and the role admin without Users or Services keeps who has the admin flag. Missing users and groups are created.
// In the end the admin flag and the role admin agree. Services must be synced before.
// Errors: hub.Invalid for a name given twice, an unknown service, or other scopes for the role admin.
func (db *DB) SyncRoles(ctx context.Context, specs []RoleSpec) error {
	wanted, err := mergeRoles(specs)
	if err != nil {
		return err
	}
	err = db.tx(ctx, serial, func(t *tx) error {
		names := make([]string, 0, len(wanted))
		for _, r := range wanted {
			names = append(names, r.Name)
			if err := defineRole(ctx, t, r); err != nil {
				return err
			}
		}
		gone, err := list(ctx, t, column[string], `DELETE FROM roles WHERE managed = FALSE AND name NOT IN (`+marks(1, len(names))+`) RETURNING name`, anys(names)...)
		if err != nil {
			return err
		}
		for _, roleName := range gone {
			if err := t.audit(ctx, "role.delete", roleTarget(roleName), nil); err != nil {
				return err
			}
		}
		for _, spec := range specs {
			if err := syncMembers(ctx, t, spec); err != nil {
				return fmt.Errorf("role %s: %w", spec.Name, err)
			}
		}
		t.publish(Change{Kind: ChangeAccess})
		return agreeOnAdmins(ctx, t)
	})
	if err != nil {
		return fmt.Errorf("store the configured roles: %w", err)
	}
	return nil
}

// defineRole stores a role of the configuration if it is new or differs.
func defineRole(ctx context.Context, t *tx, r RoleSpec) error {
	n, err := changed(ctx, t, `INSERT INTO roles (name, description, scopes) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET description = excluded.description, scopes = excluded.scopes, managed = FALSE
		WHERE roles.description <> excluded.description OR roles.scopes <> excluded.scopes OR roles.managed`,
		r.Name, r.Description, listText(r.Scopes))
	if err != nil || n == 0 {
		return err
	}
	return t.audit(ctx, "role.define", roleTarget(r.Name), map[string]any{"scopes": r.Scopes})
}

// mergeRoles lays the configured roles over the default ones.
func mergeRoles(specs []RoleSpec) ([]RoleSpec, error) {
	merged := slices.Clone(defaultRoles)
	seen := map[string]bool{}
	for _, spec := range specs {
		if err := name("role name", spec.Name); err != nil {
			return nil, err
		}
		if seen[spec.Name] {
			return nil, hub.Errorf(hub.Invalid, "The role %s is configured twice.", spec.Name)
		}
		seen[spec.Name] = true
		if err := bounded("description of role "+spec.Name, spec.Description, maxNote); err != nil {
			return nil, err
		}
		i := slices.IndexFunc(merged, func(r RoleSpec) bool { return r.Name == spec.Name })
		if i < 0 {
			merged = append(merged, spec)
			continue
		}
		if spec.Name == "admin" && spec.SetScopes && !sameSet(spec.Scopes, merged[i].Scopes) {
			return nil, hub.Errorf(hub.Invalid, "The scopes of the role admin cannot be changed: remove them from the configuration, or define another role.")
		}
		if spec.SetScopes {
			merged[i].Scopes = spec.Scopes
		}
		if spec.Description != "" {
			merged[i].Description = spec.Description
		}
	}
	return merged, nil
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

func syncMembers(ctx context.Context, t *tx, spec RoleSpec) error {
	roleID, err := column[int64](t.QueryRowContext(ctx, `SELECT id FROM roles WHERE name = $1`, spec.Name))
	if err != nil {
		return err
	}
	if err := syncUsersOfRole(ctx, t, spec, roleID); err != nil {
		return err
	}
	var groups, services []int64
	for _, groupName := range spec.Groups {
		id, err := ensureGroup(ctx, t, groupName)
		if err != nil {
			return err
		}
		groups = append(groups, id)
	}
	if err := setMembers(ctx, t, groupsInRole, spec.Name, roleID, groups); err != nil {
		return err
	}
	if spec.Name == "admin" && !spec.HasServices {
		return nil
	}
	for _, serviceName := range spec.Services {
		s, err := findServiceByName(ctx, t, serviceName)
		if hub.CodeOf(err) == hub.NotFound {
			return hub.Errorf(hub.Invalid, "the service %s is not configured", cut(serviceName, maxName))
		}
		if err != nil {
			return err
		}
		services = append(services, s.ID)
	}
	return setMembers(ctx, t, servicesInRole, spec.Name, roleID, services)
}

func syncUsersOfRole(ctx context.Context, t *tx, spec RoleSpec, roleID int64) error {
	switch {
	case spec.Name == "user" && !spec.HasUsers:
		return nil
	case spec.Name == "admin" && !spec.HasUsers:
		return exec(ctx, t, `DELETE FROM user_roles WHERE role_id = $1 AND managed = FALSE
			AND user_id IN (SELECT id FROM users WHERE admin = FALSE)`, roleID)
	}
	var users []int64
	for _, userName := range spec.Users {
		u, err := ensureUser(ctx, t, userName, time.Now())
		if err != nil {
			return err
		}
		users = append(users, u.ID)
	}
	if err := setMembers(ctx, t, usersInRole, spec.Name, roleID, users); err != nil || spec.Name != "admin" {
		return err
	}
	demoted, err := list(ctx, t, column[string], `UPDATE users SET admin = FALSE WHERE admin
		AND id NOT IN (SELECT user_id FROM user_roles WHERE role_id = $1) RETURNING name`, roleID)
	if err != nil {
		return err
	}
	return auditAdmins(ctx, t, demoted, false)
}

// auditAdmins writes that users got or lost the admin flag.
func auditAdmins(ctx context.Context, t *tx, names []string, admin bool) error {
	for _, userName := range names {
		if err := t.audit(ctx, "user.admin", userTarget(userName), map[string]any{"admin": admin}); err != nil {
			return err
		}
	}
	return nil
}

// setMembers makes exactly these hold a role, apart from memberships that the authenticator manages.
func setMembers(ctx context.Context, t *tx, m membership, role string, roleID int64, ids []int64) error {
	have, err := list(ctx, t, column[int64], `SELECT `+m.column+` FROM `+m.table+` WHERE role_id = $1 AND managed = FALSE`, roleID)
	if err != nil {
		return err
	}
	var removed, added []int64
	for _, id := range have {
		if slices.Contains(ids, id) {
			continue
		}
		if err := exec(ctx, t, `DELETE FROM `+m.table+` WHERE role_id = $1 AND `+m.column+` = $2`, roleID, id); err != nil {
			return err
		}
		removed = append(removed, id)
	}
	for _, id := range ids {
		n, err := changed(ctx, t, `INSERT INTO `+m.table+` (role_id, `+m.column+`) VALUES ($1, $2) ON CONFLICT DO NOTHING`, roleID, id)
		if err != nil {
			return err
		}
		if n > 0 {
			added = append(added, id)
		}
	}
	return auditMembers(ctx, t, m, role, added, removed)
}

// auditMembers writes who got and who lost a role; nothing when nobody did.
func auditMembers(ctx context.Context, t *tx, m membership, role string, added, removed []int64) error {
	detail := map[string]any{}
	for word, ids := range map[string][]int64{"added": added, "removed": removed} {
		var names []string
		for chunk := range slices.Chunk(ids, maxMarks) {
			some, err := list(ctx, t, column[string], `SELECT name FROM `+m.nouns+` WHERE id IN (`+marks(1, len(chunk))+`) ORDER BY name`, anys(chunk)...)
			if err != nil {
				return err
			}
			names = append(names, some...)
		}
		if len(names) > 0 {
			detail[word+"_"+m.nouns] = names
		}
	}
	if len(detail) == 0 {
		return nil
	}
	return t.audit(ctx, "role.members", roleTarget(role), detail)
}

// agreeOnAdmins gives the role admin to all with the flag, and the flag to all with the role.
func agreeOnAdmins(ctx context.Context, t *tx) error {
	if err := exec(ctx, t, `INSERT INTO user_roles (user_id, role_id) SELECT u.id, r.id FROM users u JOIN roles r ON r.name = 'admin'
		WHERE u.admin ON CONFLICT DO NOTHING`); err != nil {
		return err
	}
	promoted, err := list(ctx, t, column[string], `UPDATE users SET admin = TRUE WHERE NOT admin
		AND id IN (SELECT m.user_id FROM user_roles m JOIN roles r ON r.id = m.role_id WHERE r.name = 'admin') RETURNING name`)
	if err != nil {
		return err
	}
	if err := auditAdmins(ctx, t, promoted, true); err != nil {
		return err
	}
	return exec(ctx, t, `INSERT INTO service_roles (service_id, role_id) SELECT s.id, r.id FROM services s JOIN roles r ON r.name = 'admin'
		WHERE s.admin ON CONFLICT DO NOTHING`)
}

// SyncUsers makes the users that the configuration names, in one transaction: admins get the flag and the role admin, allowed ones
// the role user; blocked ones that exist lose the flag, all roles and groups, and their servers are asked to stop.
// Nobody is demoted because a name is missing. Errors: hub.Invalid for names that cannot be.
func (db *DB) SyncUsers(ctx context.Context, admins, allowed, blocked []string, now time.Time) error {
	err := db.tx(ctx, serial, func(t *tx) error {
		for _, userName := range slices.Concat(admins, allowed) {
			u, err := ensureUser(ctx, t, userName, now)
			if err != nil {
				return err
			}
			if err := grant(ctx, t, usersInRole, u.ID, "user"); err != nil {
				return err
			}
			if slices.Contains(admins, userName) {
				if err := setAdmin(ctx, t, u.ID, true); err != nil {
					return err
				}
			}
		}
		for _, userName := range blocked {
			if err := block(ctx, t, userName, now); err != nil {
				return err
			}
		}
		t.publish(Change{Kind: ChangeAccess})
		return nil
	})
	if err != nil {
		return fmt.Errorf("store the configured users: %w", err)
	}
	return nil
}

func block(ctx context.Context, t *tx, userName string, now time.Time) error {
	u, err := findUserByName(ctx, t, userName, t.d.keep("u"))
	if hub.CodeOf(err) == hub.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	var lost int64
	for _, statement := range []string{
		`UPDATE users SET admin = FALSE WHERE id = $1 AND admin`,
		`DELETE FROM user_roles WHERE user_id = $1`,
		`DELETE FROM user_groups WHERE user_id = $1`,
	} {
		n, err := changed(ctx, t, statement, u.ID)
		if err != nil {
			return err
		}
		lost += n
	}
	if lost > 0 {
		if err := t.audit(ctx, "user.block", userTarget(userName), nil); err != nil {
			return err
		}
	}
	servers, err := list(ctx, t, scanServer, serverSelect+` WHERE s.user_id = $1`+t.d.keep("s"), u.ID)
	if err != nil {
		return err
	}
	for _, s := range servers {
		if _, err := turnToStop(ctx, t, s, "This account is blocked.", 0, now); err != nil {
			return err
		}
	}
	return nil
}
