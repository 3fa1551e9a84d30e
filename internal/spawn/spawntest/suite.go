package spawntest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"berdlhub/internal/hub"
)

// noticed bounds how long a Watcher may take to tell the end of a run.
const noticed = time.Second

// Run holds a Spawner to all that hub.Spawner promises. Each test opens a world of its own.
func Run(t *testing.T, open func(t *testing.T) World) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, World){
		"start, poll and stop":            startPollStop,
		"start twice":                     startTwice,
		"never made":                      neverMade,
		"first keep fails":                firstKeepFails,
		"start after a crash of the hub":  startAfterCrash,
		"stop after a crash of the hub":   stopAfterCrash,
		"several runs side by side":       sideBySide,
		"found again by another instance": foundAgain,
		"ended by itself":                 endedByItself,
		"watch":                           watch,
		"list and remove strays":          strays,
		"start that is no longer wanted":  cancelled,
		"many at the same time":           many,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

var ada = hub.ServerKey{User: "ada"}

func startPollStop(t *testing.T, w World) {
	sp, s := w.New(t), newSubject(t, w, ada)
	started := s.start(sp)
	if s.instance(started.Address) == "" {
		t.Error("nothing runs")
	}
	s.mustLive(sp, started.Address)
	for _, e := range s.said {
		if e.RunID != "" && e.RunID != s.spec.RunID || e.Progress < 0 || e.Progress > 100 || e.Message == "" {
			t.Errorf("event %+v", e)
		}
	}
	for range 2 { // the second stop finds nothing, which is no error
		s.stop(sp)
		s.mustBeGone(sp)
	}
}

func startTwice(t *testing.T, w World) {
	sp, s := w.New(t), newSubject(t, w, ada)
	first := s.start(sp)
	instance := s.instance(first.Address)
	second := s.start(sp)
	if second.Address != first.Address || string(second.State) != string(first.State) || s.instance(second.Address) != instance {
		t.Errorf("the second start gives %+v after %+v", second, first)
	}
	s.stop(sp)
	s.mustBeGone(sp)
}

func neverMade(t *testing.T, w World) {
	sp, s := w.New(t), newSubject(t, w, ada)
	if status := s.poll(sp); status.Life != hub.Ended || status.ExitCode != nil || status.Address != "" {
		t.Errorf("got %+v", status)
	}
	s.stop(sp)
}

func firstKeepFails(t *testing.T, w World) {
	sp, s := w.New(t), newSubject(t, w, ada)
	s.fail = 1
	if _, err := s.try(t.Context(), sp); !errors.Is(err, errKept) {
		t.Fatalf("got %v; want the error of keep", err)
	}
	s.mustBeGone(sp)
	if s.calls != 1 {
		t.Errorf("keep was called %d times", s.calls)
	}
	started := s.start(sp) // the database answers again
	s.mustLive(sp, started.Address)
}

// keeps counts how often a start calls keep: the points at which a crash of the hub loses something.
func keeps(t *testing.T, w World) int {
	t.Helper()
	sp, s := w.New(t), newSubject(t, w, hub.ServerKey{User: "count"})
	s.start(sp)
	s.stop(sp)
	return s.calls
}

// crashes plays a crash of the hub at each point: the keep of that point never happened, and another instance goes on.
func crashes(t *testing.T, w World, goOn func(t *testing.T, sp hub.Spawner, s *subject)) {
	t.Helper()
	for point := 1; point <= keeps(t, w); point++ {
		t.Run(fmt.Sprintf("at keep %d", point), func(t *testing.T) {
			s := newSubject(t, w, ada)
			s.fail = point
			if _, err := s.try(t.Context(), w.New(t)); !errors.Is(err, errKept) {
				t.Fatalf("got %v; want the error of keep", err)
			}
			s.fail = 0
			goOn(t, w.New(t), s)
		})
	}
}

func startAfterCrash(t *testing.T, w World) {
	crashes(t, w, func(t *testing.T, sp hub.Spawner, s *subject) {
		started := s.start(sp)
		instance := s.instance(started.Address)
		s.mustLive(sp, started.Address)
		if _, can := sp.(hub.Lister); can && s.listed(sp) != 1 {
			t.Errorf("the run is listed %d times", s.listed(sp))
		}
		if again := s.start(w.New(t)); again.Address != started.Address || s.instance(again.Address) != instance {
			t.Errorf("started anew: %+v after %+v", again, started)
		}
		s.stop(sp)
		s.mustBeGone(sp)
	})
}

func stopAfterCrash(t *testing.T, w World) {
	crashes(t, w, func(_ *testing.T, sp hub.Spawner, s *subject) {
		s.stop(sp)
		s.mustBeGone(sp)
	})
}

func sideBySide(t *testing.T, w World) {
	sp := w.New(t)
	keys := []hub.ServerKey{
		{User: "ada"},
		{User: "ada", Server: "two"},
		{User: "ada-two"},
		{User: "grace"},
		{User: "a_b"},
		{User: "a__b"},
		{User: "a_b_"}, // must not meet under one name outside
	}
	subjects := make([]*subject, len(keys))
	addresses, instances := map[string]bool{}, map[string]bool{}
	started := make([]*hub.Started, len(keys))
	for i, key := range keys {
		subjects[i] = newSubject(t, w, key)
		started[i] = subjects[i].start(sp)
		addresses[started[i].Address] = true
		instances[subjects[i].instance(started[i].Address)] = true
	}
	if len(addresses) != len(keys) || len(instances) != len(keys) {
		t.Fatalf("%d runs share %d addresses and %d instances", len(keys), len(addresses), len(instances))
	}
	subjects[0].stop(sp)
	subjects[0].mustBeGone(sp)
	for i := 1; i < len(keys); i++ {
		subjects[i].mustLive(sp, started[i].Address)
	}
}

func foundAgain(t *testing.T, w World) {
	s := newSubject(t, w, ada)
	started := s.start(w.New(t))
	instance := s.instance(started.Address)
	second := w.New(t)
	s.mustLive(second, started.Address)
	if again := s.start(second); again.Address != started.Address || s.instance(again.Address) != instance {
		t.Errorf("started anew: %+v after %+v", again, started)
	}
	third := w.New(t)
	s.stop(third)
	s.mustBeGone(third)
	eventually(t, "the second instance sees the end", func() bool { return s.poll(second).Life == hub.Ended })
	s.mustBeGone(w.New(t))
}

func endedByItself(t *testing.T, w World) {
	sp, s := w.New(t), newSubject(t, w, ada)
	started := s.start(sp)
	s.instance(started.Address)
	w.Crash(t, s.ref())
	eventually(t, "the end is seen", func() bool { return s.poll(sp).Life == hub.Ended })
	if status := s.poll(sp); status.Reason == "" || status.Address != "" {
		t.Errorf("got %+v; want a reason and no address", status)
	}
	if status := s.poll(w.New(t)); status.Life != hub.Ended || status.Reason == "" {
		t.Errorf("another instance: got %+v; want ended, with a reason", status)
	}
	s.stop(sp)
	s.mustBeGone(sp)
}

func watch(t *testing.T, w World) {
	sp := w.New(t)
	watcher, can := sp.(hub.Watcher)
	if !can {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan string, 100)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := watcher.Watch(ctx, func(id string) { gone <- id }); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("watch: %v", err)
		}
	})
	defer wg.Wait()
	defer cancel()
	crashed, stays := newSubject(t, w, ada), newSubject(t, w, hub.ServerKey{User: "grace"})
	crashed.instance(crashed.start(sp).Address)
	started := stays.start(sp)
	w.Crash(t, crashed.ref())
	select {
	case id := <-gone:
		if id != crashed.spec.RunID {
			t.Errorf("told the end of run %s, but %s has ended", id, crashed.spec.RunID)
		}
	case <-time.After(noticed):
		t.Fatalf("the end was not told within %s", noticed)
	}
	stays.mustLive(sp, started.Address)
}

