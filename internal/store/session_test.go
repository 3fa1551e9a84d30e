package store_test

import (
	"fmt"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// proof stands for the fingerprint of a sign-in cookie.
func proof(id hub.Secret, at time.Time) string {
	return fmt.Sprintf("%s at %d", id.Reveal(), at.Unix())
}

func begin(t *testing.T, db *store.DB, browser string, now time.Time, replaces ...int64) (*hub.User, *hub.Session) {
	t.Helper()
	u, s, _, err := db.StartSession(t.Context(), store.SignIn{Name: "ada", Now: now}, store.Starting{
		Browser: store.Browser{ID: browser, Address: "192.0.2.7", Agent: "Firefox"}, Life: time.Hour, Proof: proof, Replaces: replaces,
	})
	ok(t, err)
	return u, s
}

// show asks for the session of a cookie, as a browser's request does.
func show(t *testing.T, db *store.DB, u *hub.User, browser string, at time.Time) (*hub.Session, error) {
	t.Helper()
	return db.SessionOf(t.Context(), u.ID, store.Seen{
		Browser: store.Browser{ID: browser}, Proof: proof(u.CookieID, at), Signed: at, Life: time.Hour, Now: at,
	})
}

func tokenOf(t *testing.T, db *store.DB, u *hub.User, browser string) (plain string) {
	t.Helper()
	_, plain = newToken(t, db, hub.Token{UserID: u.ID, SessionID: browser})
	return plain
}

func works(t *testing.T, db *store.DB, plain string) bool {
	t.Helper()
	_, err := db.TokenByPlain(t.Context(), plain, t0)
	return err == nil
}

func TestSessions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Now().UTC()
		u, first := begin(t, db, "a1", now)
		_, second := begin(t, db, "b2", now)
		if first.Created.Equal(second.Created) || !first.Created.Equal(now.Truncate(time.Second)) {
			t.Errorf("two sign-ins of one second are signed at %s and %s", first.Created, second.Created)
		}
		one, two, plain := tokenOf(t, db, u, "a1"), tokenOf(t, db, u, "b2"), tokenOf(t, db, u, "")
		seen := listen(t, db)
		ok(t, db.EndSession(t.Context(), u.ID, first.ID, now))
		if all := seen.take(); len(all) < 2 {
			t.Errorf("the end was told as %v", all)
		}
		if works(t, db, one) || !works(t, db, two) || !works(t, db, plain) {
			t.Error("the end of a session deletes its own tokens and no others")
		}
		if _, err := show(t, db, u, "zz", first.Created); hub.CodeOf(err) != hub.NotFound || err == nil {
			t.Errorf("the cookie of an ended session: %v", err)
		}
		if got := must[*hub.Session](t)(show(t, db, u, "zz", second.Created)); got.ID != second.ID || got.BrowserID != "b2" || got.Agent != "Firefox" {
			t.Errorf("got %+v", got)
		}
		wantCode(t, db.EndSession(t.Context(), u.ID, first.ID, now), hub.NotFound)
		wantCode(t, db.EndSession(t.Context(), newUser(t, db, "bob").ID, second.ID, now), hub.NotFound)
		_, third := begin(t, db, "b2", now, second.ID)
		if third.Created.Equal(first.Created) {
			t.Error("a session that has ended came back")
		}
		if !works(t, db, two) {
			t.Error("signing in again in the same browser deleted what its session had made")
		}
		if all := must[[]*hub.Session](t)(db.SessionsOfUser(t.Context(), u.ID)); len(all) != 1 || all[0].ID != third.ID {
			t.Errorf("sessions %v", all)
		}
		ok(t, db.RecordActivity(t.Context(), []store.Activity{{SessionID: third.ID, At: now.Add(time.Minute)}}))
		ok(t, db.EndAllSessions(t.Context(), u.ID, now))
		if works(t, db, two) || !works(t, db, plain) {
			t.Error("signing out everywhere deletes the tokens of sessions, and leaves those that were made by hand")
		}
		fresh := must[*hub.User](t)(db.UserByID(t.Context(), u.ID))
		if fresh.CookieID == u.CookieID {
			t.Error("the cookie id is as before")
		}
		if _, err := show(t, db, u, "b2", third.Created); err == nil {
			t.Error("a session holds after the end of all")
		}
		actions := map[string]int{}
		for _, e := range must[[]store.AuditEntry](t)(db.AuditLog(t.Context(), store.AuditFilter{Target: "user/ada"})) {
			actions[e.Action]++
		}
		if actions["session.sign-in"] != 3 || actions["session.end"] != 1 || actions["sessions.end-all"] != 1 {
			t.Errorf("the audit log tells %v", actions)
		}
	})
}

