package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
)

const tokenColumns = `id, user_id, service_id, hashed, prefix, client_id, session_id, run_id, scopes, note, created, expires, last_activity`

func scanToken(row scanner) (*hub.Token, error) {
	var k hub.Token
	err := row.Scan(&k.ID, idTo{&k.UserID}, idTo{&k.ServiceID}, &k.Hashed, &k.Prefix, &k.ClientID, &k.SessionID, &k.RunID,
		listTo{&k.Scopes}, &k.Note, stampTo{&k.Created}, stampTo{&k.Expires}, stampTo{&k.LastActivity})
	return &k, err
}

// CreateToken stores a token and fills its ID. A token without a client is a plain API token.
// Errors: hub.Invalid when it does not belong to exactly one user or service, its note is too long,
// or its owner or client does not exist.
func (db *DB) CreateToken(ctx context.Context, k *hub.Token) error {
	var made hub.Token
	err := db.tx(ctx, byRow, func(t *tx) error {
		made = *k
		return insertToken(ctx, t, &made)
	})
	if db.d.trouble(err) == dangling {
		err = hub.Wrap(hub.Invalid, err, "The token's owner or OAuth client does not exist.")
	}
	if err != nil {
		return fmt.Errorf("store a token: %w", err)
	}
	*k = made
	return nil
}

// insertToken fills the token's ID, and the client of a plain API token.
func insertToken(ctx context.Context, t *tx, k *hub.Token) error {
	if (k.UserID == 0) == (k.ServiceID == 0) {
		return hub.Errorf(hub.Invalid, "A token belongs either to a user or to a service.")
	}
	if err := bounded("note", k.Note, maxNote); err != nil {
		return err
	}
	k.ClientID = cmp.Or(k.ClientID, hub.PlainClient)
	id, err := column[int64](t.QueryRowContext(ctx, `INSERT INTO tokens (user_id, service_id, hashed, prefix, client_id, session_id, run_id,
		scopes, note, created, expires, last_activity) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id`,
		idOrNull(k.UserID), idOrNull(k.ServiceID), k.Hashed, k.Prefix, k.ClientID, k.SessionID, k.RunID,
		listText(k.Scopes), k.Note, stamp(k.Created), stamp(k.Expires), stamp(k.LastActivity)))
	if err != nil {
		return err
	}
	k.ID = id
	t.publish(Change{Kind: ChangeToken, ID: id})
	if k.RunID != "" {
		return nil // part of a start, which has a line of its own
	}
	return auditToken(ctx, t, "token.create", k)
}

// auditToken writes that a token was made or deleted.
func auditToken(ctx context.Context, t *tx, action string, k *hub.Token) error {
	owner, err := column[string](t.QueryRowContext(ctx, `SELECT 'user/' || u.name FROM users u WHERE u.id = $1
		UNION ALL SELECT 'service/' || s.name FROM services s WHERE s.id = $2`, k.UserID, k.ServiceID))
	if err != nil {
		return err
	}
	detail := map[string]any{"id": fmt.Sprintf("a%d", k.ID), "note": cut(k.Note, maxName)}
	if k.ClientID != hub.PlainClient {
		detail["client"] = k.ClientID
	}
	return t.audit(ctx, action, owner, detail)
}

func expired(k *hub.Token, now time.Time) bool { return !k.Expires.IsZero() && !k.Expires.After(now) }

// TokenByPlain finds the token that somebody shows. Errors: hub.NotFound when there is none, or it has expired.
func (db *DB) TokenByPlain(ctx context.Context, plain string, now time.Time) (*hub.Token, error) {
	candidates, err := list(ctx, db.engine.reads(), scanToken, `SELECT `+tokenColumns+` FROM tokens
		WHERE prefix = $1`, secret.TokenPrefix(plain))
	if err != nil {
		return nil, fmt.Errorf("look a token up: %w", db.explain(err))
	}
	for _, k := range candidates {
		if !expired(k, now) && secret.CheckToken(plain, k.Hashed) {
			return k, nil
		}
	}
	return nil, hub.Errorf(hub.NotFound, "No such token")
}

