package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"berdlhub/internal/hub"
)

// GroupSpec is a group as the configuration describes it. JupyterHub's load_groups.
type GroupSpec struct {
	Name       string
	Users      []string        // added; nobody is removed
	Properties json.RawMessage // nil leaves what is stored
}

// SyncGroups makes the groups of the configuration and adds their users, which are created when missing, in one transaction.
// Errors: hub.Invalid for names that cannot be.
func (db *DB) SyncGroups(ctx context.Context, groups []GroupSpec) error {
	err := db.tx(ctx, serial, func(t *tx) error {
		for _, spec := range groups {
			id, err := ensureGroup(ctx, t, spec.Name)
			if err != nil {
				return err
			}
			if spec.Properties != nil {
				if err := exec(ctx, t, `UPDATE groups SET properties = $2 WHERE id = $1`, id, string(spec.Properties)); err != nil {
					return err
				}
			}
			for _, userName := range spec.Users {
				u, err := ensureUser(ctx, t, userName, time.Now())
				if err != nil {
					return err
				}
				if err := exec(ctx, t, addToGroup, u.ID, id); err != nil {
					return err
				}
			}
		}
		t.publish(Change{Kind: ChangeAccess})
		return nil
	})
	if err != nil {
		return fmt.Errorf("store the configured groups: %w", err)
	}
	return nil
}

const addToGroup = `INSERT INTO user_groups (user_id, group_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`

// ensureGroup finds a group or makes it.
func ensureGroup(ctx context.Context, t *tx, groupName string) (int64, error) {
	if err := name("group name", groupName); err != nil {
		return 0, err
	}
	if err := exec(ctx, t, `INSERT INTO groups (name) VALUES ($1) ON CONFLICT (name) DO NOTHING`, groupName); err != nil {
		return 0, err
	}
	return column[int64](t.QueryRowContext(ctx, `SELECT id FROM groups WHERE name = $1`, groupName))
}

// ensureUser finds a user or creates it.
func ensureUser(ctx context.Context, t *tx, userName string, now time.Time) (*hub.User, error) {
	u, err := findUserByName(ctx, t, userName, "")
	if hub.CodeOf(err) != hub.NotFound {
		return u, err
	}
	if err := name("user name", userName); err != nil {
		return nil, err
	}
	return insertUser(ctx, t, userName, false, now)
}

// setGroups makes a user a member of exactly these groups.
func setGroups(ctx context.Context, t *tx, userID int64, names []string) error {
	want := map[int64]bool{}
	for _, groupName := range names {
		id, err := ensureGroup(ctx, t, groupName)
		if err != nil {
			return err
		}
		want[id] = true
	}
	have, err := list(ctx, t, column[int64], `SELECT group_id FROM user_groups WHERE user_id = $1`, userID)
	if err != nil {
		return err
	}
	for _, id := range have {
		if want[id] {
			delete(want, id)
			continue
		}
		if err := exec(ctx, t, `DELETE FROM user_groups WHERE user_id = $1 AND group_id = $2`, userID, id); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if err := exec(ctx, t, addToGroup, userID, id); err != nil {
			return err
		}
	}
	return nil
}

// UsersInGroup gives the names of a group's members, sorted. A group that does not exist has none.
func (db *DB) UsersInGroup(ctx context.Context, group string) ([]string, error) {
	names, err := list(ctx, db.engine.reads(), column[string], `SELECT u.name FROM groups g JOIN user_groups ug ON ug.group_id = g.id
		JOIN users u ON u.id = ug.user_id WHERE g.name = $1 ORDER BY u.name`, group)
	if err != nil {
		return nil, fmt.Errorf("read a group's members: %w", db.explain(err))
	}
	return names, nil
}

// maxMarks is how many values one IN list gets.
const maxMarks = 500

// GroupsOfUsers gives the sorted names of the groups of many users at once, by user id.
func (db *DB) GroupsOfUsers(ctx context.Context, ids []int64) (map[int64][]string, error) {
	return namesOf(ctx, db, ids, `SELECT ug.user_id, g.name FROM user_groups ug JOIN groups g ON g.id = ug.group_id WHERE ug.user_id IN (%s) ORDER BY g.name`)
}

