package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
)

const (
	shareCodeFrom   = ` FROM share_codes k JOIN servers s ON s.id = k.server_id JOIN users o ON o.id = s.user_id`
	shareCodeSelect = `SELECT k.id, k.server_id, o.name, s.name, s.phase, k.hashed, k.scopes, k.created, k.expires, k.exchanges, k.last_exchanged` + shareCodeFrom
)

func scanShareCode(row scanner) (*hub.ShareCode, error) {
	var k hub.ShareCode
	var phase hub.Phase
	err := row.Scan(&k.ID, &k.ServerID, &k.Server.User, &k.Server.Server, &phase, &k.Hashed, listTo{&k.Scopes},
		stampTo{&k.Created}, stampTo{&k.Expires}, &k.Exchanges, stampTo{&k.LastExchanged})
	k.Ready, k.Scopes = phase == hub.Ready, ofServer(k.Scopes, k.Server)
	return &k, err
}

// CreateShareCode makes a code by which a server is shared, with these scopes, until it expires. The code is given once.
// Errors: hub.NotFound when the server does not exist.
func (db *DB) CreateShareCode(ctx context.Context, serverID int64, scopes []string, expires, now time.Time) (code hub.Secret, k *hub.ShareCode, err error) {
	plain := secret.NewShareCode()
	err = db.tx(ctx, byRow, func(t *tx) error {
		srv, err := findServerByID(ctx, t, serverID, t.d.keep("s"))
		if err != nil {
			return err
		}
		id, err := column[int64](t.QueryRowContext(ctx, `INSERT INTO share_codes (owner_id, server_id, hashed, prefix, scopes, created, expires)
			VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`, srv.UserID, srv.ID, secret.HashToken(plain, secret.GeneratedRounds),
			secret.TokenPrefix(plain), listText(bare(scopes)), stamp(now), stamp(expires)))
		if err != nil {
			return err
		}
		if k, err = one(t.QueryRowContext(ctx, shareCodeSelect+` WHERE k.id = $1`, id), scanShareCode, "No such share code"); err != nil {
			return err
		}
		return t.audit(ctx, "sharecode.create", serverTarget(srv.Key), map[string]any{"id": k.ID, "scopes": k.Scopes})
	})
	if err != nil {
		return "", nil, fmt.Errorf("make a share code: %w", err)
	}
	return hub.Secret(plain), k, nil
}

// ShareCodeFilter chooses share codes; fields that are zero choose all.
type ShareCodeFilter struct {
	OwnerID, ServerID int64
	Offset, Limit     int // Limit 0: all
}

// ShareCodes gives a page of the codes that have not expired, in the order in which they were made, and how many there are on all pages.
func (db *DB) ShareCodes(ctx context.Context, f ShareCodeFilter, now time.Time) (codes []*hub.ShareCode, total int, err error) {
	where, args := ` WHERE (k.expires = 0 OR k.expires > $1) AND (s.user_id = $2 OR $2 = 0) AND (k.server_id = $3 OR $3 = 0)`,
		[]any{stamp(now), f.OwnerID, f.ServerID}
	q := db.engine.reads()
	if total, err = column[int](q.QueryRowContext(ctx, `SELECT COUNT(*)`+shareCodeFrom+where, args...)); err != nil {
		return nil, 0, fmt.Errorf("count share codes: %w", db.explain(err))
	}
	where += ` ORDER BY k.id`
	if f.Limit > 0 {
		args = append(args, f.Limit, max(f.Offset, 0))
		where += ` LIMIT $4 OFFSET $5`
	}
	if codes, err = list(ctx, q, scanShareCode, shareCodeSelect+where, args...); err != nil {
		return nil, 0, fmt.Errorf("list share codes: %w", db.explain(err))
	}
	return codes, total, nil
}

// ShareCodeByValue finds a code that has not expired. Errors: hub.NotFound.
func (db *DB) ShareCodeByValue(ctx context.Context, code string, now time.Time) (*hub.ShareCode, error) {
	k, err := findShareCode(ctx, db.engine.reads(), code, now, "")
	return k, db.explain(err)
}

