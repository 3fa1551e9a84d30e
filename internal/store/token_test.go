package store_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func ids(all []*hub.Token) (ids []int64) {
	for _, k := range all {
		ids = append(ids, k.ID)
	}
	return ids
}

func TestTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := newUser(t, db, "ada")
		k, plain := newToken(t, db, hub.Token{UserID: u.ID, SessionID: "s", RunID: "r", Scopes: []string{"self", "x"}, Note: "laptop", Expires: t0.Add(time.Hour)})
		if k.ID == 0 || k.ClientID != hub.PlainClient {
			t.Errorf("created %+v", k)
		}
		got := must[*hub.Token](t)(db.TokenByPlain(t.Context(), plain, t0))
		if got.ID != k.ID || got.UserID != u.ID || got.ServiceID != 0 || got.Note != "laptop" || !slices.Equal(got.Scopes, k.Scopes) ||
			!got.Expires.Equal(k.Expires) || !got.LastActivity.IsZero() || got.SessionID != "s" || got.RunID != "r" {
			t.Errorf("stored %+v", got)
		}
		for name, wrong := range map[string]string{"other token, same prefix": plain[:4] + secret.NewToken()[4:], "prefix only": plain[:4], "empty": "", "percent": "%%%%"} {
			if _, err := db.TokenByPlain(t.Context(), wrong, t0); hub.CodeOf(err) != hub.NotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := db.TokenByPlain(t.Context(), plain, k.Expires) // expired from that moment on
		wantCode(t, err, hub.NotFound)
		if byID := must[*hub.Token](t)(db.TokenByID(t.Context(), k.ID)); byID.Hashed != k.Hashed {
			t.Errorf("by id %+v", byID)
		}
		ok(t, db.DeleteToken(t.Context(), k.ID))
		ok(t, db.DeleteToken(t.Context(), k.ID))
		_, err = db.TokenByPlain(t.Context(), plain, t0)
		wantCode(t, err, hub.NotFound)
	})
}

func TestCreateTokenRefuses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := newUser(t, db, "ada")
		for name, k := range map[string]hub.Token{
			"nobody's":       {},
			"two owners":     {UserID: u.ID, ServiceID: 1},
			"unknown user":   {UserID: 99},
			"unknown client": {UserID: u.ID, ClientID: "ghost"},
			"long note":      {UserID: u.ID, Note: strings.Repeat("ä", 1024)},
			"no text":        {UserID: u.ID, Note: "a\x00b"},
		} {
			if err := db.CreateToken(t.Context(), &k); hub.CodeOf(err) != hub.Invalid || k.ID != 0 {
				t.Errorf("%s: %v, id %d", name, err, k.ID)
			}
		}
		k := hub.Token{UserID: u.ID, Note: strings.Repeat("ä", 1023)}
		ok(t, db.CreateToken(t.Context(), &k))
	})
}

func TestTokensOfUser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u, other := newUser(t, db, "ada"), newUser(t, db, "bob")
		used, _ := newToken(t, db, hub.Token{UserID: u.ID, LastActivity: t0.Add(time.Minute)})
		fresh, _ := newToken(t, db, hub.Token{UserID: u.ID, Created: t0.Add(time.Second)})
		old, _ := newToken(t, db, hub.Token{UserID: u.ID})
		dead, _ := newToken(t, db, hub.Token{UserID: u.ID, Expires: t0.Add(time.Minute)})
		newToken(t, db, hub.Token{UserID: other.ID})
		now := t0.Add(time.Minute)
		if got := must[[]*hub.Token](t)(db.TokensOfUser(t.Context(), u.ID, now)); !slices.Equal(ids(got), []int64{old.ID, fresh.ID, used.ID}) {
			t.Errorf("tokens %v, want %v", ids(got), []int64{old.ID, fresh.ID, used.ID})
		}
		_, err := db.TokenByID(t.Context(), dead.ID)
		wantCode(t, err, hub.NotFound)
	})
}

func TestDeleteTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := newUser(t, db, "ada")
		srv := newServer(t, db, hub.ServerKey{User: "ada"})
		ok(t, db.SaveClient(t.Context(), &hub.Client{ID: "c", ServerID: srv.ID}))
		delete1 := map[string]func() error{
			"session": func() error { return db.DeleteTokensOfSession(t.Context(), u.ID, "s") },
			"client":  func() error { return db.DeleteTokensOfClient(t.Context(), u.ID, "c") },
			"run":     func() error { return db.DeleteTokensOfRun(t.Context(), "r") },
			"nothing": func() error {
				return anyError(db.DeleteTokensOfSession(t.Context(), u.ID, ""), db.DeleteTokensOfRun(t.Context(), ""))
			},
		}
		all := []hub.Token{{SessionID: "s"}, {SessionID: "s", ClientID: "c"}, {RunID: "r"}, {RunID: "r", ClientID: "c"}, {}}
		want := map[string]int{"session": 3, "client": 3, "run": 3, "nothing": 5}
		for name, del := range delete1 {
			for _, k := range all {
				k.UserID = u.ID
				newToken(t, db, k)
			}
			ok(t, del())
			left := must[[]*hub.Token](t)(db.TokensOfUser(t.Context(), u.ID, t0))
			if len(left) != want[name] {
				t.Errorf("%s: %d left, want %d", name, len(left), want[name])
			}
			for _, k := range left {
				ok(t, db.DeleteToken(t.Context(), k.ID))
			}
		}
	})
}

func anyError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestClients(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := newUser(t, db, "ada")
		srv, srv2 := newServer(t, db, hub.ServerKey{User: "ada"}), newServer(t, db, hub.ServerKey{User: "ada", Server: "b"})
		c := hub.Client{ID: "jupyterhub-user-ada", Description: "Server", HashedSecret: "h", RedirectURI: "/cb", AllowedScopes: []string{"a"}, ServerID: srv.ID}
		ok(t, db.SaveClient(t.Context(), &c))
		k, _ := newToken(t, db, hub.Token{UserID: u.ID, ClientID: c.ID})
		c.RedirectURI, c.AllowedScopes = "/cb2", nil
		ok(t, db.SaveClient(t.Context(), &c)) // replaced; its tokens stay
		got := must[*hub.Client](t)(db.ClientByID(t.Context(), c.ID))
		if got.RedirectURI != "/cb2" || got.AllowedScopes != nil || got.ServerID != srv.ID || got.Service != "" || got.HashedSecret != "h" {
			t.Errorf("client %+v", got)
		}
		if all := must[[]*hub.Token](t)(db.TokensOfUserAndClient(t.Context(), u.ID, c.ID)); !slices.Equal(ids(all), []int64{k.ID}) {
			t.Errorf("tokens %v", ids(all))
		}
		c.ServerID = srv2.ID
		wantCode(t, db.SaveClient(t.Context(), &c), hub.Conflict)
		wantCode(t, db.SaveClient(t.Context(), &hub.Client{ID: hub.PlainClient}), hub.Conflict)
		wantCode(t, db.SaveClient(t.Context(), &hub.Client{ID: "x", Service: "ghost"}), hub.Invalid)
		wantCode(t, db.SaveClient(t.Context(), &hub.Client{ID: "x", ServerID: 99}), hub.Invalid)
		wantCode(t, db.DeleteClient(t.Context(), hub.PlainClient), hub.Invalid)

		told := listen(t, db)
		ok(t, db.DeleteClient(t.Context(), c.ID))
		_, err := db.TokenByID(t.Context(), k.ID)
		wantCode(t, err, hub.NotFound)
		_, err = db.ClientByID(t.Context(), c.ID)
		wantCode(t, err, hub.NotFound)
		if all := told.take(); len(all) != 1 || all[0].Kind != store.ChangeToken || all[0].ID != k.ID {
			t.Errorf("told %+v", all)
		}
	})
}

func TestCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := newUser(t, db, "ada")
		srv := newServer(t, db, hub.ServerKey{User: "ada"})
		ok(t, db.SaveClient(t.Context(), &hub.Client{ID: "c", ServerID: srv.ID}))
		code := hub.AuthorizationCode{
			Code: secret.NewCode(), ClientID: "c", UserID: u.ID, RedirectURI: "/cb", SessionID: "s", Scopes: []string{"identify"},
			Challenge: "ch", ChallengeMethod: "S256", Expires: t0.Add(time.Minute),
		}
		ok(t, db.CreateCode(t.Context(), &code))
		got := must[*hub.AuthorizationCode](t)(db.CodeByValue(t.Context(), code.Code, t0))
		if got.Code != code.Code || got.ClientID != "c" || got.UserID != u.ID || got.RedirectURI != "/cb" || got.SessionID != "s" ||
			!slices.Equal(got.Scopes, code.Scopes) || got.Challenge != "ch" || got.ChallengeMethod != "S256" || !got.Expires.Equal(code.Expires) {
			t.Errorf("code %+v", got)
		}
		_, err := db.CodeByValue(t.Context(), code.Code, code.Expires)
		wantCode(t, err, hub.NotFound)
		late := hub.Token{UserID: u.ID, ClientID: "c", Created: code.Expires}
		wantCode(t, db.ExchangeCode(t.Context(), code.Code, &late), hub.NotFound)

		var won atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				k := hub.Token{UserID: u.ID, ClientID: "c", Created: t0, Hashed: "h", Prefix: "p"}
				switch err := db.ExchangeCode(t.Context(), code.Code, &k); {
				case err == nil && k.ID != 0:
					won.Add(1)
				case hub.CodeOf(err) != hub.NotFound:
					t.Errorf("exchange: %v", err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("the code was taken %d times", won.Load())
		}
		if all := must[[]*hub.Token](t)(db.TokensOfUser(t.Context(), u.ID, t0)); len(all) != 1 {
			t.Errorf("%d tokens", len(all))
		}
		wantCode(t, db.CreateCode(t.Context(), &hub.AuthorizationCode{Code: "x", ClientID: "ghost", UserID: u.ID}), hub.Invalid)
	})
}

func TestPurgeExpired(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := newUser(t, db, "ada")
		forever, _ := newToken(t, db, hub.Token{UserID: u.ID})
		dead, _ := newToken(t, db, hub.Token{UserID: u.ID, Expires: t0})
		alive, _ := newToken(t, db, hub.Token{UserID: u.ID, Expires: t0.Add(time.Microsecond)})
		ok(t, db.CreateCode(t.Context(), &hub.AuthorizationCode{Code: "dead", ClientID: hub.PlainClient, UserID: u.ID, Expires: t0}))
		ok(t, db.CreateCode(t.Context(), &hub.AuthorizationCode{Code: "alive", ClientID: hub.PlainClient, UserID: u.ID, Expires: t0.Add(time.Second)}))
		told := listen(t, db)
		ok(t, db.PurgeExpired(t.Context(), t0))
		for id, want := range map[int64]bool{forever.ID: true, dead.ID: false, alive.ID: true} {
			if _, err := db.TokenByID(t.Context(), id); (err == nil) != want {
				t.Errorf("token %d: %v", id, err)
			}
		}
		if all := told.take(); len(all) != 1 || all[0].ID != dead.ID {
			t.Errorf("told %+v", all)
		}
		early := t0.Add(-time.Hour)
		_, err := db.CodeByValue(t.Context(), "dead", early)
		wantCode(t, err, hub.NotFound)
		must[*hub.AuthorizationCode](t)(db.CodeByValue(t.Context(), "alive", early))
	})
}