// TokenByID finds a token, expired or not. Errors: hub.NotFound.
func (db *DB) TokenByID(ctx context.Context, id int64) (*hub.Token, error) {
	k, err := one(db.engine.reads().QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE id = $1`, id), scanToken, "No such token")
	return k, db.explain(err)
}

// TokensOfUser gives a user's tokens, the one that was used longest ago first; one that was never used counts from its creation.
// Expired tokens are deleted on the way.
func (db *DB) TokensOfUser(ctx context.Context, userID int64, now time.Time) ([]*hub.Token, error) {
	return db.tokensOf(ctx, now, `user_id = $1`, userID)
}

// TokensOfService gives a service's tokens in the same way as TokensOfUser.
func (db *DB) TokensOfService(ctx context.Context, serviceID int64, now time.Time) ([]*hub.Token, error) {
	return db.tokensOf(ctx, now, `service_id = $1`, serviceID)
}

func (db *DB) tokensOf(ctx context.Context, now time.Time, where string, id int64) ([]*hub.Token, error) {
	all, err := list(ctx, db.engine.reads(), scanToken, `SELECT `+tokenColumns+` FROM tokens WHERE `+where+`
		ORDER BY CASE WHEN last_activity = 0 THEN created ELSE last_activity END, id`, id)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", db.explain(err))
	}
	dead := func(k *hub.Token) bool { return expired(k, now) }
	if !slices.ContainsFunc(all, dead) {
		return all, nil
	}
	err = db.tx(ctx, byRow, func(t *tx) error {
		return deleteTokens(ctx, t, where+` AND expires > 0 AND expires <= $2`, id, stamp(now))
	})
	if err != nil {
		return nil, fmt.Errorf("delete expired tokens: %w", err)
	}
	return slices.DeleteFunc(all, dead), nil
}

// TokensOfUserAndClient gives a user's tokens of an OAuth client, expired ones too, oldest first.
func (db *DB) TokensOfUserAndClient(ctx context.Context, userID int64, clientID string) ([]*hub.Token, error) {
	all, err := list(ctx, db.engine.reads(), scanToken, `SELECT `+tokenColumns+` FROM tokens WHERE user_id = $1 AND client_id = $2 ORDER BY id`, userID, clientID)
	if err != nil {
		return nil, fmt.Errorf("list a client's tokens: %w", db.explain(err))
	}
	return all, nil
}

// manyTokens is how many deleted tokens are told one by one; more are told as "many".
const manyTokens = 50

// deleteTokens deletes tokens and publishes it.
func deleteTokens(ctx context.Context, t *tx, where string, args ...any) error {
	ids, err := list(ctx, t, column[int64], `DELETE FROM tokens WHERE `+where+` RETURNING id`, args...)
	if err != nil {
		return err
	}
	if len(ids) > manyTokens {
		ids = []int64{0}
	}
	for _, id := range ids {
		t.publish(Change{Kind: ChangeToken, ID: id})
	}
	return nil
}

func (db *DB) deleteTokens(ctx context.Context, where string, args ...any) error {
	err := db.tx(ctx, byRow, func(t *tx) error { return deleteTokens(ctx, t, where, args...) })
	if err != nil {
		return fmt.Errorf("delete tokens: %w", err)
	}
	return nil
}

// DeleteToken deletes a token. One that does not exist is no error.
func (db *DB) DeleteToken(ctx context.Context, id int64) error {
	return db.withdrawTokens(ctx, `id = $1`, id)
}

// withdrawTokens deletes tokens that somebody wants gone, which the audit log tells.
func (db *DB) withdrawTokens(ctx context.Context, where string, args ...any) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		doomed, err := list(ctx, t, scanToken, `SELECT `+tokenColumns+` FROM tokens WHERE `+where, args...)
		if err != nil {
			return err
		}
		for _, k := range doomed {
			if err := auditToken(ctx, t, "token.delete", k); err != nil {
				return err
			}
		}
		return deleteTokens(ctx, t, where, args...)
	})
	if err != nil {
		return fmt.Errorf("delete tokens: %w", err)
	}
	return nil
}

// DeleteTokensOfClient deletes what a user granted to an OAuth client.
func (db *DB) DeleteTokensOfClient(ctx context.Context, userID int64, clientID string) error {
	return db.withdrawTokens(ctx, `user_id = $1 AND client_id = $2`, userID, clientID)
}

// DeleteTokensOfSession deletes the tokens that a user's browser session made. An empty session deletes none.
func (db *DB) DeleteTokensOfSession(ctx context.Context, userID int64, sessionID string) error {
	if sessionID == "" {
		return nil
	}
	return db.deleteTokens(ctx, `user_id = $1 AND session_id = $2`, userID, sessionID)
}

// DeleteTokensOfRun deletes the tokens that a server's run was given. An empty run deletes none.
func (db *DB) DeleteTokensOfRun(ctx context.Context, runID string) error {
	if runID == "" {
		return nil
	}
	return db.deleteTokens(ctx, `run_id = $1`, runID)
}

// PurgeExpired deletes expired tokens, authorization codes, shares, share codes and sessions.
func (db *DB) PurgeExpired(ctx context.Context, now time.Time) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		if err := exec(ctx, t, `DELETE FROM oauth_codes WHERE expires <= $1`, stamp(now)); err != nil {
			return err
		}
		if err := exec(ctx, t, `DELETE FROM share_codes WHERE expires > 0 AND expires <= $1`, stamp(now)); err != nil {
			return err
		}
		if _, err := dropSessions(ctx, t, `expires <= $1`, stamp(now)); err != nil {
			return err
		}
		n, err := changed(ctx, t, `DELETE FROM shares WHERE expires > 0 AND expires <= $1`, stamp(now))
		if err != nil {
			return err
		}
		if n > 0 {
			t.publish(Change{Kind: ChangeAccess})
		}
		return deleteTokens(ctx, t, `expires > 0 AND expires <= $1`, stamp(now))
	})
	if err != nil {
		return fmt.Errorf("delete what has expired: %w", err)
	}
	return nil
}
