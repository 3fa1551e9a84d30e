package store_test

import (
	"strings"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func TestRenameUser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newSharing(t, db)
		_, plain := newToken(t, db, hub.Token{UserID: s.owner.ID})
		client := &hub.Client{ID: "jupyterhub-user-owner-lab", ServerID: s.lab.ID, HashedSecret: "h"}
		ok(t, db.SaveClient(t.Context(), client))
		must[*hub.Share](t)(db.GrantShare(t.Context(), s.lab.ID, hub.ShareTarget{User: "ada"}, []string{"access:servers"}, t0))
		ok(t, db.ChangeMembers(t.Context(), "g", []string{"owner"}, true))

		ctx := hub.WithActor(t.Context(), hub.Actor{Kind: "user", Name: "boss"})
		ok(t, db.RenameUser(ctx, s.owner.ID, "Otto"))
		if u := must[*hub.User](t)(db.UserByName(t.Context(), "Otto")); u.ID != s.owner.ID {
			t.Errorf("renamed to %+v", u)
		}
		_, err := db.UserByName(t.Context(), "owner")
		wantCode(t, err, hub.NotFound)
		if k := must[*hub.Token](t)(db.TokenByPlain(t.Context(), plain, t0)); k.UserID != s.owner.ID {
			t.Errorf("the token is of %+v", k)
		}
		if srv := must[*hub.Server](t)(db.ServerByKey(t.Context(), hub.ServerKey{User: "Otto", Server: "lab"})); srv.ID != s.lab.ID {
			t.Errorf("the server is %+v", srv)
		}
		wantAccess(t, db, "Otto", "user", "", "g")
		wantShares(t, db, s.ada, "access:servers!server=Otto/lab")
		_, err = db.ClientByID(t.Context(), client.ID)
		wantCode(t, err, hub.NotFound)
		if got := lines(t, db, store.AuditFilter{Actor: "boss"}); got != "user boss  user.rename(user/Otto) {\"from\":\"owner\"}\n" {
			t.Errorf("audit log: %s", got)
		}
	})
}

func TestRenameUserRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ada := newUser(t, db, "ada")
		newUser(t, db, "bob")
		wantCode(t, db.RenameUser(t.Context(), ada.ID, "bob"), hub.Conflict)
		wantCode(t, db.RenameUser(t.Context(), ada.ID, ""), hub.Invalid)
		wantCode(t, db.RenameUser(t.Context(), ada.ID, strings.Repeat("x", 256)), hub.Invalid)
		wantCode(t, db.RenameUser(t.Context(), ada.ID+100, "cyd"), hub.NotFound)
		_, _, err := db.AskStart(t.Context(), store.StartAsk{Key: hub.ServerKey{User: "ada"}, RunID: "r1", Now: t0})
		wantCode(t, err, hub.NotFound) // there is no row yet
		newServer(t, db, hub.ServerKey{User: "ada"})
		_, _, err = db.AskStart(t.Context(), store.StartAsk{Key: hub.ServerKey{User: "ada"}, RunID: "r1", Now: t0})
		ok(t, err)
		wantCode(t, db.RenameUser(t.Context(), ada.ID, "cyd"), hub.Conflict)
		if u := must[*hub.User](t)(db.UserByID(t.Context(), ada.ID)); u.Name != "ada" {
			t.Errorf("the user is called %s", u.Name)
		}
	})
}

func TestRenameServer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newSharing(t, db)
		client := &hub.Client{ID: "jupyterhub-user-owner-lab", ServerID: s.lab.ID, HashedSecret: "h"}
		ok(t, db.SaveClient(t.Context(), client))
		newToken(t, db, hub.Token{UserID: s.ada.ID, ClientID: client.ID})
		must[*hub.Share](t)(db.GrantShare(t.Context(), s.lab.ID, hub.ShareTarget{User: "ada"}, []string{"access:servers"}, t0))

		wantCode(t, db.RenameServer(t.Context(), s.lab.ID, "other"), hub.Conflict)
		wantCode(t, db.RenameServer(t.Context(), s.lab.ID, ""), hub.Invalid)
		wantCode(t, db.RenameServer(t.Context(), s.other.ID+100, "x"), hub.NotFound)
		wantCode(t, db.RenameServer(t.Context(), newServer(t, db, hub.ServerKey{User: "owner"}).ID, "x"), hub.Invalid)

		ctx := hub.WithActor(t.Context(), hub.Actor{Kind: "user", Name: "boss"})
		ok(t, db.RenameServer(ctx, s.lab.ID, "new"))
		to := hub.ServerKey{User: "owner", Server: "new"}
		if srv := must[*hub.Server](t)(db.ServerByKey(t.Context(), to)); srv.ID != s.lab.ID {
			t.Errorf("the server is %+v", srv)
		}
		_, err := db.ServerByKey(t.Context(), s.lab.Key)
		wantCode(t, err, hub.NotFound)
		wantShares(t, db, s.ada, "access:servers!server=owner/new")
		_, err = db.ClientByID(t.Context(), client.ID)
		wantCode(t, err, hub.NotFound)
		if all := must[[]*hub.Token](t)(db.TokensOfUser(t.Context(), s.ada.ID, t0)); len(all) != 0 {
			t.Errorf("a visitor still has %+v", all)
		}
		if got := lines(t, db, store.AuditFilter{Actor: "boss"}); got != "user boss  server.rename(server/owner/new) {\"from\":\"lab\"}\n" {
			t.Errorf("audit log: %s", got)
		}

		_, _, err = db.AskStart(t.Context(), store.StartAsk{Key: to, RunID: "r1", Now: t0})
		ok(t, err)
		wantCode(t, db.RenameServer(t.Context(), s.lab.ID, "third"), hub.Invalid)
	})
}
