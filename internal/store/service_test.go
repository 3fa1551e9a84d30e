package store_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

const (
	boardToken = "board-token-0123456789"
	boardID    = "service-board"
)

func board() store.ServiceSpec {
	return store.ServiceSpec{
		Service: store.Service{
			Name: "board", URL: "http://127.0.0.1:9", OAuthClientID: boardID, OAuthSecretHash: "h", RedirectURI: "/services/board/oauth_callback",
			AllowedScopes: []string{"read:users:name!user"}, Display: true, Info: json.RawMessage(`{"a":1}`),
		},
		APIToken: boardToken,
	}
}

func TestCreateService(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := hub.WithActor(t.Context(), hub.Actor{Kind: "user", Name: "boss"})
		ok(t, db.CreateService(ctx, board()))
		s := must[*store.Service](t)(db.ServiceByName(ctx, "board"))
		if s.FromConfig || s.Admin || !s.Display || s.URL != "http://127.0.0.1:9" || string(s.Info) != `{"a":1}` || s.OAuthClientID != boardID {
			t.Errorf("stored %+v", s)
		}
		c := must[*hub.Client](t)(db.ClientByID(ctx, boardID))
		if c.Service != "board" || strings.Join(c.AllowedScopes, " ") != "read:users:name!user" {
			t.Errorf("client is %+v", c)
		}
		if k := must[*hub.Token](t)(db.TokenByPlain(ctx, boardToken, time.Now())); k.ServiceID != s.ID || k.UserID != 0 {
			t.Errorf("token is %+v", k)
		}

		wantCode(t, db.CreateService(ctx, board()), hub.Conflict)
		ok(t, db.DeleteService(ctx, "board"))
		for _, find := range []func() error{
			func() error { _, err := db.ServiceByName(ctx, "board"); return err },
			func() error { _, err := db.ClientByID(ctx, boardID); return err },
			func() error { _, err := db.TokenByPlain(ctx, boardToken, time.Now()); return err },
		} {
			wantCode(t, find(), hub.NotFound)
		}
		wantCode(t, db.DeleteService(ctx, "board"), hub.NotFound)
		want := `user boss  token.create(service/board) {"client":"service-board","id":"a1","note":"configured token of service board"}
user boss  service.create(service/board) {"admin":false,"url":"http://127.0.0.1:9"}
user boss  service.delete(service/board) 
`
		if got := lines(t, db, store.AuditFilter{}); got != want {
			t.Errorf("audit log:\n%s\nwant:\n%s", got, want)
		}
	})
}

// TestRefusedService holds that a service that cannot be made leaves nothing behind and takes nobody's token or client.
func TestRefusedService(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ada := newUser(t, db, "ada")
		_, taken := newToken(t, db, hub.Token{UserID: ada.ID})
		ok(t, db.CreateService(t.Context(), board()))
		for what, c := range map[string]struct {
			change func(*store.ServiceSpec)
			code   hub.Code
		}{
			"no name":           {func(s *store.ServiceSpec) { s.Name = "" }, hub.Invalid},
			"a long name":       {func(s *store.ServiceSpec) { s.Name = strings.Repeat("x", 256) }, hub.Invalid},
			"a short token":     {func(s *store.ServiceSpec) { s.APIToken = "short" }, hub.Invalid},
			"somebody's token":  {func(s *store.ServiceSpec) { s.APIToken = hub.Secret(taken) }, hub.Invalid},
			"somebody's client": {func(s *store.ServiceSpec) { s.OAuthClientID = boardID }, hub.Conflict},
		} {
			spec := store.ServiceSpec{Service: store.Service{Name: "other", OAuthClientID: "service-other"}, APIToken: "other-token-0123456789"}
			c.change(&spec)
			if err := db.CreateService(t.Context(), spec); hub.CodeOf(err) != c.code {
				t.Errorf("%s: error %v, want code %s", what, err, c.code)
			}
			if _, err := db.ServiceByName(t.Context(), "other"); hub.CodeOf(err) != hub.NotFound {
				t.Errorf("%s: a service is left: %v", what, err)
			}
		}
		if k := must[*hub.Token](t)(db.TokenByPlain(t.Context(), taken, time.Now())); k.UserID != ada.ID {
			t.Errorf("the token went over to %+v", k)
		}
		if c := must[*hub.Client](t)(db.ClientByID(t.Context(), boardID)); c.Service != "board" {
			t.Errorf("the client went over to %+v", c)
		}
	})
}

// TestServicesOfBothKinds holds that a start leaves services alone that were made while a hub ran, and that those of the
// configuration cannot be deleted.
func TestServicesOfBothKinds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		configured := store.ServiceSpec{Service: store.Service{Name: "culler", FromConfig: true}}
		ok(t, db.SyncServices(t.Context(), []store.ServiceSpec{configured}))
		ok(t, db.CreateService(t.Context(), board()))
		wantCode(t, db.DeleteService(t.Context(), "culler"), hub.Unsupported)
		names := func() string {
			var all []string
			for _, s := range must[[]*store.Service](t)(db.Services(t.Context())) {
				all = append(all, s.Name)
			}
			return strings.Join(all, " ")
		}
		ok(t, db.SyncServices(t.Context(), []store.ServiceSpec{configured}))
		if got := names(); got != "board culler" {
			t.Errorf("after a start there are %q", got)
		}
		ok(t, db.SyncServices(t.Context(), nil))
		if got := names(); got != "board" {
			t.Errorf("without the configured one there are %q", got)
		}
	})
}
