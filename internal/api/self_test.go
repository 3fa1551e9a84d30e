package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"berdlhub/internal/api"
	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/proxy"
	"berdlhub/internal/secret"
	"berdlhub/internal/spawn"
	"berdlhub/internal/spawn/spawntest"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// parts are an API without the rest of the hub around it, and two tokens of ada: one for everything, one for a visit of a server.
type parts struct {
	http.Handler
	db            *store.DB
	whole, narrow string
}

func assemble(t testing.TB) *parts {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{URL: storetest.SQLite(t), Replica: "test"})
	if err != nil {
		t.Fatal(err)
	}
	who, err := auth.New(auth.Config{RefreshAge: -1}, db, nil)
	if err != nil {
		t.Fatal(err)
	}
	fake := spawntest.NewFake()
	rest := api.New(api.Config{BaseURL: "/"}, who, db, spawn.New(spawn.Config{BaseURL: "/"}, db, proxy.NewTable(), fake))
	mux := http.NewServeMux()
	rest.Mount(mux)
	p := &parts{Handler: mux, db: db}
	ada, err := db.CreateUser(t.Context(), "ada", false, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p.whole = p.token(t, ada, "inherit")
	p.narrow = p.token(t, ada, "access:servers!server=ada/")
	t.Cleanup(func() {
		fake.Close()
		if err := rest.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *parts) token(t testing.TB, u *hub.User, scope string) string {
	t.Helper()
	plain := secret.NewToken()
	err := p.db.CreateToken(t.Context(), &hub.Token{
		UserID: u.ID, ClientID: hub.PlainClient, Scopes: []string{scope}, Hashed: secret.HashToken(plain, secret.GeneratedRounds), Prefix: secret.TokenPrefix(plain), Created: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func (p *parts) self(token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/hub/api/user", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

// TestSelfFromMemory holds that a caller who was here before is answered even when the database is gone.
func TestSelfFromMemory(t *testing.T) {
	t.Parallel()
	p := assemble(t)
	for _, token := range []string{p.whole, p.narrow} {
		if w := p.self(token); w.Code != http.StatusOK {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
	if err := p.db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{p.whole, p.narrow} {
		w := p.self(token)
		var m struct{ Name string }
		if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || w.Code != http.StatusOK || m.Name != "ada" {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	}
	if w := p.self(p.whole[1:] + "0"); w.Code == http.StatusOK {
		t.Error("a token that nobody has seen is good without the database")
	}
}

func BenchmarkSelf(b *testing.B) {
	p := assemble(b)
	for name, token := range map[string]string{"everything": p.whole, "visit": p.narrow} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if w := p.self(token); w.Code != http.StatusOK {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
		})
	}
	if err := p.db.Close(); err != nil {
		b.Fatal(err)
	}
}
