package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"berdlhub/internal/hub"
)

// A share's scopes are stored without the filter that names the server: the name is added when they are read, so that a
// renamed server or owner keeps its shares, and a share never becomes one of another server that takes the name.
const (
	shareFrom = ` FROM shares h JOIN servers s ON s.id = h.server_id JOIN users o ON o.id = s.user_id
		LEFT JOIN users u ON u.id = h.user_id LEFT JOIN groups g ON g.id = h.group_id`
	shareSelect = `SELECT h.id, h.server_id, o.name, s.name, s.phase, COALESCE(u.name, ''), COALESCE(g.name, ''), h.scopes, h.created, h.expires` + shareFrom
)

func scanShare(row scanner) (*hub.Share, error) {
	var h hub.Share
	var phase hub.Phase
	err := row.Scan(&h.ID, &h.ServerID, &h.Server.User, &h.Server.Server, &phase, &h.With.User, &h.With.Group,
		listTo{&h.Scopes}, stampTo{&h.Created}, stampTo{&h.Expires})
	h.Ready, h.Scopes = phase == hub.Ready, ofServer(h.Scopes, h.Server)
	return &h, err
}

// ofServer adds the filter for a server to scopes, in place of one that they may have, and sorts them.
func ofServer(scopes []string, key hub.ServerKey) []string {
	out := make([]string, len(scopes))
	for i, scope := range bare(scopes) {
		out[i] = scope + "!server=" + key.Full()
	}
	return out
}

