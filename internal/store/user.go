package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
)

const userColumns = `u.id, u.name, u.admin, u.info, u.created, u.last_activity, u.cookie_id, u.auth_state, u.session, u.refreshed`

func scanUser(row scanner) (*hub.User, error) {
	var u hub.User
	err := row.Scan(&u.ID, &u.Name, &u.Admin, jsonTo{&u.Info}, stampTo{&u.Created}, stampTo{&u.LastActivity},
		&u.CookieID, &u.AuthState, &u.Session, stampTo{&u.Refreshed})
	return &u, err
}

// UserByName finds a user. Errors: hub.NotFound.
func (db *DB) UserByName(ctx context.Context, name string) (*hub.User, error) {
	u, err := findUserByName(ctx, db.engine.reads(), name, "")
	return u, db.explain(err)
}

func findUserByName(ctx context.Context, q querier, name, keep string) (*hub.User, error) {
	row := q.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users u WHERE u.name = $1`+keep, name)
	return one(row, scanUser, "No such user: %s", cut(name, maxName))
}

// UserByID finds a user. Errors: hub.NotFound.
func (db *DB) UserByID(ctx context.Context, id int64) (*hub.User, error) {
	u, err := findUserByID(ctx, db.engine.reads(), id, "")
	return u, db.explain(err)
}

func findUserByID(ctx context.Context, q querier, id int64, keep string) (*hub.User, error) {
	row := q.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`+keep, id)
	return one(row, scanUser, "No such user")
}

// UserByCookie finds the user whose sign-in cookie has this value. Errors: hub.NotFound.
func (db *DB) UserByCookie(ctx context.Context, cookieID string) (*hub.User, error) {
	row := db.engine.reads().QueryRowContext(ctx, `SELECT `+userColumns+` FROM users u WHERE u.cookie_id = $1`, cookieID)
	u, err := one(row, scanUser, "No such user")
	return u, db.explain(err)
}

// SignIn is what an authenticator found out about a person, ready to be stored.
type SignIn struct {
	Name      string
	Admin     *bool           // nil leaves the flag
	Groups    []string        // nil leaves membership; otherwise it is replaced, and missing groups are made
	Info      json.RawMessage // user_info; nil leaves what is stored
	AuthState []byte          // sealed; nil removes what is stored
	Session   string          // fingerprint of the sign-in service's session
	Now       time.Time
}

