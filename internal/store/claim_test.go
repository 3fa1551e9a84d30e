package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for i, name := range []string{"late", "early"} {
			newUser(t, db, name)
			newServer(t, db, hub.ServerKey{User: name})
			_, _, err := db.AskStart(t.Context(), store.StartAsk{Key: hub.ServerKey{User: name}, RunID: "r " + name, Now: t0.Add(-secondsOf(i))})
			ok(t, err)
		}
		claim := func(owner string, now time.Time, limit int) []*hub.Server {
			t.Helper()
			return must[[]*hub.Server](t)(db.ClaimWork(t.Context(), owner, time.Minute, now, limit, 0))
		}
		if got := claim("a", t0.Add(-time.Second), 0); got != nil {
			t.Errorf("claimed without room %q", keys(got))
		}
		first := claim("a", t0, 1)
		if keys(first) != "early" || first[0].ClaimOwner != "a" || !first[0].ClaimExpires.Equal(t0.Add(time.Minute)) {
			t.Fatalf("first claim %+v", first)
		}
		if got := claim("b", t0, 9); keys(got) != "late" {
			t.Errorf("the other hub got %q", keys(got))
		}
		if got := claim("c", t0.Add(59*time.Second), 9); len(got) != 0 {
			t.Errorf("claimed twice: %q", keys(got))
		}
		id, run := first[0].ID, first[0].RunID
		ok(t, db.RenewClaim(t.Context(), id, "a", run, t0.Add(2*time.Minute)))
		if err := db.RenewClaim(t.Context(), id, "a", "another run", t0.Add(time.Hour)); !errors.Is(err, store.ErrLostClaim) {
			t.Errorf("renewed for another run: %v", err)
		}
		if got := claim("c", t0.Add(time.Minute), 9); keys(got) != "late" {
			t.Errorf("the claim that ran out gave %q", keys(got))
		}
		if got := claim("c", t0.Add(2*time.Minute), 9); keys(got) != "early late" {
			t.Errorf("claims that ran out gave %q", keys(got))
		}
		for name, err := range map[string]error{
			"renew":   db.RenewClaim(t.Context(), id, "a", run, t0),
			"release": db.ReleaseClaim(t.Context(), id, "a", t0),
			"update":  updateErr(db.UpdateClaimed(t.Context(), id, "a", func(*hub.Server) error { t.Error("called without the claim"); return nil })),
			"nobody":  updateErr(db.UpdateClaimed(t.Context(), 999, "a", func(*hub.Server) error { return nil })),
		} {
			if !errors.Is(err, store.ErrLostClaim) {
				t.Errorf("%s of a lost claim: %v", name, err)
			}
		}
		ok(t, db.ReleaseClaim(t.Context(), id, "c", t0.Add(time.Hour)))
		if got := claim("a", t0.Add(time.Hour-time.Second), 9); keys(got) != "late" {
			t.Errorf("tried too early: %q", keys(got))
		}
		if got := claim("a", t0.Add(time.Hour), 9); keys(got) != "early" {
			t.Errorf("not tried again: %q", keys(got))
		}
	})
}

func updateErr(_ *hub.Server, err error) error { return err }

func TestUpdateClaimed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newUser(t, db, "ada")
		srv := newServer(t, db, hub.ServerKey{User: "ada"})
		_, _, err := db.AskStart(t.Context(), store.StartAsk{Key: srv.Key, RunID: "r", Now: t0})
		ok(t, err)
		must[[]*hub.Server](t)(db.ClaimWork(t.Context(), "a", time.Minute, t0, 1, 0))
		before := must[*hub.Server](t)(db.ServerByID(t.Context(), srv.ID))
		refused := errors.New("no")
		if err := updateErr(db.UpdateClaimed(t.Context(), srv.ID, "a", func(s *hub.Server) error { s.Phase = hub.Ready; return refused })); !errors.Is(err, refused) {
			t.Errorf("error of the function: %v", err)
		}
		told := listen(t, db)
		got := must[*hub.Server](t)(db.UpdateClaimed(t.Context(), srv.ID, "a", func(s *hub.Server) error {
			if s.Phase != hub.Starting {
				t.Errorf("a refused change was stored: %+v", s)
			}
			s.Phase, s.ReadySince, s.Address, s.State, s.LastActivity = hub.Ready, t0, "http://10.0.0.1:8888", []byte(`{"pod":"x"}`), t0
			return nil
		}))
		if got.Phase != hub.Ready || !got.ReadySince.Equal(t0) || got.Address != "http://10.0.0.1:8888" || string(got.State) != `{"pod":"x"}` ||
			got.Version <= before.Version || !got.LastActivity.Equal(t0) || got.ClaimOwner != "a" {
			t.Errorf("updated %+v", got)
		}
		if all := told.take(); len(all) != 1 || all[0].Kind != store.ChangeServer || all[0].RunID != "r" {
			t.Errorf("told %+v", all)
		}
	})
}

