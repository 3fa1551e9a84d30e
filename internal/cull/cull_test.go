package cull_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/cull"
	"berdlhub/internal/hub"
	"berdlhub/internal/proxy"
	"berdlhub/internal/secret"
	"berdlhub/internal/spawn"
	"berdlhub/internal/spawn/spawntest"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// running gives a database with one server that is ready, and its controller.
func running(t *testing.T) (*store.DB, *spawn.Controller, *hub.Server) {
	t.Helper()
	db, fake := storetest.New(t), spawntest.NewFake()
	t.Cleanup(fake.Close)
	if _, err := db.CreateUser(t.Context(), "ada", false, time.Now()); err != nil {
		t.Fatal(err)
	}
	c := spawn.New(spawn.Config{
		Replica: "test", BaseURL: "/", NewRunID: secret.NewRunID, HashSecret: func(s string) string { return secret.HashToken(s, 1) },
		Token: func(run string) (hub.Secret, hub.Token) {
			return hub.Secret("token" + run), hub.Token{Hashed: secret.HashToken("token"+run, 1), Prefix: "toke"}
		},
	}, db, proxy.NewTable(), fake)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	k := hub.ServerKey{User: "ada"}
	srv, _, err := c.Start(t.Context(), spawn.StartRequest{Key: k})
	if err != nil {
		t.Fatal(err)
	}
	wait, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if srv, err = c.WaitStarted(wait, k, srv.RunID); err != nil {
		t.Fatal(err)
	}
	return db, c, srv
}

func TestRound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg    cull.Config
		reason string // empty: it goes on
	}{
		"idle too long":       {cull.Config{Timeout: time.Nanosecond}, "not used"},
		"used lately":         {cull.Config{Timeout: time.Hour}, ""},
		"too old":             {cull.Config{Timeout: time.Hour, MaxAge: time.Nanosecond}, "run for at most"},
		"young":               {cull.Config{MaxAge: time.Hour}, ""},
		"neither is a reason": {cull.Config{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, c, srv := running(t)
			tc.cfg.Replica = "test"
			if err := cull.New(tc.cfg, db, c).Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			if tc.reason == "" {
				if got, err := db.ServerByID(t.Context(), srv.ID); err != nil || got.Wanted != hub.WantRunning {
					t.Errorf("%+v, %v; want it to go on", got, err)
				}
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			got, err := c.WaitStopped(ctx, srv.Key)
			if err != nil || !strings.Contains(got.Reason, tc.reason) {
				t.Errorf("%+v, %v; want it stopped with %q", got, err, tc.reason)
			}
		})
	}
}

func TestOneReplicaAtATime(t *testing.T) {
	t.Parallel()
	db, c, srv := running(t)
	if mine, err := db.Lease(t.Context(), "cull", "another", time.Hour, time.Now()); err != nil || !mine {
		t.Fatal(mine, err)
	}
	if err := cull.New(cull.Config{Replica: "test", Timeout: time.Nanosecond}, db, c).Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := db.ServerByID(t.Context(), srv.ID); err != nil || got.Wanted != hub.WantRunning {
		t.Errorf("%+v, %v; another replica holds the lease", got, err)
	}
}