func findShareCode(ctx context.Context, q querier, code string, now time.Time, keep string) (*hub.ShareCode, error) {
	missing := hub.Errorf(hub.NotFound, "No such share code, or it has expired")
	if !secret.ValidTokenLength(code) || strings.ContainsRune(code, 0) || strings.ToValidUTF8(code, "") != code {
		return nil, missing
	}
	candidates, err := list(ctx, q, scanShareCode, shareCodeSelect+` WHERE k.prefix = $1 AND (k.expires = 0 OR k.expires > $2)`+keep,
		secret.TokenPrefix(code), stamp(now))
	if err != nil {
		return nil, err
	}
	for _, k := range candidates {
		if secret.CheckToken(code, k.Hashed) {
			return k, nil
		}
	}
	return nil, missing
}

// AcceptShareCode gives a user what a code shares, beside what the user's share of the server has already.
// Errors: hub.NotFound when there is no such code, it has expired, or the user is gone; hub.Invalid for the server's owner.
func (db *DB) AcceptShareCode(ctx context.Context, code string, userID int64, now time.Time) (share *hub.Share, err error) {
	err = db.tx(ctx, byRow, func(t *tx) error {
		found, err := findShareCode(ctx, t, code, now, "")
		if err != nil {
			return err
		}
		srv, err := findServerByID(ctx, t, found.ServerID, t.d.keep("s"))
		if err != nil {
			return err
		}
		if srv.UserID == userID {
			return hub.Errorf(hub.Invalid, "This code is for your own server: send it to somebody else.")
		}
		u, err := findUserByID(ctx, t, userID, "")
		if err != nil {
			return err
		}
		n, err := changed(ctx, t, `UPDATE share_codes SET exchanges = exchanges + 1, last_exchanged = $2 WHERE id = $1`, found.ID, stamp(now))
		if err != nil {
			return err
		}
		if n == 0 {
			return hub.Errorf(hub.NotFound, "No such share code, or it has expired")
		}
		with := sharee{ShareTarget: hub.ShareTarget{User: u.Name}, userID: u.ID}
		if share, err = addToShare(ctx, t, srv, with, found.Scopes, now); err != nil {
			return err
		}
		detail := with.detail(found.Scopes)
		detail["id"] = found.ID
		return t.audit(ctx, "sharecode.accept", serverTarget(srv.Key), detail)
	})
	if err != nil {
		return nil, fmt.Errorf("accept a share code: %w", err)
	}
	return share, nil
}

// DeleteShareCode deletes one of a server's codes. Errors: hub.NotFound.
func (db *DB) DeleteShareCode(ctx context.Context, serverID, id int64) error {
	n, err := db.deleteShareCodes(ctx, serverID, id)
	if err == nil && n == 0 {
		err = hub.Errorf(hub.NotFound, "No such share code")
	}
	return err
}

// DeleteShareCodes deletes all codes of a server. Errors: hub.NotFound when the server does not exist.
func (db *DB) DeleteShareCodes(ctx context.Context, serverID int64) error {
	_, err := db.deleteShareCodes(ctx, serverID, 0)
	return err
}

func (db *DB) deleteShareCodes(ctx context.Context, serverID, id int64) (n int64, err error) {
	err = db.tx(ctx, byRow, func(t *tx) error {
		srv, err := findServerByID(ctx, t, serverID, t.d.keep("s"))
		if err != nil {
			return err
		}
		n, err = changed(ctx, t, `DELETE FROM share_codes WHERE server_id = $1 AND (id = $2 OR $2 = 0)`, serverID, id)
		if err != nil || n == 0 {
			return err
		}
		detail := map[string]any{"codes": n}
		if id != 0 {
			detail = map[string]any{"id": id}
		}
		return t.audit(ctx, "sharecode.delete", serverTarget(srv.Key), detail)
	})
	if err != nil {
		return 0, fmt.Errorf("delete share codes: %w", err)
	}
	return n, nil
}
