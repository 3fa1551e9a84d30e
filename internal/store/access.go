package store

import (
	"context"
	"fmt"
	"time"

	"berdlhub/internal/hub"
)

// Access is everything that an owner's scopes are computed from.
type Access struct {
	Roles      []hub.Role // held directly, by name
	GroupRoles []hub.Role // held through groups, by name
	Groups     []string   // sorted
	Shares     []string   // raw scopes of shares with the user or a group of the user, for their servers' names of today
}

const (
	roleColumns = `r.id, r.name, r.description, r.scopes, r.managed`

	rolesOfUser    = `SELECT ` + roleColumns + ` FROM user_roles m JOIN roles r ON r.id = m.role_id WHERE m.user_id = $1 ORDER BY r.name`
	rolesOfService = `SELECT ` + roleColumns + ` FROM service_roles m JOIN roles r ON r.id = m.role_id WHERE m.service_id = $1 ORDER BY r.name`
	rolesOfGroups  = `SELECT ` + roleColumns + ` FROM roles r WHERE r.id IN (SELECT m.role_id FROM group_roles m
		JOIN user_groups ug ON ug.group_id = m.group_id WHERE ug.user_id = $1) ORDER BY r.name`
	rolesOfGroup = `SELECT ` + roleColumns + ` FROM group_roles m JOIN roles r ON r.id = m.role_id JOIN groups g ON g.id = m.group_id
		WHERE g.name = $1 ORDER BY r.name`
	sharesOfGroup = `SELECT h.scopes, o.name, s.name FROM shares h JOIN servers s ON s.id = h.server_id JOIN users o ON o.id = s.user_id
		JOIN groups g ON g.id = h.group_id WHERE g.name = $1 AND (h.expires = 0 OR h.expires > $2) ORDER BY h.id`
	groupsOfUser = `SELECT g.name FROM user_groups ug JOIN groups g ON g.id = ug.group_id WHERE ug.user_id = $1 ORDER BY g.name`
	sharesOfUser = `SELECT h.scopes, o.name, s.name FROM shares h JOIN servers s ON s.id = h.server_id JOIN users o ON o.id = s.user_id
		WHERE (h.expires = 0 OR h.expires > $2)
		AND (h.user_id = $1 OR h.group_id IN (SELECT ug.group_id FROM user_groups ug WHERE ug.user_id = $1)) ORDER BY h.id`
)

func scanRole(row scanner) (hub.Role, error) {
	var r hub.Role
	err := row.Scan(&r.ID, &r.Name, &r.Description, listTo{&r.Scopes}, &r.Managed)
	return r, err
}

// AccessOfUser gives everything that a user's scopes are computed from. A user that does not exist has nothing.
func (db *DB) AccessOfUser(ctx context.Context, userID int64) (*Access, error) {
	q := db.engine.reads()
	var a Access
	var err error
	if a.Roles, err = list(ctx, q, scanRole, rolesOfUser, userID); err != nil {
		return nil, fmt.Errorf("read a user's roles: %w", db.explain(err))
	}
	if a.Groups, err = list(ctx, q, column[string], groupsOfUser, userID); err != nil {
		return nil, fmt.Errorf("read a user's groups: %w", db.explain(err))
	}
	if len(a.Groups) > 0 {
		if a.GroupRoles, err = list(ctx, q, scanRole, rolesOfGroups, userID); err != nil {
			return nil, fmt.Errorf("read the roles of a user's groups: %w", db.explain(err))
		}
	}
	shares, err := list(ctx, q, sharedScopes, sharesOfUser, userID, stamp(time.Now()))
	if err != nil {
		return nil, fmt.Errorf("read what is shared with a user: %w", db.explain(err))
	}
	for _, scopes := range shares {
		a.Shares = append(a.Shares, scopes...)
	}
	return &a, nil
}

// AccessOfService gives everything that a service's scopes are computed from: its roles.
func (db *DB) AccessOfService(ctx context.Context, serviceID int64) (*Access, error) {
	roles, err := list(ctx, db.engine.reads(), scanRole, rolesOfService, serviceID)
	if err != nil {
		return nil, fmt.Errorf("read a service's roles: %w", db.explain(err))
	}
	return &Access{Roles: roles}, nil
}

// AccessOfGroup gives what a group gives its members: its roles and shares. A group that does not exist gives nothing.
func (db *DB) AccessOfGroup(ctx context.Context, group string) (*Access, error) {
	q := db.engine.reads()
	var a Access
	var err error
	if a.GroupRoles, err = list(ctx, q, scanRole, rolesOfGroup, group); err != nil {
		return nil, fmt.Errorf("read a group's roles: %w", db.explain(err))
	}
	shares, err := list(ctx, q, sharedScopes, sharesOfGroup, group, stamp(time.Now()))
	if err != nil {
		return nil, fmt.Errorf("read what is shared with a group: %w", db.explain(err))
	}
	for _, scopes := range shares {
		a.Shares = append(a.Shares, scopes...)
	}
	return &a, nil
}

// RoleByName finds a role. Errors: hub.NotFound.
func (db *DB) RoleByName(ctx context.Context, name string) (*hub.Role, error) {
	roles, err := list(ctx, db.engine.reads(), scanRole, `SELECT `+roleColumns+` FROM roles r WHERE r.name = $1`, name)
	if err != nil {
		return nil, db.explain(err)
	}
	if len(roles) == 0 {
		return nil, hub.Errorf(hub.NotFound, "There is no role named %s", name)
	}
	return &roles[0], nil
}