func strays(t *testing.T, w World) {
	if _, can := w.New(t).(hub.Lister); !can {
		return
	}
	lost, known := newSubject(t, w, ada), newSubject(t, w, hub.ServerKey{User: "ada", Server: "two"})
	lost.start(w.New(t))
	started := known.start(w.New(t))
	sp := w.New(t)
	refs, err := sp.(hub.Lister).List(t.Context())
	if err != nil || len(refs) != 2 {
		t.Fatalf("got %+v, %v; want two runs", refs, err)
	}
	for _, ref := range refs {
		switch ref.RunID {
		case lost.spec.RunID:
			if ref.Key != lost.spec.Key {
				t.Errorf("got key %+v; want %+v", ref.Key, lost.spec.Key)
			}
			if status, err := sp.Poll(t.Context(), ref); err != nil || status.Life != hub.Running {
				t.Errorf("poll a listed run: %+v, %v", status, err)
			}
			if err := sp.Stop(t.Context(), ref); err != nil {
				t.Errorf("stop a listed run: %v", err)
			}
		case known.spec.RunID:
		default:
			t.Errorf("lists %+v, which was never started", ref)
		}
	}
	lost.mustBeGone(sp)
	known.mustLive(sp, started.Address)
}

func cancelled(t *testing.T, w World) {
	sp, s := w.New(t), newSubject(t, w, ada)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.try(ctx, sp); err == nil {
		t.Error("a start whose context has ended succeeds")
	}
	s.stop(sp)
	s.mustBeGone(sp)
}

func many(t *testing.T, w World) {
	sp := w.New(t)
	subjects := make([]*subject, 8)
	addresses := make([]string, len(subjects))
	var wg sync.WaitGroup
	for i := range subjects {
		s := newSubject(t, w, hub.ServerKey{User: fmt.Sprintf("user%d", i)})
		subjects[i] = s
		wg.Go(func() {
			started, err := s.try(t.Context(), sp)
			if err != nil {
				t.Errorf("start %s: %v", s.spec.Key, err)
				return
			}
			addresses[i] = started.Address
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, address := range addresses {
		if seen[address] {
			t.Errorf("address %s is given twice", address)
		}
		seen[address] = true
	}
	for _, s := range subjects {
		wg.Go(func() {
			if err := sp.Stop(t.Context(), s.ref()); err != nil {
				t.Errorf("stop %s: %v", s.spec.Key, err)
			}
		})
	}
	wg.Wait()
	for _, s := range subjects {
		s.mustBeGone(sp)
	}
}
