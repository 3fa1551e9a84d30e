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
	Users      []string        // added; nobody is removed
	Properties json.RawMessage // nil leaves what is stored
}

// SyncGroups makes the groups of the configuration and adds their users, which are created when missing, in one transaction.
// Errors: hub.Invalid for names that cannot be.
func (db *DB) SyncGroups(ctx context.Context, groups map[string]GroupSpec) error {
	err := db.tx(ctx, serial, func(t *tx) error {
		for _, groupName := range slices.Sorted(maps.Keys(groups)) {
			spec := groups[groupName]
			id, err := ensureGroup(ctx, t, groupName)
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
