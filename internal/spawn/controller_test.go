package spawn_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/spawn"
	"berdlhub/internal/spawn/spawntest"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := open(t, db, nil)
		srv := w.started(ada)
		if srv.Phase != hub.Ready || srv.Address == "" {
			t.Errorf("phase %s, address %q", srv.Phase, srv.Address)
		}
		if _, ok := w.table.Lookup("/user/ada/lab"); !ok {
			t.Error("a ready server has no route")
		}
		tokens, err := db.TokensOfUser(t.Context(), srv.UserID, time.Now())
		if err != nil || len(tokens) != 1 || tokens[0].Note != "Server at /user/ada/" {
			t.Errorf("tokens %v, %v; want the server's own", tokens, err)
		}
		if _, err := db.ClientByID(t.Context(), "jupyterhub-user-ada"); err != nil {
			t.Error("no OAuth client:", err)
		}
		if _, err := w.Stop(t.Context(), ada, ""); err != nil {
			t.Fatal(err)
		}
		w.stopped(ada)
		tokens, err = db.TokensOfUser(t.Context(), srv.UserID, time.Now())
		if err != nil || len(tokens) != 0 {
			t.Errorf("tokens %v, %v are left over", tokens, err)
		}
		if again := w.started(ada); again.RunID == srv.RunID {
			t.Error("two runs have the same id")
		}
	})
}

func TestASecondStartJoinsTheFirst(t *testing.T) {
	t.Parallel()
	w := open(t, nil, nil)
	first := w.start(ada)
	second, fresh, err := w.Start(t.Context(), spawn.StartRequest{Key: ada})
	if err != nil || fresh || second.RunID != first.RunID {
		t.Errorf("second start: run %v, fresh %v, %v; want the first run %s", second, fresh, err, first.RunID)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare func(*spawntest.Fake)
		status  int
		words   string
	}{
		"the spawner says why": {
			func(f *spawntest.Fake) {
				f.Fail(spawntest.OpStart, hub.Errorf(hub.Invalid, "there is no profile huge"))
			},
			400, "there is no profile huge",
		},
		"an unknown fault stays inside": {
			func(f *spawntest.Fake) { f.Fail(spawntest.OpStart, errors.New("dial tcp 10.1.2.3: refused")) },
			500, "its log has the details",
		},
		"too slow to start": {
			func(f *spawntest.Fake) { f.Delay(spawntest.OpStart, time.Minute) },
			503, "did not start within 300ms",
		},
		"never answers": {
			func(f *spawntest.Fake) {
				f.Serve(func(hub.Spec) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
				})
			},
			503, "did not answer within 300ms",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil, func(c *spawn.Config) { c.StartTimeout, c.HTTPTimeout = 300*time.Millisecond, 300*time.Millisecond })
			tc.prepare(w.fake)
			err := w.failed(ada, w.start(ada).RunID)
			if got := hub.CodeOf(err).Status(); got != tc.status {
				t.Errorf("status %d, want %d", got, tc.status)
			}
			srv := w.stopped(ada)
			if srv.Phase != hub.Failed || !strings.Contains(srv.Reason, tc.words) {
				t.Errorf("phase %s, reason %q; want failed with %q", srv.Phase, srv.Reason, tc.words)
			}
			story, err := w.Follow(t.Context(), ada)
			if err != nil {
				t.Fatal(err)
			}
			events := slices.Collect(story)
			if last := events[len(events)-1]; last.Final != hub.OutcomeFailed || !strings.Contains(last.Message, tc.words) {
				t.Errorf("the story ends with %+v", last)
			}
		})
	}
}

func TestAProcessThatEndsDuringTheStart(t *testing.T) {
	t.Parallel()
	w := open(t, nil, func(c *spawn.Config) { c.HTTPTimeout = time.Minute })
	w.fake.Serve(func(hub.Spec) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	})
	srv := w.start(ada)
	eventually(t, "the process exists", func() bool { return w.fake.Crash(srv.RunID, 137) })
	err := w.failed(ada, srv.RunID)
	if hub.MessageOf(err) == "" {
		t.Errorf("no words for the user: %v", err)
	}
	w.stopped(ada)
}

