package store

import (
	"context"
	"fmt"
	"time"

	"berdlhub/internal/hub"
)

// RoleSummary is a role and how many hold it directly.
type RoleSummary struct {
	hub.Role
	Users, Groups, Services int
}

// RoleSummaries gives all roles by name.
func (db *DB) RoleSummaries(ctx context.Context) ([]RoleSummary, error) {
	all, err := list(ctx, db.engine.reads(), func(row scanner) (r RoleSummary, err error) {
		err = row.Scan(&r.ID, &r.Name, &r.Description, listTo{&r.Scopes}, &r.Managed, &r.Users, &r.Groups, &r.Services)
		return r, err
	}, `SELECT r.id, r.name, r.description, r.scopes, r.managed,
		(SELECT COUNT(*) FROM user_roles m WHERE m.role_id = r.id), (SELECT COUNT(*) FROM group_roles m WHERE m.role_id = r.id),
		(SELECT COUNT(*) FROM service_roles m WHERE m.role_id = r.id) FROM roles r ORDER BY r.name`)
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", db.explain(err))
	}
	return all, nil
}

// RoleKind is what can hold a role.
type RoleKind string

// The kinds of who can hold a role.
const (
	RoleOfUser    RoleKind = "user"
	RoleOfGroup   RoleKind = "group"
	RoleOfService RoleKind = "service"
)

func (k RoleKind) membership() (membership, error) {
	switch k {
	case RoleOfUser:
		return usersInRole, nil
	case RoleOfGroup:
		return groupsInRole, nil
	case RoleOfService:
		return servicesInRole, nil
	}
	return membership{}, hub.Errorf(hub.Invalid, "A role is held by a user, a group or a service: choose one of them.")
}

// MembersOfRole names who holds a role directly, by name and at most limit of them. A role that does not exist has none.
func (db *DB) MembersOfRole(ctx context.Context, role string, kind RoleKind, limit int) ([]string, error) {
	m, err := kind.membership()
	if err != nil {
		return nil, err
	}
	names, err := list(ctx, db.engine.reads(), column[string], `SELECT n.name FROM roles r JOIN `+m.table+` m ON m.role_id = r.id
		JOIN `+m.nouns+` n ON n.id = m.`+m.column+` WHERE r.name = $1 ORDER BY n.name LIMIT $2`, role, limit)
	if err != nil {
		return nil, fmt.Errorf("read who holds a role: %w", db.explain(err))
	}
	return names, nil
}

// SetRoleMember gives a role to a user, group or service that exists, or takes it; what is so already stays so. The admin flag
// and the role admin of a user go together. Errors: hub.NotFound for an unknown role or holder; hub.Invalid for a role that only
// tokens and servers have.
func (db *DB) SetRoleMember(ctx context.Context, role string, kind RoleKind, holder string, member bool) error {
	m, err := kind.membership()
	if err != nil {
		return err
	}
	if role == "token" || role == "server" {
		return hub.Errorf(hub.Invalid, "The role %s says what %ss may do that name no scopes of their own: nobody holds it. Choose another role.", role, role)
	}
	err = db.tx(ctx, serial, func(t *tx) error {
		roles, err := list(ctx, t, column[int64], `SELECT id FROM roles WHERE name = $1`, role)
		if err != nil {
			return err
		}
		holders, err := list(ctx, t, column[int64], `SELECT id FROM `+m.nouns+` WHERE name = $1`, holder)
		if err != nil {
			return err
		}
		if len(roles) == 0 || len(holders) == 0 {
			return hub.Errorf(hub.NotFound, "There is no %s named %s, or no role %s. Check the spelling.", kind, cut(holder, maxName), cut(role, maxName))
		}
		return setRoleMember(ctx, t, m, role, holders[0], member)
	})
	if err != nil {
		return fmt.Errorf("change who holds a role: %w", err)
	}
	return nil
}

func setRoleMember(ctx context.Context, t *tx, m membership, role string, id int64, member bool) error {
	held, err := column[int](t.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+m.table+` m JOIN roles r ON r.id = m.role_id
		WHERE r.name = $1 AND m.`+m.column+` = $2`, role, id))
	if err != nil || (held > 0) == member {
		return err
	}
	change, added, removed := revoke, []int64(nil), []int64{id}
	if member {
		change, added, removed = grant, []int64{id}, nil
	}
	if err := change(ctx, t, m, id, role); err != nil {
		return err
	}
	changedUser := int64(0)
	if m == usersInRole {
		changedUser = id
		if role == "admin" {
			if err := setAdmin(ctx, t, id, member); err != nil {
				return err
			}
		}
	}
	t.publish(Change{Kind: ChangeAccess, ID: changedUser})
	if m == servicesInRole {
		t.publish(Change{Kind: ChangeToken})
	}
	return auditMembers(ctx, t, m, role, added, removed)
}

// FailedRun is a start of a server that ended badly.
type FailedRun struct {
	Server hub.ServerKey
	RunID  string
	At     time.Time // when it had failed
}

// FailedRuns gives the last starts of a user's servers that failed and whose story is still kept, newest first.
func (db *DB) FailedRuns(ctx context.Context, u *hub.User, limit int) ([]FailedRun, error) {
	all, err := list(ctx, db.engine.reads(), func(row scanner) (f FailedRun, err error) {
		f.Server.User = u.Name
		err = row.Scan(&f.RunID, &f.Server.Server, stampTo{&f.At})
		return f, err
	}, `SELECT runs.run_id, runs.name, e.at FROM (
			SELECT s.run_id, s.name FROM servers s WHERE s.user_id = $1 AND s.run_id <> ''
			UNION SELECT j.run_id, s.name FROM servers s JOIN journal j ON j.server_id = s.id WHERE s.user_id = $1
		) AS runs JOIN events e ON e.run_id = runs.run_id AND e.final = 'failed' ORDER BY e.at DESC, runs.run_id LIMIT $2`, u.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("read failed starts: %w", db.explain(err))
	}
	return all, nil
}

// GroupRole is a role that a user has through a group.
type GroupRole struct{ Group, Role string }

// RolesByGroup gives the roles that a user has through groups, by group and role.
func (db *DB) RolesByGroup(ctx context.Context, userID int64) ([]GroupRole, error) {
	all, err := list(ctx, db.engine.reads(), func(row scanner) (g GroupRole, err error) {
		err = row.Scan(&g.Group, &g.Role)
		return g, err
	}, `SELECT g.name, r.name FROM user_groups ug JOIN groups g ON g.id = ug.group_id JOIN group_roles m ON m.group_id = g.id
		JOIN roles r ON r.id = m.role_id WHERE ug.user_id = $1 ORDER BY g.name, r.name`, userID)
	if err != nil {
		return nil, fmt.Errorf("read roles of groups: %w", db.explain(err))
	}
	return all, nil
}
