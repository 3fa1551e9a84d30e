package spawntest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/spawn/spawntest"
)

var ada = hub.ServerKey{User: "ada"}

func TestFakePassesTheSuite(t *testing.T) {
	t.Parallel()
	spawntest.Run(t, func(t *testing.T) spawntest.World {
		f := spawntest.NewFake()
		t.Cleanup(f.Close)
		return spawntest.World{
			New:   func(*testing.T) hub.Spawner { return f },
			Crash: func(t *testing.T, ref hub.Ref) { crash(t, f, ref.RunID) },
		}
	})
}

func crash(t *testing.T, f *spawntest.Fake, runID string) {
	t.Helper()
	if !f.Crash(runID, 137) {
		t.Errorf("run %s does not live", runID)
	}
}

func start(t *testing.T, f *spawntest.Fake, runID string) (*hub.Started, error) {
	t.Helper()
	spec := &hub.Spec{Ref: hub.Ref{Key: ada, RunID: runID}, Env: map[string]string{"A": "b"}, Prefix: "/user/ada/"}
	return f.Start(t.Context(), spec, func(json.RawMessage) error { return nil }, func(hub.Event) {})
}

func TestFakeScript(t *testing.T) {
	t.Parallel()
	f := spawntest.NewFake()
	t.Cleanup(f.Close)
	broken := errors.New("broken")
	f.Fail(spawntest.OpStart, broken)
	if _, err := start(t, f, "1"); !errors.Is(err, broken) || len(f.Running()) != 0 {
		t.Errorf("got %v, running %v", err, f.Running())
	}
	f.Fail(spawntest.OpStart, nil)
	f.Fail(spawntest.OpMade, broken)
	if _, err := start(t, f, "1"); !errors.Is(err, broken) || len(f.Running()) != 1 {
		t.Errorf("got %v, running %v", err, f.Running())
	}
	f.On(spawntest.OpMade, nil)
	f.Serve(func(s hub.Spec) http.Handler {
		return http.RedirectHandler("/elsewhere/"+s.Key.User, http.StatusTeapot)
	})
	if _, err := start(t, f, "1"); err != nil || len(f.Running()) != 1 || f.Count(spawntest.OpStart, ada) != 3 {
		t.Errorf("got %v, running %v, calls %v", err, f.Running(), f.Calls())
	}
	if spec, found := f.Spec("1"); !found || spec.Env["A"] != "b" {
		t.Errorf("got %+v, %v", spec, found)
	}
	started, err := start(t, f, "2")
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, started.Address+"/x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusTeapot {
		t.Errorf("got %d, %v", res.StatusCode, err)
	}
	f.Delay(spawntest.OpStop, time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := f.Stop(ctx, hub.Ref{RunID: "2"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	crash(t, f, "2")
	if f.Crash("2", 1) || f.Crash("never", 1) {
		t.Error("crashed what does not live")
	}
}