// bare gives scopes without filters, sorted and each once.
func bare(scopes []string) []string {
	out := make([]string, len(scopes))
	for i, scope := range scopes {
		out[i], _, _ = strings.Cut(scope, "!")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ShareFilter chooses shares; fields that are zero choose all.
type ShareFilter struct {
	OwnerID, ServerID int64
	With              hub.ShareTarget // shares with this group, or with this user or one of the user's groups
	Offset, Limit     int             // Limit 0: all
}

// Shares gives a page of the shares that have not expired, in the order in which they were made, and how many there are on all pages.
// Errors: hub.NotFound when With does not exist.
func (db *DB) Shares(ctx context.Context, f ShareFilter, now time.Time) (shares []*hub.Share, total int, err error) {
	q := db.engine.reads()
	var with sharee
	if f.With != (hub.ShareTarget{}) {
		if with, err = findSharee(ctx, q, f.With); err != nil {
			return nil, 0, db.explain(err)
		}
	}
	where, args := f.where(with, now)
	if total, err = column[int](q.QueryRowContext(ctx, `SELECT COUNT(*)`+shareFrom+where, args...)); err != nil {
		return nil, 0, fmt.Errorf("count shares: %w", db.explain(err))
	}
	where += ` ORDER BY h.id`
	if f.Limit > 0 {
		args = append(args, f.Limit, max(f.Offset, 0))
		where += fmt.Sprintf(` LIMIT $%d OFFSET $%d`, len(args)-1, len(args))
	}
	if shares, err = list(ctx, q, scanShare, shareSelect+where, args...); err != nil {
		return nil, 0, fmt.Errorf("list shares: %w", db.explain(err))
	}
	return shares, total, nil
}

func (f ShareFilter) where(with sharee, now time.Time) (string, []any) {
	conditions, args := []string{`(h.expires = 0 OR h.expires > $1)`}, []any{stamp(now)}
	for _, c := range []struct {
		id    int64
		where string
	}{
		{f.OwnerID, `s.user_id = $%[1]d`},
		{f.ServerID, `h.server_id = $%[1]d`},
		{with.userID, `(h.user_id = $%[1]d OR h.group_id IN (SELECT m.group_id FROM user_groups m WHERE m.user_id = $%[1]d))`},
		{with.groupID, `h.group_id = $%[1]d`},
	} {
		if c.id != 0 {
			args = append(args, c.id)
			conditions = append(conditions, fmt.Sprintf(c.where, len(args)))
		}
	}
	return ` WHERE ` + strings.Join(conditions, ` AND `), args
}

// sharee is a ShareTarget with its row: one of the ids is set.
type sharee struct {
	hub.ShareTarget
	userID, groupID int64
}

// findSharee looks a target up. Errors: hub.NotFound.
func findSharee(ctx context.Context, q querier, with hub.ShareTarget) (sharee, error) {
	if with.Group != "" {
		id, err := one(q.QueryRowContext(ctx, `SELECT id FROM groups WHERE name = $1`, with.Group), column[int64], "No such group: %s", cut(with.Group, maxName))
		return sharee{ShareTarget: with, groupID: id}, err
	}
	id, err := one(q.QueryRowContext(ctx, `SELECT id FROM users WHERE name = $1`, with.User), column[int64], "No such user: %s", cut(with.User, maxName))
	return sharee{ShareTarget: with, userID: id}, err
}

// detail is what the audit log says of a share.
func (s sharee) detail(scopes []string) map[string]any {
	if s.groupID != 0 {
		return map[string]any{"group": s.Group, "scopes": scopes}
	}
	return map[string]any{"user": s.User, "scopes": scopes}
}

// changed publishes that the target may do more or less than before.
func (s sharee) changed(t *tx) { t.publish(Change{Kind: ChangeAccess, ID: s.userID}) }

func findShare(ctx context.Context, q querier, serverID int64, with sharee, keep string) (*hub.Share, error) {
	return one(q.QueryRowContext(ctx, shareSelect+` WHERE h.server_id = $1 AND (h.user_id = $2 OR h.group_id = $3)`+keep, serverID, with.userID, with.groupID),
		scanShare, "There is no such share")
}

// ShareWith finds the share of a server with a user, directly, or with a group.
// Errors: hub.NotFound when there is none, it has expired, or the target does not exist.
func (db *DB) ShareWith(ctx context.Context, serverID int64, target hub.ShareTarget, now time.Time) (*hub.Share, error) {
	with, err := findSharee(ctx, db.engine.reads(), target)
	if err != nil {
		return nil, db.explain(err)
	}
	share, err := findShare(ctx, db.engine.reads(), serverID, with, "")
	if err == nil && ended(share.Expires, now) {
		return nil, hub.Errorf(hub.NotFound, "There is no such share")
	}
	return share, db.explain(err)
}

func ended(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

// GrantShare shares a server, with these scopes beside those that the target has already. Filters of the scopes are of no
// meaning: they hold for the server alone. Errors: hub.NotFound when the server or the target does not exist.
func (db *DB) GrantShare(ctx context.Context, serverID int64, target hub.ShareTarget, scopes []string, now time.Time) (share *hub.Share, err error) {
	err = db.tx(ctx, byRow, func(t *tx) error {
		srv, err := findServerByID(ctx, t, serverID, t.d.keep("s"))
		if err != nil {
			return err
		}
		with, err := findSharee(ctx, t, target)
		if err != nil {
			return err
		}
		if share, err = addToShare(ctx, t, srv, with, scopes, now); err != nil {
			return err
		}
		return t.audit(ctx, "share.grant", serverTarget(srv.Key), with.detail(ofServer(scopes, srv.Key)))
	})
	if err != nil {
		return nil, fmt.Errorf("share a server: %w", err)
	}
	return share, nil
}

// addToShare adds scopes to a share, which is made when there is none. The server's row must be kept.
func addToShare(ctx context.Context, t *tx, srv *hub.Server, with sharee, scopes []string, now time.Time) (*hub.Share, error) {
	have, err := findShare(ctx, t, srv.ID, with, "")
	switch {
	case hub.CodeOf(err) == hub.NotFound:
		err = exec(ctx, t, `INSERT INTO shares (owner_id, server_id, user_id, group_id, scopes, created) VALUES ($1, $2, $3, $4, $5, $6)`,
			srv.UserID, srv.ID, idOrNull(with.userID), idOrNull(with.groupID), listText(bare(scopes)), stamp(now))
	case err == nil:
		if !ended(have.Expires, now) {
			scopes = slices.Concat(scopes, have.Scopes)
		}
		err = exec(ctx, t, `UPDATE shares SET scopes = $2, expires = 0 WHERE id = $1`, have.ID, listText(bare(scopes)))
	}
	if err != nil {
		return nil, err
	}
	with.changed(t)
	return findShare(ctx, t, srv.ID, with, "")
}

// RevokeShare takes scopes of a server back from a target, or all with nil. It gives what remains, nil when that is nothing.
// Errors: hub.NotFound when the server or the target does not exist.
func (db *DB) RevokeShare(ctx context.Context, serverID int64, target hub.ShareTarget, scopes []string, now time.Time) (rest *hub.Share, err error) {
	err = db.tx(ctx, byRow, func(t *tx) error {
		rest = nil
		srv, err := findServerByID(ctx, t, serverID, t.d.keep("s"))
		if err != nil {
			return err
		}
		with, err := findSharee(ctx, t, target)
		if err != nil {
			return err
		}
		have, err := findShare(ctx, t, serverID, with, "")
		if hub.CodeOf(err) == hub.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		rest, err = takeFromShare(ctx, t, srv, with, have, scopes, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("take a share back: %w", err)
	}
	return rest, nil
}

func takeFromShare(ctx context.Context, t *tx, srv *hub.Server, with sharee, have *hub.Share, scopes []string, now time.Time) (rest *hub.Share, err error) {
	doomed := have.Scopes
	if scopes != nil {
		doomed = ofServer(scopes, srv.Key)
	}
	left := slices.DeleteFunc(slices.Clone(have.Scopes), func(s string) bool { return slices.Contains(doomed, s) })
	if len(left) == len(have.Scopes) && len(left) > 0 {
		if ended(have.Expires, now) {
			return nil, nil
		}
		return have, nil
	}
	if len(left) == 0 || ended(have.Expires, now) {
		err = exec(ctx, t, `DELETE FROM shares WHERE id = $1`, have.ID)
	} else {
		err = exec(ctx, t, `UPDATE shares SET scopes = $2 WHERE id = $1`, have.ID, listText(bare(left)))
		rest = have
		rest.Scopes = left
	}
	if err != nil {
		return nil, err
	}
	with.changed(t)
	return rest, t.audit(ctx, "share.revoke", serverTarget(srv.Key), with.detail(doomed))
}

// DeleteShares takes all shares of a server back. Errors: hub.NotFound when it does not exist.
func (db *DB) DeleteShares(ctx context.Context, serverID int64) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		srv, err := findServerByID(ctx, t, serverID, t.d.keep("s"))
		if err != nil {
			return err
		}
		n, err := changed(ctx, t, `DELETE FROM shares WHERE server_id = $1`, serverID)
		if err != nil || n == 0 {
			return err
		}
		t.publish(Change{Kind: ChangeAccess})
		return t.audit(ctx, "share.revoke", serverTarget(srv.Key), map[string]any{"shares": n})
	})
	if err != nil {
		return fmt.Errorf("take shares back: %w", err)
	}
	return nil
}

// sharedScopes reads the scopes of a share with the filter for its server.
func sharedScopes(row scanner) ([]string, error) {
	var scopes []string
	var key hub.ServerKey
	err := row.Scan(listTo{&scopes}, &key.User, &key.Server)
	return ofServer(scopes, key), err
}
