package store

import (
	"context"
	"fmt"
	"strings"

	"berdlhub/internal/hub"
)

// UserSearch chooses users and their order for the administration's list.
type UserSearch struct {
	Text          string   // part of the name in any case, taken as it is; empty: all
	Show          string   // "" (all), active (a server is pending or ready), ready, inactive, admin, or failed (the last start of a server failed)
	Names, Groups []string // with one of them set (not nil), only users of these names or in one of these groups
	Sort          string   // name (also ""), activity, or created
	Desc          bool
	Offset        int
	Limit         int // 0: 50
}

var (
	userShows = map[string]string{
		"":         "",
		"active":   `u.id IN (SELECT s.user_id FROM servers s WHERE s.phase IN ` + activePhases + `)`,
		"inactive": `u.id NOT IN (SELECT s.user_id FROM servers s WHERE s.phase IN ` + activePhases + `)`,
		"ready":    `u.id IN (SELECT s.user_id FROM servers s WHERE s.phase = 'ready')`,
		"failed":   `u.id IN (SELECT s.user_id FROM servers s WHERE s.phase = 'failed')`,
		"admin":    `u.admin`,
	}
	searchOrders = map[string]string{
		"name": "u.name", "-name": "u.name DESC", "created": "u.id", "-created": "u.id DESC",
		"activity": "u.last_activity, u.id", "-activity": "u.last_activity DESC, u.id DESC",
	}
)

// SearchUsers gives a page of users and how many there are on all pages. Users never seen come first by activity, with Desc last.
// Errors: hub.Invalid for an unknown Show or Sort.
func (db *DB) SearchUsers(ctx context.Context, f UserSearch) (users []*hub.User, total int, err error) {
	order, known := searchOrders[ordered(f.Sort, "name", f.Desc)]
	show, shown := userShows[f.Show]
	if !known || !shown {
		return nil, 0, hub.Errorf(hub.Invalid, "There is no such order or choice of users. Open the list again from the administration.")
	}
	where, args, err := UserFilter{Names: f.Names, Groups: f.Groups}.where()
	if err != nil {
		return nil, 0, err
	}
	c := conditions{where: where, args: args}
	c.and(show)
	if f.Text != "" {
		c.and(`LOWER(u.name) LIKE LOWER(%s) ESCAPE '\'`, contains(f.Text))
	}
	q := db.engine.reads()
	if total, err = column[int](q.QueryRowContext(ctx, `SELECT COUNT(*) FROM users u`+c.where, c.args...)); err != nil {
		return nil, 0, fmt.Errorf("count users: %w", db.explain(err))
	}
	users, err = list(ctx, q, scanUser, `SELECT `+userColumns+` FROM users u`+c.where+` ORDER BY `+order+c.page(f.Limit, f.Offset), c.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("search users: %w", db.explain(err))
	}
	return users, total, nil
}

// ordered is the key of an order: its name, with a minus in front when it is turned around.
func ordered(sort, usual string, desc bool) string {
	if sort == "" {
		sort = usual
	}
	if desc {
		return "-" + sort
	}
	return sort
}

// contains is the LIKE pattern of a part of a text, with \ as the escape.
func contains(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

// conditions collects a WHERE clause and its arguments.
type conditions struct {
	where string // begins with a space and WHERE; empty: none
	args  []any
}

// and adds a condition, in which %s stands for the placeholder of each value in turn. An empty one adds nothing.
func (c *conditions) and(condition string, values ...any) {
	if condition == "" {
		return
	}
	places := make([]any, len(values))
	for i := range values {
		places[i] = fmt.Sprintf("$%d", len(c.args)+i+1)
	}
	c.args = append(c.args, values...)
	if len(values) > 0 {
		condition = fmt.Sprintf(condition, places...)
	}
	if c.where == "" {
		c.where = " WHERE " + condition
		return
	}
	c.where += " AND " + condition
}

// defaultPage is how many rows a page has that does not say it.
const defaultPage = 50

// page adds the arguments of a page and gives its clause.
func (c *conditions) page(limit, offset int) string {
	if limit <= 0 {
		limit = defaultPage
	}
	c.args = append(c.args, limit, max(offset, 0))
	return fmt.Sprintf(" LIMIT $%d OFFSET $%d", len(c.args)-1, len(c.args))
}
