package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"berdlhub/internal/hub"
)

const (
	// maxSessions is how many rows of sessions are kept of a user, ended ones too; beyond it the oldest are dropped and end.
	maxSessions = 100
	// maxAhead is how far ahead the time of a cookie may be: sign-ins of one user in one second get cookies of their own.
	maxAhead = time.Hour
	// maxAgent is how much is kept of what a browser says of itself, in characters.
	maxAgent = 300
)

const sessionColumns = `id, user_id, session_id, address, agent, created, last_seen, expires, ended`

func scanSession(row scanner) (*hub.Session, error) {
	var s hub.Session
	err := row.Scan(&s.ID, &s.UserID, &s.BrowserID, &s.Address, &s.Agent, stampTo{&s.Created}, stampTo{&s.LastSeen},
		stampTo{&s.Expires}, stampTo{&s.Ended})
	return &s, err
}

// Browser is where a session comes from.
type Browser struct {
	ID      string // the cookie jupyterhub-session-id
	Address string
	Agent   string
}

// Starting is a session that begins with a sign-in.
type Starting struct {
	Browser
	Life time.Duration // how long the cookie is accepted
	// Proof gives the SHA-256, in hex, of the sign-in cookie of a user with this cookie id, signed at a time.
	Proof func(cookieID hub.Secret, signed time.Time) string
	// Replaces are sessions that the same browser held; those of the same user end without losing their tokens.
	Replaces []int64
}

// StartSession stores a sign-in, as SaveSignIn does, and the session that it begins. The cookie must be signed with the
// session's Created: it may be some seconds ahead, so that no two sign-ins have the same cookie and none that has ended comes
// back. Errors: as SaveSignIn; hub.Unavailable when the user signs in too often within a second.
func (db *DB) StartSession(ctx context.Context, in SignIn, s Starting) (u *hub.User, session *hub.Session, created bool, err error) {
	if err := name("user name", in.Name); err != nil {
		return nil, nil, false, err
	}
	err = db.tx(ctx, serial, func(t *tx) error {
		if u, created, err = saveSignIn(ctx, t, in); err != nil {
			return err
		}
		for _, id := range s.Replaces {
			if err := exec(ctx, t, `UPDATE sessions SET ended = $3 WHERE id = $1 AND user_id = $2 AND ended = 0`, id, u.ID, stamp(in.Now)); err != nil {
				return err
			}
		}
		if session, err = startSession(ctx, t, u, s, in.Now); err != nil {
			return err
		}
		if err := boundSessions(ctx, t, u.ID); err != nil {
			return err
		}
		return t.audit(ctx, "session.sign-in", userTarget(u.Name), map[string]any{"session": session.ID, "agent": cut(s.Agent, maxAgent)})
	})
	if err != nil {
		return nil, nil, false, fmt.Errorf("store a sign-in: %w", err)
	}
	return u, session, created, nil
}

// startSession finds a second whose cookie is new: that of the sign-in, or the one after the user's latest.
func startSession(ctx context.Context, t *tx, u *hub.User, s Starting, now time.Time) (*hub.Session, error) {
	after, err := cookiesAfter(ctx, t, u.ID)
	if err != nil {
		return nil, err
	}
	var latest time.Time
	if err := t.QueryRowContext(ctx, `SELECT COALESCE(MAX(created), 0) FROM sessions WHERE user_id = $1`, u.ID).Scan(stampTo{&latest}); err != nil {
		return nil, err
	}
	at := now.UTC().Truncate(time.Second)
	for _, used := range []time.Time{after, latest} {
		if !at.After(used) {
			at = used.Truncate(time.Second).Add(time.Second)
		}
	}
	if at.Sub(now) > maxAhead {
		return nil, hub.Errorf(hub.Unavailable, "You sign in too often. Wait a minute and try again.")
	}
	session := &hub.Session{UserID: u.ID, BrowserID: s.ID, Address: s.Address, Agent: s.Agent, Created: at, LastSeen: now.UTC(), Expires: at.Add(s.Life)}
	return session, insertSession(ctx, t, session, s.Proof(u.CookieID, at))
}

var errKnownProof = errors.New("there is a session with this cookie")

func insertSession(ctx context.Context, t *tx, s *hub.Session, proof string) error {
	s.Address, s.Agent = cut(s.Address, maxName), cut(s.Agent, maxAgent)
	ids, err := list(ctx, t, column[int64], `INSERT INTO sessions (user_id, proof, session_id, address, agent, created, last_seen, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (proof) DO NOTHING RETURNING id`,
		s.UserID, proof, s.BrowserID, s.Address, s.Agent, stamp(s.Created), stamp(s.LastSeen), stamp(s.Expires))
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return errKnownProof
	}
	s.ID = ids[0]
	return nil
}