// TestClaimsUnderConcurrency lets two hubs ask for, claim, work on and stop the same servers at random, and holds at each step that
// nobody else works on a claimed server, a wish makes one run, and the limit of concurrent starts is kept.
func TestClaimsUnderConcurrency(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		db := storetest.New(t)
		race(t, db, db)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := storetest.Postgres(t)
		race(t, storetest.Open(t, url, "one"), storetest.Open(t, url, "two"))
	})
}

const (
	raceServers = 12
	raceWorkers = 4
	raceRounds  = 60
	raceLimit   = 3
)

type contest struct {
	t       *testing.T
	servers []*hub.Server
	working [raceServers]atomic.Int32
	runs    atomic.Int64
}

func race(t *testing.T, dbs ...*store.DB) {
	c := &contest{t: t}
	for i := range raceServers {
		name := fmt.Sprintf("u%d", i)
		newUser(t, dbs[0], name)
		c.servers = append(c.servers, newServer(t, dbs[0], hub.ServerKey{User: name}))
	}
	var wg sync.WaitGroup
	for n := range raceWorkers {
		db := dbs[n%len(dbs)]
		wg.Go(func() {
			for range raceRounds {
				c.ask(db)
			}
		})
		wg.Go(func() {
			for range raceRounds {
				c.work(db, fmt.Sprintf("worker %d", n))
			}
		})
	}
	wg.Wait()
	if c.runs.Load() < raceServers {
		t.Errorf("only %d runs were started", c.runs.Load())
	}
}

// ask wishes a random server to run, from two sides at once, or to stop.
func (c *contest) ask(db *store.DB) {
	srv := c.servers[rand.IntN(raceServers)]
	if rand.IntN(3) == 0 {
		if _, err := db.AskStop(c.t.Context(), srv.Key, "enough", 0, time.Now()); err != nil {
			c.t.Errorf("stop: %v", err)
		}
		return
	}
	run := fmt.Sprintf("run %d", c.runs.Add(1))
	got, fresh, err := db.AskStart(c.t.Context(), store.StartAsk{Key: srv.Key, RunID: run, Now: time.Now(), ConcurrentLimit: raceLimit})
	switch {
	case hub.CodeOf(err) == hub.Conflict: // it stops
	case err != nil:
		c.t.Errorf("start: %v", err)
	case fresh != (got.RunID == run):
		c.t.Errorf("asked for %s, got %s, fresh %v", run, got.RunID, fresh)
	case !fresh && got.Wanted != hub.WantRunning:
		c.t.Errorf("joined a server that stops: %+v", got)
	}
}

// work claims servers and moves each a step on.
func (c *contest) work(db *store.DB, owner string) {
	claimed, err := db.ClaimWork(c.t.Context(), owner, time.Minute, time.Now(), 2, raceLimit)
	if err != nil {
		c.t.Errorf("claim: %v", err)
	}
	if _, starting, err := db.CountServers(c.t.Context()); err != nil || starting > raceLimit {
		c.t.Errorf("%d servers start at once, %v", starting, err)
	}
	for _, srv := range claimed {
		at := &c.working[srv.ID-c.servers[0].ID]
		if at.Add(1) != 1 {
			c.t.Errorf("%s is claimed by two owners at once", srv.Key)
		}
		_, err := db.UpdateClaimed(c.t.Context(), srv.ID, owner, func(s *hub.Server) error {
			switch {
			case s.Wanted == hub.WantRunning && s.Phase == hub.Starting:
				s.Phase = hub.Ready
			case s.Phase == hub.Stopping:
				s.Phase = hub.Stopped
			default:
				s.Phase = hub.Stopping
			}
			return nil
		})
		if err != nil {
			c.t.Errorf("update: %v", err)
		}
		at.Add(-1)
		if err := db.ReleaseClaim(c.t.Context(), srv.ID, owner, time.Now()); err != nil {
			c.t.Errorf("release: %v", err)
		}
	}
}

// TestAskStartOnce asks for the same start from two hubs at once, again and again: exactly one of them makes the run.
func TestAskStartOnce(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	dbs := []*store.DB{storetest.Open(t, url, "one"), storetest.Open(t, url, "two")}
	for round := range 20 {
		name := fmt.Sprintf("u%d", round)
		newUser(t, dbs[0], name)
		var fresh atomic.Int32
		var runs sync.Map
		var wg sync.WaitGroup
		for n := range 8 {
			wg.Go(func() {
				db := dbs[n%2]
				key := hub.ServerKey{User: name}
				if _, _, err := db.EnsureServer(t.Context(), key, "", t0); err != nil {
					t.Errorf("ensure: %v", err)
				}
				srv, isFresh, err := db.AskStart(t.Context(), store.StartAsk{Key: key, RunID: fmt.Sprintf("%d %d", round, n), Now: t0})
				if err != nil {
					t.Errorf("start: %v", err)
					return
				}
				runs.Store(srv.RunID, true)
				if isFresh {
					fresh.Add(1)
				}
			})
		}
		wg.Wait()
		distinct := 0
		runs.Range(func(any, any) bool { distinct++; return true })
		if fresh.Load() != 1 || distinct != 1 {
			t.Fatalf("%d fresh starts, %d runs", fresh.Load(), distinct)
		}
	}
}