// RolesOfUsers gives the sorted names of the roles that many users hold directly, by user id.
func (db *DB) RolesOfUsers(ctx context.Context, ids []int64) (map[int64][]string, error) {
	return namesOf(ctx, db, ids, `SELECT m.user_id, r.name FROM user_roles m JOIN roles r ON r.id = m.role_id WHERE m.user_id IN (%s) ORDER BY r.name`)
}

type nameOf struct {
	id   int64
	name string
}

func namesOf(ctx context.Context, db *DB, ids []int64, query string) (map[int64][]string, error) {
	names := make(map[int64][]string, len(ids))
	for chunk := range slices.Chunk(ids, maxMarks) {
		found, err := list(ctx, db.engine.reads(), func(row scanner) (n nameOf, err error) {
			err = row.Scan(&n.id, &n.name)
			return n, err
		}, fmt.Sprintf(query, marks(1, len(chunk))), anys(chunk)...)
		if err != nil {
			return nil, fmt.Errorf("read what users belong to: %w", db.explain(err))
		}
		for _, n := range found {
			names[n.id] = append(names[n.id], n.name)
		}
	}
	return names, nil
}

// GroupDetail is a group with its members and the roles that it holds, each sorted.
type GroupDetail struct {
	hub.Group
	Users []string
	Roles []string
}

// GroupFilter chooses a page of groups, in the order in which they were made.
type GroupFilter struct {
	Names         []string // only these, if not nil
	Offset, Limit int      // Limit 0: all
}

const groupColumns = `g.id, g.name, g.properties`

func scanGroup(row scanner) (*GroupDetail, error) {
	var g GroupDetail
	err := row.Scan(&g.ID, &g.Name, jsonTo{&g.Properties})
	return &g, err
}

// Groups gives a page of groups and how many groups there are in all.
func (db *DB) Groups(ctx context.Context, f GroupFilter) (groups []*GroupDetail, total int, err error) {
	q := db.engine.reads()
	if total, err = column[int](q.QueryRowContext(ctx, `SELECT COUNT(*) FROM groups`)); err != nil {
		return nil, 0, fmt.Errorf("count groups: %w", db.explain(err))
	}
	var where string
	var args []any
	if f.Names != nil {
		where, args = ` WHERE 1 = 0`, anys(f.Names)
		if len(f.Names) > 0 {
			where = ` WHERE g.name IN (` + marks(1, len(f.Names)) + `)`
		}
	}
	limit := int64(1 << 40)
	if f.Limit > 0 {
		limit = int64(f.Limit)
	}
	args = append(args, limit, max(f.Offset, 0))
	groups, err = list(ctx, q, scanGroup, `SELECT `+groupColumns+` FROM groups g`+where+
		fmt.Sprintf(` ORDER BY g.id LIMIT $%d OFFSET $%d`, len(args)-1, len(args)), args...)
	if err == nil {
		err = fillGroups(ctx, q, groups)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("list groups: %w", db.explain(err))
	}
	return groups, total, nil
}

// GroupByName finds a group. Errors: hub.NotFound.
func (db *DB) GroupByName(ctx context.Context, groupName string) (*GroupDetail, error) {
	g, err := findGroup(ctx, db.engine.reads(), groupName, "")
	if err != nil {
		return nil, db.explain(err)
	}
	return g, db.explain(fillGroups(ctx, db.engine.reads(), []*GroupDetail{g}))
}

func findGroup(ctx context.Context, q querier, groupName, keep string) (*GroupDetail, error) {
	row := q.QueryRowContext(ctx, `SELECT `+groupColumns+` FROM groups g WHERE g.name = $1`+keep, groupName)
	return one(row, scanGroup, "No such group: %s", cut(groupName, maxName))
}

// fillGroups reads the members and roles of groups.
func fillGroups(ctx context.Context, q querier, groups []*GroupDetail) error {
	at := make(map[int64]*GroupDetail, len(groups))
	ids := make([]int64, 0, len(groups))
	for _, g := range groups {
		at[g.ID] = g
		ids = append(ids, g.ID)
	}
	scan := func(row scanner) (n nameOf, err error) {
		err = row.Scan(&n.id, &n.name)
		return n, err
	}
	for chunk := range slices.Chunk(ids, maxMarks) {
		in := ` IN (` + marks(1, len(chunk)) + `)`
		users, err := list(ctx, q, scan, `SELECT ug.group_id, u.name FROM user_groups ug JOIN users u ON u.id = ug.user_id
			WHERE ug.group_id`+in+` ORDER BY u.name`, anys(chunk)...)
		if err != nil {
			return err
		}
		for _, u := range users {
			at[u.id].Users = append(at[u.id].Users, u.name)
		}
		roles, err := list(ctx, q, scan, `SELECT m.group_id, r.name FROM group_roles m JOIN roles r ON r.id = m.role_id
			WHERE m.group_id`+in+` ORDER BY r.name`, anys(chunk)...)
		if err != nil {
			return err
		}
		for _, r := range roles {
			at[r.id].Roles = append(at[r.id].Roles, r.name)
		}
	}
	return nil
}