func TestStopDuringAStart(t *testing.T) {
	t.Parallel()
	for _, at := range []spawntest.Op{spawntest.OpStart, spawntest.OpMade} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			w := open(t, nil, nil)
			reached := make(chan struct{}, 1)
			w.fake.On(at, func(ctx context.Context, _ hub.Ref) error {
				reached <- struct{}{}
				<-ctx.Done()
				return ctx.Err()
			})
			w.start(ada)
			<-reached
			story, err := w.Follow(t.Context(), ada)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Stop(t.Context(), ada, ""); err != nil {
				t.Fatal(err)
			}
			if srv := w.stopped(ada); srv.Phase != hub.Stopped {
				t.Errorf("phase %s, want stopped: nobody calls a wish a failure", srv.Phase)
			}
			events := slices.Collect(story)
			if last := events[len(events)-1]; last.Final != hub.OutcomeFailed || last.Message != "Spawn cancelled" {
				t.Errorf("the story ends with %+v", last)
			}
		})
	}
}

func TestAServerThatEndsByItselfIsNoticed(t *testing.T) {
	t.Parallel()
	w := open(t, nil, func(c *spawn.Config) { c.PollInterval = time.Hour })
	srv := w.started(ada)
	if !w.fake.Crash(srv.RunID, 1) {
		t.Fatal("there is no run to end")
	}
	eventually(t, "the server is stopped", func() bool {
		s, err := w.db.ServerByKey(t.Context(), ada)
		return err == nil && !s.Active()
	})
	if got := w.stopped(ada); got.Reason == "" {
		t.Error("nobody says why the server ended")
	}
}

func TestAStopThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := open(t, nil, func(c *spawn.Config) { c.RetryAfter = 20 * time.Millisecond })
	w.started(ada)
	w.fake.Fail(spawntest.OpStop, errors.New("the outside does not answer"))
	if _, err := w.Stop(t.Context(), ada, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a stop was tried", func() bool {
		return slices.ContainsFunc(w.fake.Calls(), func(c spawntest.Call) bool { return c.Op == spawntest.OpStop })
	})
	if srv, err := w.db.ServerByKey(t.Context(), ada); err != nil || srv.Phase != hub.Stopping {
		t.Errorf("phase %v, %v; a server whose stop failed is still stopping", srv, err)
	}
	if _, _, err := w.Start(t.Context(), spawn.StartRequest{Key: ada}); hub.CodeOf(err) != hub.Conflict {
		t.Errorf("a start while it stops: %v, want a conflict", err)
	}
	w.fake.Fail(spawntest.OpStop, nil)
	w.stopped(ada)
}

