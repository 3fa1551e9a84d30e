package spawn_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/proxy"
	"berdlhub/internal/secret"
	"berdlhub/internal/spawn"
	"berdlhub/internal/spawn/spawntest"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// world is a controller on a real database with a fake outside.
type world struct {
	*spawn.Controller
	t     *testing.T
	db    *store.DB
	fake  *spawntest.Fake
	table *proxy.Table
	stop  func() // ends the controller and waits for it
}

var ada = hub.ServerKey{User: "ada"}

// open makes a world with users ada, bob and cyd; change may alter the configuration.
func open(t *testing.T, db *store.DB, change func(*spawn.Config)) *world {
	t.Helper()
	if db == nil {
		db = storetest.New(t)
	}
	for _, name := range []string{"ada", "bob", "cyd"} {
		if _, err := db.CreateUser(t.Context(), name, false, time.Now()); err != nil && hub.CodeOf(err) != hub.Conflict {
			t.Fatal(err)
		}
	}
	w := &world{t: t, db: db, fake: spawntest.NewFake(), table: proxy.NewTable()}
	t.Cleanup(w.fake.Close)
	cfg := spawn.Config{
		Replica: "test", BaseURL: "/", APIURL: "http://127.0.0.1:8081/hub/api", StartTimeout: 5 * time.Second, HTTPTimeout: 5 * time.Second,
		NamedServers: true, NewRunID: secret.NewRunID, HashSecret: func(s string) string { return secret.HashToken(s, 1) },
		Token: func(runID string) (hub.Secret, hub.Token) {
			plain := "token-of-" + runID
			return hub.Secret(plain), hub.Token{Hashed: secret.HashToken(plain, 1), Prefix: secret.TokenPrefix(plain)}
		},
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&cfg)
	}
	w.Controller = spawn.New(cfg, db, w.table, w.fake)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	ended := false
	w.stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error("the controller ended with:", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the controller does not end")
		}
	}
	t.Cleanup(w.stop)
	return w
}

// start asks for a start and fails the test when it is refused.
func (w *world) start(k hub.ServerKey) *hub.Server {
	w.t.Helper()
	srv, _, err := w.Start(w.t.Context(), spawn.StartRequest{Key: k})
	if err != nil {
		w.t.Fatal(err)
	}
	return srv
}

// started starts a server and waits until it is ready.
func (w *world) started(k hub.ServerKey) *hub.Server {
	w.t.Helper()
	srv := w.start(k)
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	srv, err := w.WaitStarted(ctx, k, srv.RunID)
	if err != nil {
		w.t.Fatal(err)
	}
	return srv
}

// failed waits for the failure of a start.
func (w *world) failed(k hub.ServerKey, runID string) error {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	_, err := w.WaitStarted(ctx, k, runID)
	if err == nil {
		w.t.Fatal("the start succeeded")
	}
	return err
}

// stopped waits until a server has stopped and says that nothing of its run is left.
func (w *world) stopped(k hub.ServerKey) *hub.Server {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	srv, err := w.WaitStopped(ctx, k)
	if err != nil {
		w.t.Fatal(err)
	}
	entries, err := w.db.OpenEntries(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		if e.RunID == srv.RunID {
			w.t.Errorf("%s of %s is left over: %s", e.Kind, k, e.State)
		}
	}
	refs, err := w.fake.List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, ref := range refs {
		if ref.RunID == srv.RunID {
			w.t.Errorf("the run of %s is left over outside", k)
		}
	}
	if _, ok := w.table.Lookup(spawn.Prefix("/", k)); ok {
		w.t.Errorf("the route of %s is left over", k)
	}
	return srv
}

// eventually waits for a condition that no channel tells.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatal("never:", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