// CreateGroups makes groups with these members, all of them or none. Errors: hub.Conflict for a name that is taken, hub.Invalid
// for one that cannot be and for a user who does not exist.
func (db *DB) CreateGroups(ctx context.Context, names, users []string) error {
	for _, groupName := range names {
		if err := name("group name", groupName); err != nil {
			return err
		}
	}
	return db.tx(ctx, serial, func(t *tx) error {
		for _, groupName := range names {
			n, err := changed(ctx, t, `INSERT INTO groups (name) VALUES ($1) ON CONFLICT (name) DO NOTHING`, groupName)
			if err != nil {
				return err
			}
			if n == 0 {
				return hub.Errorf(hub.Conflict, "Group %s already exists", groupName)
			}
			if err := t.audit(ctx, "group.create", groupTarget(groupName), nil); err != nil {
				return err
			}
			if err := changeMembers(ctx, t, groupName, users, true); err != nil {
				return err
			}
		}
		t.publish(Change{Kind: ChangeAccess})
		return nil
	})
}

// DeleteGroup deletes a group with its memberships, roles and shares. Errors: hub.NotFound.
func (db *DB) DeleteGroup(ctx context.Context, groupName string) error {
	return db.tx(ctx, serial, func(t *tx) error {
		n, err := changed(ctx, t, `DELETE FROM groups WHERE name = $1`, groupName)
		if err != nil {
			return err
		}
		if n == 0 {
			return hub.Errorf(hub.NotFound, "No such group: %s", cut(groupName, maxName))
		}
		t.publish(Change{Kind: ChangeAccess})
		return t.audit(ctx, "group.delete", groupTarget(groupName), nil)
	})
}

// ChangeMembers adds users to a group, or removes them; who is there already, or is not, stays as he is.
// Errors: hub.NotFound for the group, hub.Invalid for a user who does not exist.
func (db *DB) ChangeMembers(ctx context.Context, groupName string, users []string, member bool) error {
	return db.tx(ctx, serial, func(t *tx) error { return changeMembers(ctx, t, groupName, users, member) })
}

func changeMembers(ctx context.Context, t *tx, groupName string, users []string, member bool) error {
	g, err := findGroup(ctx, t, groupName, t.d.keep("g"))
	if err != nil {
		return err
	}
	statement, word := addToGroup, "added"
	if !member {
		statement, word = `DELETE FROM user_groups WHERE user_id = $1 AND group_id = $2`, "removed"
	}
	var moved []string
	for _, userName := range users {
		u, err := findUserByName(ctx, t, userName, "")
		if hub.CodeOf(err) == hub.NotFound {
			return hub.Errorf(hub.Invalid, "No such user: %s", cut(userName, maxName))
		}
		if err != nil {
			return err
		}
		n, err := changed(ctx, t, statement, u.ID, g.ID)
		if err != nil {
			return err
		}
		if n > 0 {
			moved = append(moved, userName)
			t.publish(Change{Kind: ChangeAccess, ID: u.ID})
		}
	}
	if len(moved) == 0 {
		return nil
	}
	return t.audit(ctx, "group.members", groupTarget(groupName), map[string]any{word: moved})
}

// SetGroupProperties replaces a group's properties, a JSON object. Errors: hub.NotFound.
func (db *DB) SetGroupProperties(ctx context.Context, groupName string, properties json.RawMessage) error {
	return db.tx(ctx, byRow, func(t *tx) error {
		n, err := changed(ctx, t, `UPDATE groups SET properties = $2 WHERE name = $1`, groupName, string(properties))
		if err != nil {
			return err
		}
		if n == 0 {
			return hub.Errorf(hub.NotFound, "No such group: %s", cut(groupName, maxName))
		}
		return t.audit(ctx, "group.properties", groupTarget(groupName), nil)
	})
}
