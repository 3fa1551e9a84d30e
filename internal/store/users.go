package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"berdlhub/internal/hub"
)

// UserFilter chooses users and their order. JupyterHub REST API: GET /users.
type UserFilter struct {
	State         string // "", active (a server is pending or ready), ready, inactive
	NameLike      string // part of the name in any case; % and _ stand for any text and any character
	Names, Groups []string
	Sort          string // id (also ""), name, last_activity
	Desc          bool
	Offset, Limit int  // Limit 0: all
	Count         bool // tell how many there are on all pages
}

const (
	activePhases = `('queued', 'starting', 'ready', 'stopping')`
	hasActive    = `EXISTS (SELECT 1 FROM servers s WHERE s.user_id = u.id AND s.phase IN ` + activePhases + `)`
	hasReady     = `EXISTS (SELECT 1 FROM servers s WHERE s.user_id = u.id AND s.phase = 'ready')`
)

var userOrders = map[string]string{
	"id": "u.id", "-id": "u.id DESC",
	"name": "u.name", "-name": "u.name DESC",
	"last_activity": "u.last_activity, u.id", "-last_activity": "u.last_activity DESC, u.id DESC",
}

// listedUser is a user's id and whether a server of theirs is ready.
type listedUser struct {
	id    int64
	ready bool
}

// FindUsers gives the ids of a page of users and, if Count is set, how many there are on all pages. With Names or Groups set
// (not nil), only users of these names or in one of these groups are chosen. The state ready chooses as active does and then
// leaves out, from the page, who has no ready server, so a page may be short and total counts the active. Users never seen come
// first, with Desc last. Errors: hub.Invalid for an unknown state or order.
func (db *DB) FindUsers(ctx context.Context, f UserFilter) (ids []int64, total int, err error) {
	key := cmp.Or(f.Sort, "id")
	if f.Desc {
		key = "-" + key
	}
	order, ok := userOrders[key]
	if !ok {
		return nil, 0, hub.Errorf(hub.Invalid, "sort must be 'id', 'name', or 'last_activity', not '%s'", cut(f.Sort, maxName))
	}
	where, args, err := f.where()
	if err != nil {
		return nil, 0, err
	}
	q := db.engine.reads()
	if f.Count {
		if total, err = column[int](q.QueryRowContext(ctx, `SELECT COUNT(*) FROM users u`+where, args...)); err != nil {
			return nil, 0, fmt.Errorf("count users: %w", db.explain(err))
		}
	}
	ready := "TRUE"
	if f.State == "ready" {
		ready = hasReady
	}
	query := `SELECT u.id, ` + ready + ` FROM users u` + where + ` ORDER BY ` + order
	if f.Limit > 0 || f.Offset > 0 {
		limit := int64(f.Limit)
		if limit <= 0 {
			limit = 1 << 40
		}
		args = append(args, limit, max(f.Offset, 0))
		query += fmt.Sprintf(` LIMIT $%d OFFSET $%d`, len(args)-1, len(args))
	}
	listed, err := list(ctx, q, scanListedUser, query, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("list users: %w", db.explain(err))
	}
	ids = make([]int64, 0, len(listed))
	for _, l := range listed {
		if l.ready {
			ids = append(ids, l.id)
		}
	}
	return ids, total, nil
}

func scanListedUser(row scanner) (l listedUser, err error) {
	err = row.Scan(&l.id, &l.ready)
	return l, err
}

// UsersByID gives users in the order of their ids; those that do not exist are left out.
func (db *DB) UsersByID(ctx context.Context, ids []int64) ([]*hub.User, error) {
	users := make([]*hub.User, 0, len(ids))
	for chunk := range slices.Chunk(ids, maxMarks) {
		some, err := list(ctx, db.engine.reads(), scanUser, `SELECT `+userColumns+` FROM users u WHERE u.id IN (`+marks(1, len(chunk))+`)`, anys(chunk)...)
		if err != nil {
			return nil, fmt.Errorf("read users: %w", db.explain(err))
		}
		users = append(users, some...)
	}
	at := make(map[int64]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	slices.SortFunc(users, func(a, b *hub.User) int { return at[a.ID] - at[b.ID] })
	return users, nil
}

// where gives the condition and its arguments.
func (f UserFilter) where() (string, []any, error) {
	var conditions []string
	var args []any
	switch f.State {
	case "":
	case "active", "ready":
		conditions = append(conditions, hasActive)
	case "inactive":
		conditions = append(conditions, "NOT "+hasActive)
	default:
		return "", nil, hub.Errorf(hub.Invalid, "Unrecognized state filter: '%s'", cut(f.State, maxName))
	}
	if f.NameLike != "" {
		args = append(args, "%"+strings.ReplaceAll(f.NameLike, `\`, `\\`)+"%")
		conditions = append(conditions, fmt.Sprintf(`LOWER(u.name) LIKE LOWER($%d) ESCAPE '\'`, len(args)))
	}
	if f.Names != nil || f.Groups != nil {
		chosen := []string{"1 = 0"}
		if len(f.Names) > 0 {
			chosen = append(chosen, `u.name IN (`+marks(len(args)+1, len(f.Names))+`)`)
			args = append(args, anys(f.Names)...)
		}
		if len(f.Groups) > 0 {
			chosen = append(chosen, `u.id IN (SELECT ug.user_id FROM user_groups ug JOIN groups g ON g.id = ug.group_id
				WHERE g.name IN (`+marks(len(args)+1, len(f.Groups))+`))`)
			args = append(args, anys(f.Groups)...)
		}
		conditions = append(conditions, "("+strings.Join(chosen, " OR ")+")")
	}
	if len(conditions) == 0 {
		return "", nil, nil
	}
	return " WHERE " + strings.Join(conditions, " AND "), args, nil
}