// SaveSignIn stores a sign-in. A user that is new is created with the role user; the admin flag and the role admin go together.
// Errors: hub.Invalid for a name that is too long.
func (db *DB) SaveSignIn(ctx context.Context, in SignIn) (u *hub.User, created bool, err error) {
	if err := name("user name", in.Name); err != nil {
		return nil, false, err
	}
	err = db.tx(ctx, serial, func(t *tx) error {
		u, created, err = saveSignIn(ctx, t, in)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("store a sign-in: %w", err)
	}
	return u, created, nil
}

func saveSignIn(ctx context.Context, t *tx, in SignIn) (u *hub.User, created bool, err error) {
	found, err := findUserByName(ctx, t, in.Name, t.d.keep("u"))
	switch {
	case hub.CodeOf(err) == hub.NotFound:
		created = true
		if found, err = insertUser(ctx, t, in.Name, false, in.Now); err != nil {
			return nil, false, err
		}
		if err := t.audit(ctx, "user.create", userTarget(in.Name), map[string]any{"by": "sign-in"}); err != nil {
			return nil, false, err
		}
	case err != nil:
		return nil, false, err
	}
	u, err = keepIdentity(ctx, t, found.ID, in)
	return u, created, err
}

// SaveRefresh stores what a refresh of an existing user found. Errors: hub.NotFound when the user was deleted meanwhile.
func (db *DB) SaveRefresh(ctx context.Context, in SignIn) (u *hub.User, err error) {
	err = db.tx(ctx, serial, func(t *tx) error {
		found, err := findUserByName(ctx, t, in.Name, t.d.keep("u"))
		if err != nil {
			return err
		}
		u, err = keepIdentity(ctx, t, found.ID, in)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store a refreshed identity: %w", err)
	}
	return u, nil
}

func keepIdentity(ctx context.Context, t *tx, id int64, in SignIn) (*hub.User, error) {
	err := exec(ctx, t, `UPDATE users SET info = COALESCE($2, info), auth_state = $3, session = $4, refreshed = $5,
		last_activity = CASE WHEN last_activity < $5 THEN $5 ELSE last_activity END WHERE id = $1`,
		id, jsonText(in.Info), in.AuthState, in.Session, stamp(in.Now))
	if err != nil {
		return nil, err
	}
	if in.Admin != nil {
		if err := setAdmin(ctx, t, id, *in.Admin); err != nil {
			return nil, err
		}
	}
	if in.Groups != nil {
		if err := setGroups(ctx, t, id, in.Groups); err != nil {
			return nil, err
		}
	}
	t.publish(Change{Kind: ChangeAccess, ID: id})
	return findUserByID(ctx, t, id, "")
}

// MarkRefreshed notes that the authenticator confirmed a user without news. Errors: hub.NotFound.
func (db *DB) MarkRefreshed(ctx context.Context, userID int64, at time.Time) error {
	return db.tx(ctx, byRow, func(t *tx) error {
		n, err := changed(ctx, t, `UPDATE users SET refreshed = CASE WHEN refreshed < $2 THEN $2 ELSE refreshed END WHERE id = $1`, userID, stamp(at))
		if err == nil && n == 0 {
			err = hub.Errorf(hub.NotFound, "No such user")
		}
		t.publish(Change{Kind: ChangeAccess, ID: userID})
		return err
	})
}

// CreateUser makes a user with the role user. Errors: hub.Conflict when the name is taken, hub.Invalid when it cannot be.
func (db *DB) CreateUser(ctx context.Context, userName string, admin bool, now time.Time) (u *hub.User, err error) {
	if err := name("user name", userName); err != nil {
		return nil, err
	}
	err = db.tx(ctx, serial, func(t *tx) error {
		if u, err = insertUser(ctx, t, userName, admin, now); err != nil {
			return err
		}
		return t.audit(ctx, "user.create", userTarget(userName), nil)
	})
	if err != nil {
		return nil, fmt.Errorf("create a user: %w", err)
	}
	return u, nil
}

// CreateUsers makes users with the role user, all of them or none, and gives those that are new; names that are taken are
// left out. Errors: hub.Invalid when a name cannot be.
func (db *DB) CreateUsers(ctx context.Context, names []string, admin bool, now time.Time) (created []*hub.User, err error) {
	for _, n := range names {
		if err := name("user name", n); err != nil {
			return nil, err
		}
	}
	err = db.tx(ctx, serial, func(t *tx) error {
		created = nil
		for _, n := range names {
			u, err := insertUser(ctx, t, n, admin, now)
			if err != nil && hub.CodeOf(err) == hub.Conflict {
				continue
			}
			if err != nil {
				return err
			}
			if err := t.audit(ctx, "user.create", userTarget(n), nil); err != nil {
				return err
			}
			created = append(created, u)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("create users: %w", err)
	}
	return created, nil
}

func insertUser(ctx context.Context, t *tx, userName string, admin bool, now time.Time) (*hub.User, error) {
	rows, err := list(ctx, t, column[int64], `INSERT INTO users (name, created, cookie_id) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO NOTHING RETURNING id`, userName, stamp(now), secret.NewSessionID())
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, hub.Errorf(hub.Conflict, "User %s already exists", userName)
	}
	id := rows[0]
	if err := grant(ctx, t, usersInRole, id, "user"); err != nil {
		return nil, err
	}
	if admin {
		if err := setAdmin(ctx, t, id, true); err != nil {
			return nil, err
		}
	}
	t.publish(Change{Kind: ChangeAccess, ID: id})
	return findUserByID(ctx, t, id, "")
}

// setAdmin keeps the flag and the role together.
func setAdmin(ctx context.Context, t *tx, id int64, admin bool) error {
	names, err := list(ctx, t, column[string], `UPDATE users SET admin = $2 WHERE id = $1 AND admin <> $2 RETURNING name`, id, admin)
	if err != nil {
		return err
	}
	if err := auditAdmins(ctx, t, names, admin); err != nil {
		return err
	}
	if admin {
		return grant(ctx, t, usersInRole, id, "admin")
	}
	return revoke(ctx, t, usersInRole, id, "admin")
}

// SetAdmin gives or takes the admin flag and the role admin. Errors: hub.NotFound.
func (db *DB) SetAdmin(ctx context.Context, userID int64, admin bool) error {
	return db.tx(ctx, serial, func(t *tx) error {
		if _, err := findUserByID(ctx, t, userID, t.d.keep("u")); err != nil {
			return err
		}
		t.publish(Change{Kind: ChangeAccess, ID: userID})
		return setAdmin(ctx, t, userID, admin)
	})
}

// DeleteUser removes a user with everything that is theirs: tokens, stopped servers, memberships, shares.
// Errors: hub.NotFound; hub.Conflict while one of the user's servers is active.
func (db *DB) DeleteUser(ctx context.Context, id int64) error {
	return db.tx(ctx, byRow, func(t *tx) error {
		if err := t.lock(ctx, lockStarts); err != nil {
			return err
		}
		u, err := findUserByID(ctx, t, id, t.d.keep("u"))
		if err != nil {
			return err
		}
		servers, err := list(ctx, t, scanServer, serverSelect+` WHERE s.user_id = $1`+t.d.keep("s"), id)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(servers, (*hub.Server).Active) {
			return hub.Errorf(hub.Conflict, "%s's server is running: stop it first", u.Name)
		}
		for _, s := range servers {
			if err := dropServer(ctx, t, s); err != nil {
				return err
			}
		}
		if err := deleteTokens(ctx, t, `user_id = $1`, id); err != nil {
			return err
		}
		t.publish(Change{Kind: ChangeAccess, ID: id})
		if err := exec(ctx, t, `DELETE FROM users WHERE id = $1`, id); err != nil {
			return err
		}
		return t.audit(ctx, "user.delete", userTarget(u.Name), nil)
	})
}

// RotateCookie gives a user a new cookie id, which ends all browser sessions of the user. Errors: hub.NotFound.
func (db *DB) RotateCookie(ctx context.Context, userID int64) error {
	return db.tx(ctx, byRow, func(t *tx) error { return rotateCookie(ctx, t, userID) })
}

func rotateCookie(ctx context.Context, t *tx, userID int64) error {
	n, err := changed(ctx, t, `UPDATE users SET cookie_id = $2 WHERE id = $1`, userID, secret.NewSessionID())
	if err == nil && n == 0 {
		err = hub.Errorf(hub.NotFound, "No such user")
	}
	t.publish(Change{Kind: ChangeAccess, ID: userID})
	return err
}

// ReplaceAuthState stores an auth state that was sealed anew, unless another was stored meanwhile.
func (db *DB) ReplaceAuthState(ctx context.Context, userID int64, was, sealed []byte) error {
	err := db.tx(ctx, byRow, func(t *tx) error {
		t.publish(Change{Kind: ChangeAccess, ID: userID})
		return exec(ctx, t, `UPDATE users SET auth_state = $3 WHERE id = $1 AND auth_state = $2`, userID, was, sealed)
	})
	if err != nil {
		return fmt.Errorf("store an auth state sealed anew: %w", err)
	}
	return nil
}

// SetAuthState stores what an authenticator knows about a user, sealed; nil removes it. Errors: hub.NotFound.
func (db *DB) SetAuthState(ctx context.Context, userID int64, sealed []byte) error {
	return db.tx(ctx, byRow, func(t *tx) error {
		u, err := findUserByID(ctx, t, userID, t.d.keep("u"))
		if err != nil {
			return err
		}
		if err := exec(ctx, t, `UPDATE users SET auth_state = $2 WHERE id = $1`, userID, sealed); err != nil {
			return err
		}
		t.publish(Change{Kind: ChangeAccess, ID: userID})
		return t.audit(ctx, "user.auth_state", userTarget(u.Name), nil)
	})
}
