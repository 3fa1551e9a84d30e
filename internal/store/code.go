package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"berdlhub/internal/hub"
)

const codeColumns = `client_id, user_id, redirect_uri, session_id, scopes, challenge, challenge_method, expires`

func scanCode(row scanner) (*hub.AuthorizationCode, error) {
	var c hub.AuthorizationCode
	err := row.Scan(&c.ClientID, &c.UserID, &c.RedirectURI, &c.SessionID, listTo{&c.Scopes}, &c.Challenge, &c.ChallengeMethod, stampTo{&c.Expires})
	return &c, err
}

// hashCode is what is kept of a code: who reads the database cannot use the codes in it. Codes are random, so no salt is needed.
func hashCode(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}

// CreateCode stores an authorization code. Errors: hub.Invalid when its client or user does not exist.
func (db *DB) CreateCode(ctx context.Context, c *hub.AuthorizationCode) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		return exec(ctx, t, `INSERT INTO oauth_codes (hashed, `+codeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			hashCode(c.Code), c.ClientID, c.UserID, c.RedirectURI, c.SessionID, listText(c.Scopes), c.Challenge, c.ChallengeMethod, stamp(c.Expires))
	})
	if db.d.trouble(err) == dangling {
		err = hub.Wrap(hub.Invalid, err, "The OAuth client or the user of the code does not exist.")
	}
	if err != nil {
		return fmt.Errorf("store an authorization code: %w", err)
	}
	return nil
}

// CodeByValue finds an authorization code without taking it. Errors: hub.NotFound when there is none, it was taken, or it has expired.
func (db *DB) CodeByValue(ctx context.Context, code string, now time.Time) (*hub.AuthorizationCode, error) {
	c, err := one(db.engine.reads().QueryRowContext(ctx, `SELECT `+codeColumns+` FROM oauth_codes WHERE hashed = $1 AND expires > $2`,
		hashCode(code), stamp(now)), scanCode, "No such authorization code")
	if err != nil {
		return nil, db.explain(err)
	}
	c.Code = code
	return c, nil
}

// ExchangeCode takes an authorization code, which can be done once, and stores the token that it is exchanged for, in one transaction.
// Errors: hub.NotFound when there is no such code, it was taken before, it had expired when the token was
// created, or the session that asked for it has ended.
func (db *DB) ExchangeCode(ctx context.Context, code string, k *hub.Token) error {
	var made hub.Token
	err := db.tx(ctx, byRow, func(t *tx) error {
		n, err := changed(ctx, t, `DELETE FROM oauth_codes WHERE hashed = $1 AND expires > $2`, hashCode(code), stamp(k.Created))
		if err != nil {
			return err
		}
		if n == 0 {
			return hub.Errorf(hub.NotFound, "No such authorization code")
		}
		if err := checkSession(ctx, t, k.UserID, k.SessionID); err != nil {
			return err
		}
		made = *k
		return insertToken(ctx, t, &made)
	})
	if err != nil {
		return fmt.Errorf("exchange an authorization code: %w", err)
	}
	*k = made
	return nil
}
