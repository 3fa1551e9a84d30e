package store_test

import (
	"sync"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
	"berdlhub/internal/store"
)

// t0 is when the tests take place, to the microsecond as the database keeps it.
var t0 = time.Date(2026, 3, 4, 5, 6, 7, 890123000, time.UTC)

func must[T any](t testing.TB) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code hub.Code) {
	t.Helper()
	if err == nil || hub.CodeOf(err) != code {
		t.Fatalf("error is %v, want one with code %s", err, code)
	}
}

func newUser(t testing.TB, db *store.DB, name string) *hub.User {
	t.Helper()
	return must[*hub.User](t)(db.CreateUser(t.Context(), name, false, t0))
}

func newServer(t testing.TB, db *store.DB, key hub.ServerKey) *hub.Server {
	t.Helper()
	srv, _, err := db.EnsureServer(t.Context(), key, "", t0)
	ok(t, err)
	return srv
}

func newToken(t testing.TB, db *store.DB, k hub.Token) (*hub.Token, string) {
	t.Helper()
	plain := secret.NewToken()
	k.Hashed, k.Prefix = secret.HashToken(plain, secret.GeneratedRounds), secret.TokenPrefix(plain)
	if k.Created.IsZero() {
		k.Created = t0
	}
	ok(t, db.CreateToken(t.Context(), &k))
	return &k, plain
}

// changes collects what the feed tells.
type changes struct {
	mu  sync.Mutex
	all []store.Change
	new chan struct{}
}

func listen(t testing.TB, db *store.DB) *changes {
	t.Helper()
	c := &changes{new: make(chan struct{}, 1000)}
	t.Cleanup(db.Subscribe(func(ch store.Change) {
		c.mu.Lock()
		c.all = append(c.all, ch)
		c.mu.Unlock()
		c.new <- struct{}{}
	}))
	return c
}

// take gives what was told since the last call.
func (c *changes) take() []store.Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

func (c *changes) wait(t testing.TB) {
	t.Helper()
	select {
	case <-c.new:
	case <-time.After(10 * time.Second):
		t.Fatal("no change was told")
	}
}

func secondsOf(n int) time.Duration { return time.Duration(n) * time.Second }