// TestSessionSeenFirst holds that cookies of JupyterHub become sessions, and that they end like others.
func TestSessionSeenFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := newUser(t, db, "ada")
		at := time.Now().UTC().Truncate(time.Second).Add(-time.Minute)
		s := must[*hub.Session](t)(show(t, db, u, "a1", at))
		if again := must[*hub.Session](t)(show(t, db, u, "b2", at)); again.ID != s.ID || again.BrowserID != "a1" {
			t.Errorf("the second sight gives %+v, want %+v", again, s)
		}
		ok(t, db.SignOut(t.Context(), u.ID, []int64{s.ID}, at))
		if _, err := show(t, db, u, "c3", at); err == nil {
			t.Error("the cookie holds after the sign-out")
		}
	})
}

// TestSessionsAreBounded holds that sessions cannot fill the database, and that none that is dropped comes back.
func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	now := time.Now().UTC()
	u, oldest := begin(t, db, "a0", now)
	_ = tokenOf(t, db, u, "a0")
	ok(t, db.SignOut(t.Context(), u.ID, []int64{oldest.ID}, now))
	_, live := begin(t, db, "b0", now)
	token := tokenOf(t, db, u, "b0")
	var last *hub.Session
	for i := range 120 {
		_, last = begin(t, db, fmt.Sprintf("%x", i+1), now.Add(time.Duration(2*i)*time.Second))
	}
	if n := len(must[[]*hub.Session](t)(db.SessionsOfUser(t.Context(), u.ID))); n != 100 {
		t.Errorf("%d sessions are kept; want 100", n)
	}
	for _, s := range []*hub.Session{oldest, live} {
		if _, err := show(t, db, u, "a0", s.Created); hub.CodeOf(err) != hub.NotFound || err == nil {
			t.Errorf("a session that was dropped: %v", err)
		}
	}
	if works(t, db, token) {
		t.Error("a token outlives its session that was dropped")
	}
	ok(t, db.SignOut(t.Context(), u.ID, []int64{last.ID}, now))
	ok(t, db.PurgeExpired(t.Context(), last.Created.Add(2*time.Hour)))
	if _, err := show(t, db, u, "a0", last.Created); hub.CodeOf(err) != hub.NotFound || err == nil {
		t.Errorf("a session that had ended and was purged: %v", err)
	}
}

// TestCodeOfAnEndedSession holds that a code which was under way at the sign-out makes no token.
func TestCodeOfAnEndedSession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Now().UTC()
		u, s := begin(t, db, "a1", now)
		for i, late := range []bool{false, true} {
			c := &hub.AuthorizationCode{Code: fmt.Sprintf("code-%d", i), ClientID: hub.PlainClient, UserID: u.ID, SessionID: "a1", Expires: now.Add(time.Hour)}
			if !late {
				ok(t, db.CreateCode(t.Context(), c))
				ok(t, db.SignOut(t.Context(), u.ID, []int64{s.ID}, now))
			} else {
				ok(t, db.CreateCode(t.Context(), c))
			}
			err := db.ExchangeCode(t.Context(), c.Code, &hub.Token{UserID: u.ID, SessionID: "a1", Hashed: c.Code, Prefix: "code", Created: now, Expires: now.Add(time.Hour)})
			wantCode(t, err, hub.NotFound)
		}
	})
}