func TestWaitingStartsAreQueued(t *testing.T) {
	t.Parallel()
	w := open(t, nil, func(c *spawn.Config) { c.ConcurrentLimit = 1 })
	release := make(chan struct{})
	w.fake.On(spawntest.OpStart, func(ctx context.Context, _ hub.Ref) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	first := w.start(ada)
	w.start(hub.ServerKey{User: "bob"})
	w.start(hub.ServerKey{User: "cyd"})
	story, err := w.Follow(t.Context(), hub.ServerKey{User: "cyd"})
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan []hub.Event, 1)
	told := make(chan struct{}, 100)
	go func() {
		var events []hub.Event
		for e := range story {
			events = append(events, e)
			told <- struct{}{}
		}
		heard <- events
	}()
	<-told // the place in the queue
	close(release)
	for _, name := range []string{"ada", "bob", "cyd"} {
		k := hub.ServerKey{User: name}
		eventually(t, name+"'s server is ready", func() bool {
			srv, err := w.db.ServerByKey(t.Context(), k)
			return err == nil && srv.Phase == hub.Ready
		})
	}
	events := <-heard
	if !strings.Contains(events[0].Message, "in the queue") {
		t.Errorf("the story of a waiting start begins with %q", events[0].Message)
	}
	if first.Phase == hub.Queued {
		t.Error("the first start waits although there is a place")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	bob := hub.ServerKey{User: "bob"}
	t.Run("concurrent, refused as in JupyterHub", func(t *testing.T) {
		t.Parallel()
		w := open(t, nil, func(c *spawn.Config) { c.ConcurrentLimit, c.RefuseWaiting = 1, true })
		w.fake.Delay(spawntest.OpStart, time.Minute)
		w.start(ada)
		_, _, err := w.Start(t.Context(), spawn.StartRequest{Key: bob})
		var e *hub.Error
		if !errors.As(err, &e) || e.Code != hub.TooMany || e.Retry < 30*time.Second || e.Retry > time.Minute {
			t.Errorf("got %v; want too many, with 30 to 60 s to wait", err)
		}
	})
	t.Run("active", func(t *testing.T) {
		t.Parallel()
		w := open(t, nil, func(c *spawn.Config) { c.ActiveLimit = 1 })
		w.started(ada)
		_, _, err := w.Start(t.Context(), spawn.StartRequest{Key: bob})
		if hub.CodeOf(err) != hub.TooMany || hub.MessageOf(err) != "Active user limit exceeded. Try again in a few minutes." {
			t.Errorf("got %v", err)
		}
	})
}

func TestNamedServers(t *testing.T) {
	t.Parallel()
	w := open(t, nil, func(c *spawn.Config) { c.NamedLimit = 1 })
	for _, tc := range []struct {
		server, display string
		code            hub.Code
	}{
		{"Lab", "", hub.Invalid},
		{"lab--2", "", hub.Invalid},
		{"lab-", "", hub.Invalid},
		{"../x", "", hub.Invalid},
		{strings.Repeat("a", 31), "", hub.Invalid},
		{"lab", "two  spaces", hub.Invalid},
		{"lab", "a\u202eb", hub.Invalid},
		{"lab", "My laboratory", ""},
		{"lab-2", "", hub.Invalid}, // over the limit of one
	} {
		_, err := w.Ensure(t.Context(), hub.ServerKey{User: "ada", Server: tc.server}, tc.display)
		if tc.code == "" && err != nil || tc.code != "" && hub.CodeOf(err) != tc.code {
			t.Errorf("server %q called %q: %v, want %q", tc.server, tc.display, err, tc.code)
		}
	}
	k := hub.ServerKey{User: "ada", Server: "lab"}
	w.started(k)
	if err := w.Delete(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.ServerByKey(t.Context(), k); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("a deleted server is still there: %v", err)
	}
	if err := w.Delete(t.Context(), ada); hub.CodeOf(err) != hub.Invalid {
		t.Errorf("deleting the default server: %v", err)
	}
}

// TestOldNames holds that servers of names that are not allowed any more start or not as is configured, and can be renamed and deleted.
func TestOldNames(t *testing.T) {
	t.Parallel()
	for _, refused := range []bool{false, true} {
		w := open(t, nil, func(c *spawn.Config) { c.RefuseInvalid = refused })
		k := hub.ServerKey{User: "ada", Server: "My_Server"}
		if _, _, err := w.db.EnsureServer(t.Context(), k, "", time.Now()); err != nil {
			t.Fatal(err)
		}
		_, _, err := w.Start(t.Context(), spawn.StartRequest{Key: k})
		if !refused {
			if err != nil {
				t.Errorf("not refused, but %v", err)
			}
			continue
		}
		if hub.CodeOf(err) != hub.Invalid || !strings.Contains(hub.MessageOf(err), "Starting invalid server_name 'My_Server' is disabled") {
			t.Errorf("refused with %v", err)
		}
		name := "my-server"
		if _, err := w.Change(t.Context(), k, spawn.ServerChange{Name: &name}); err != nil {
			t.Fatal(err)
		}
		k.Server = name
		w.started(k)
		if err := w.Delete(t.Context(), k); err != nil {
			t.Error(err)
		}
	}
}

// TestAnotherReplicaGoesOn ends a controller in mid-start. The next one must end the start with the same run and token.
func TestAnotherReplicaGoesOn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first := open(t, db, func(c *spawn.Config) { c.Replica = "first" })
		reached := make(chan struct{}, 1)
		first.fake.On(spawntest.OpStart, func(ctx context.Context, _ hub.Ref) error {
			reached <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		})
		srv := first.start(ada)
		<-reached
		first.stop()
		second := open(t, db, func(c *spawn.Config) { c.Replica = "second" })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		got, err := second.WaitStarted(ctx, ada, srv.RunID)
		if err != nil || got.RunID != srv.RunID || got.Phase != hub.Ready {
			t.Fatalf("got %+v, %v; want run %s ready", got, err, srv.RunID)
		}
		tokens, err := db.TokensOfUser(t.Context(), srv.UserID, time.Now())
		if err != nil || len(tokens) != 1 {
			t.Errorf("tokens %v, %v; want one", tokens, err)
		}
	})
}

func TestStraysAreRemoved(t *testing.T) {
	t.Parallel()
	w := open(t, nil, func(c *spawn.Config) { c.SweepEvery = 20 * time.Millisecond })
	kept := w.started(ada)
	spec := &hub.Spec{Ref: hub.Ref{Key: hub.ServerKey{User: "bob"}, RunID: "stray"}, Prefix: "/user/bob/", Env: map[string]string{}}
	if _, err := w.fake.Start(t.Context(), spec, func(json.RawMessage) error { return nil }, func(hub.Event) {}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stray is gone", func() bool {
		refs, err := w.fake.List(t.Context())
		return err == nil && len(refs) == 1 && refs[0].RunID == kept.RunID
	})
}