func cookiesAfter(ctx context.Context, t *tx, userID int64) (after time.Time, err error) {
	err = t.QueryRowContext(ctx, `SELECT cookies_after FROM users WHERE id = $1`, userID).Scan(stampTo{&after})
	return after, err
}

// boundSessions drops the oldest sessions of a user who has too many.
func boundSessions(ctx context.Context, t *tx, userID int64) error {
	n, err := column[int](t.QueryRowContext(ctx, `SELECT COUNT(*) FROM sessions WHERE user_id = $1`, userID))
	if err != nil || n <= maxSessions {
		return err
	}
	dropped, err := dropSessions(ctx, t, `user_id = $1 AND id IN (SELECT id FROM sessions WHERE user_id = $1 ORDER BY created, id LIMIT $2)`, userID, n-maxSessions)
	if err != nil {
		return err
	}
	for _, s := range dropped {
		if err := dropGrants(ctx, t, s); err != nil {
			return err
		}
	}
	return nil
}

// dropSessions deletes rows. Their cookies do not become new again: none as old as them is accepted that has no row.
func dropSessions(ctx context.Context, t *tx, where string, args ...any) ([]*hub.Session, error) {
	rows, err := list(ctx, t, scanSession, `DELETE FROM sessions WHERE `+where+` RETURNING `+sessionColumns, args...)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b *hub.Session) int { return int(a.UserID - b.UserID) })
	for _, s := range rows {
		if err := exec(ctx, t, `UPDATE users SET cookies_after = $2 WHERE id = $1 AND cookies_after < $2`, s.UserID, stamp(s.Created)); err != nil {
			return nil, err
		}
		t.publish(Change{Kind: ChangeAccess, ID: s.UserID})
	}
	return rows, nil
}

