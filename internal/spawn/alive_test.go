package spawn_test

import (
	"errors"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/spawn/spawntest"
)

func TestAlive(t *testing.T) {
	t.Parallel()
	w := open(t, nil, nil)
	if _, err := w.Alive(t.Context(), ada); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("a server that does not exist: %v", err)
	}
	srv := w.started(ada)
	alive := func(want bool) {
		t.Helper()
		if got, err := w.Alive(t.Context(), ada); got != want || err != nil {
			t.Errorf("alive is %t, %v; want %t", got, err, want)
		}
	}
	alive(true)
	w.fake.Fail(spawntest.OpPoll, errors.New("nobody answers"))
	alive(true) // not to know is no reason to end it
	w.fake.Fail(spawntest.OpPoll, nil)
	if !w.fake.Crash(srv.RunID, 1) {
		t.Fatal("there is nothing to crash")
	}
	alive(false)
	w.stopped(ada)
	alive(false)
}