// dropGrants deletes what a session made that is over: tokens, and codes that could still be exchanged for one.
// What the browser's present session has made stays.
func dropGrants(ctx context.Context, t *tx, s *hub.Session) error {
	if s.BrowserID == "" {
		return nil
	}
	held, err := column[bool](t.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sessions WHERE user_id = $1 AND session_id = $2 AND ended = 0)`, s.UserID, s.BrowserID))
	if err != nil || held {
		return err
	}
	if err := exec(ctx, t, `DELETE FROM oauth_codes WHERE user_id = $1 AND session_id = $2`, s.UserID, s.BrowserID); err != nil {
		return err
	}
	return deleteTokens(ctx, t, `user_id = $1 AND session_id = $2`, s.UserID, s.BrowserID)
}

// Seen is a valid sign-in cookie that a browser shows.
type Seen struct {
	Browser
	Proof  string    // SHA-256 of the cookie's value, in hex
	Signed time.Time // when it was signed
	Life   time.Duration
	Now    time.Time
}

// SessionOf finds the session of a user's valid sign-in cookie. One that is seen for the first time, because JupyterHub made
// it, becomes a session. Errors: hub.NotFound when the session is over.
func (db *DB) SessionOf(ctx context.Context, userID int64, seen Seen) (*hub.Session, error) {
	s, err := sessionByProof(ctx, db.engine.reads(), seen.Proof)
	if err != nil && hub.CodeOf(err) == hub.NotFound {
		s, err = db.adopt(ctx, userID, seen)
	}
	if err != nil {
		return nil, fmt.Errorf("look a session up: %w", db.explain(err))
	}
	if !s.Ended.IsZero() || s.UserID != userID {
		return nil, hub.Errorf(hub.NotFound, "The session has ended.")
	}
	return s, nil
}

func sessionByProof(ctx context.Context, q querier, proof string) (*hub.Session, error) {
	return one(q.QueryRowContext(ctx, `SELECT `+sessionColumns+` FROM sessions WHERE proof = $1`, proof), scanSession, "No such session")
}

func (db *DB) adopt(ctx context.Context, userID int64, seen Seen) (s *hub.Session, err error) {
	err = db.tx(ctx, byRow, func(t *tx) error {
		after, err := cookiesAfter(ctx, t, userID)
		if err != nil {
			return err
		}
		if !seen.Signed.After(after) {
			return hub.Errorf(hub.NotFound, "The session has ended.")
		}
		s = &hub.Session{UserID: userID, BrowserID: seen.ID, Address: seen.Address, Agent: seen.Agent, Created: seen.Signed, LastSeen: seen.Now, Expires: seen.Signed.Add(seen.Life)}
		if err := insertSession(ctx, t, s, seen.Proof); err != nil && !errors.Is(err, errKnownProof) {
			return err
		}
		if err := boundSessions(ctx, t, userID); err != nil {
			return err
		}
		s, err = sessionByProof(ctx, t, seen.Proof)
		return err
	})
	return s, err
}

// SessionsOfUser gives the sessions of a user that hold, the one that was seen last first.
func (db *DB) SessionsOfUser(ctx context.Context, userID int64) ([]*hub.Session, error) {
	all, err := list(ctx, db.engine.reads(), scanSession, `SELECT `+sessionColumns+` FROM sessions
		WHERE user_id = $1 AND ended = 0 AND expires > $2 ORDER BY last_seen DESC, id DESC`, userID, stamp(time.Now()))
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", db.explain(err))
	}
	return all, nil
}

// SignOut ends the sessions that a browser holds of a user, with the tokens that they made.
func (db *DB) SignOut(ctx context.Context, userID int64, ids []int64, now time.Time) error {
	return db.tx(ctx, byRow, func(t *tx) error {
		for _, id := range ids {
			if _, err := endSession(ctx, t, "session.sign-out", userID, id, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// EndSession ends one session of a user, with the tokens that it made. Errors: hub.NotFound when there is none that holds.
func (db *DB) EndSession(ctx context.Context, userID, id int64, now time.Time) error {
	return db.tx(ctx, byRow, func(t *tx) error {
		ended, err := endSession(ctx, t, "session.end", userID, id, now)
		if err == nil && !ended {
			err = hub.Errorf(hub.NotFound, "There is no such session. It may have ended already.")
		}
		return err
	})
}

func endSession(ctx context.Context, t *tx, action string, userID, id int64, now time.Time) (ended bool, err error) {
	rows, err := list(ctx, t, scanSession, `UPDATE sessions SET ended = $3 WHERE id = $1 AND user_id = $2 AND ended = 0 RETURNING `+sessionColumns, id, userID, stamp(now))
	if err != nil || len(rows) == 0 {
		return false, err
	}
	if err := dropGrants(ctx, t, rows[0]); err != nil {
		return false, err
	}
	u, err := findUserByID(ctx, t, userID, "")
	if err != nil {
		return false, err
	}
	t.publish(Change{Kind: ChangeAccess, ID: userID})
	return true, t.audit(ctx, action, userTarget(u.Name), map[string]any{"session": id, "from": rows[0].Address})
}

// EndAllSessions signs a user out everywhere: all sessions end, no sign-in cookie that was given out is accepted any more, and
// the tokens that sessions made are deleted. Tokens that were made by hand stay. Errors: hub.NotFound.
func (db *DB) EndAllSessions(ctx context.Context, userID int64, now time.Time) error {
	return db.tx(ctx, byRow, func(t *tx) error {
		n, err := changed(ctx, t, `UPDATE sessions SET ended = $2 WHERE user_id = $1 AND ended = 0`, userID, stamp(now))
		if err != nil {
			return err
		}
		if err := rotateCookie(ctx, t, userID); err != nil {
			return err
		}
		if err := exec(ctx, t, `DELETE FROM oauth_codes WHERE user_id = $1`, userID); err != nil {
			return err
		}
		if err := deleteTokens(ctx, t, `user_id = $1 AND session_id <> ''`, userID); err != nil {
			return err
		}
		u, err := findUserByID(ctx, t, userID, "")
		if err != nil {
			return err
		}
		return t.audit(ctx, "sessions.end-all", userTarget(u.Name), map[string]any{"sessions": n})
	})
}

// checkSession refuses to make something for a session that has ended. Until the transaction is over none of the browser's
// sessions can end, so what is made is among what the end deletes. A browser without a session, of an earlier version, is let pass.
func checkSession(ctx context.Context, t *tx, userID int64, browserID string) error {
	if userID == 0 || browserID == "" {
		return nil
	}
	ended, err := list(ctx, t, column[int64], `SELECT s.ended FROM sessions s WHERE s.user_id = $1 AND s.session_id = $2`+t.d.keep("s"), userID, browserID)
	if err != nil || len(ended) == 0 || slices.Contains(ended, 0) {
		return err
	}
	return hub.Errorf(hub.NotFound, "The session has ended.")
}
