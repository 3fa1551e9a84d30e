package store_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func keys(all []*hub.Server) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Key.String()
	}
	return strings.Join(names, " ")
}

func TestEnsureServer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u, bob := newUser(t, db, "ada"), newUser(t, db, "bob")
		key := hub.ServerKey{User: "ada", Server: "gpu"}
		srv, created, err := db.EnsureServer(t.Context(), key, "My GPU", t0)
		ok(t, err)
		if !created || srv.Key != key || srv.UserID != u.ID || srv.DisplayName != "My GPU" || srv.Phase != hub.Stopped || srv.Wanted != hub.WantStopped || !srv.Created.Equal(t0) {
			t.Errorf("made %+v", srv)
		}
		if srv.Options != nil || srv.State != nil || srv.Active() {
			t.Errorf("a new server has %+v", srv)
		}
		again, created, err := db.EnsureServer(t.Context(), key, "other", t0)
		ok(t, err)
		if created || again.ID != srv.ID || again.DisplayName != "My GPU" {
			t.Errorf("found %+v, created %v", again, created)
		}
		newServer(t, db, hub.ServerKey{User: "ada"})
		newServer(t, db, hub.ServerKey{User: "bob"})
		if got := keys(must[[]*hub.Server](t)(db.ServersOfUser(t.Context(), u.ID))); got != "ada ada:gpu" {
			t.Errorf("servers %q", got)
		}
		many := must[map[int64][]*hub.Server](t)(db.ServersOfUsers(t.Context(), []int64{u.ID, bob.ID, 99}))
		if keys(many[u.ID]) != "ada ada:gpu" || keys(many[bob.ID]) != "bob" || len(many) != 2 {
			t.Errorf("servers of users %v", many)
		}
		_, _, err = db.EnsureServer(t.Context(), hub.ServerKey{User: "ghost"}, "", t0)
		wantCode(t, err, hub.NotFound)
		_, _, err = db.EnsureServer(t.Context(), hub.ServerKey{User: "ada", Server: strings.Repeat("s", 256)}, "", t0)
		wantCode(t, err, hub.Invalid)
		_, _, err = db.EnsureServer(t.Context(), hub.ServerKey{User: "ada", Server: "s"}, strings.Repeat("s", 256), t0)
		wantCode(t, err, hub.Invalid)
	})
}

func TestDeleteServer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := newUser(t, db, "ada")
		srv := makeReady(t, db, hub.ServerKey{User: "ada", Server: "x"})
		ok(t, db.SaveClient(t.Context(), &hub.Client{ID: "c", ServerID: srv.ID}))
		k, _ := newToken(t, db, hub.Token{UserID: u.ID, ClientID: "c"})
		run, _ := newToken(t, db, hub.Token{UserID: u.ID, RunID: srv.RunID})
		must[*hub.Entry](t)(db.Plan(t.Context(), srv.ID, srv.RunID, "pod", nil, t0))
		wantCode(t, db.DeleteServer(t.Context(), srv.ID), hub.Conflict)
		stopNow(t, db, srv)
		ok(t, db.DeleteServer(t.Context(), srv.ID))
		ok(t, db.DeleteServer(t.Context(), srv.ID))
		_, err := db.ServerByID(t.Context(), srv.ID)
		wantCode(t, err, hub.NotFound)
		for _, id := range []int64{k.ID, run.ID} {
			_, err = db.TokenByID(t.Context(), id)
			wantCode(t, err, hub.NotFound)
		}
		if left := must[[]*hub.Entry](t)(db.OpenEntries(t.Context())); len(left) != 0 {
			t.Errorf("journal has %+v", left)
		}
	})
}

// stopNow brings a server to stopped, as a worker does.
func stopNow(t testing.TB, db *store.DB, srv *hub.Server) {
	t.Helper()
	must[*hub.Server](t)(db.AskStop(t.Context(), srv.Key, "", 0, t0))
	must[[]*hub.Server](t)(db.ClaimWork(t.Context(), "stopper", time.Minute, t0, 100, 0))
	must[*hub.Server](t)(db.UpdateClaimed(t.Context(), srv.ID, "stopper", func(s *hub.Server) error { s.Phase = hub.Stopped; return nil }))
	ok(t, db.ReleaseClaim(t.Context(), srv.ID, "stopper", t0))
}

func TestAskStart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newUser(t, db, "ada")
		key := hub.ServerKey{User: "ada"}
		ask := store.StartAsk{Key: key, RunID: "r1", Options: json.RawMessage(`{"image":"a"}`), Now: t0}
		_, _, err := db.AskStart(t.Context(), ask)
		wantCode(t, err, hub.NotFound)
		first := newServer(t, db, key)
		told := listen(t, db)
		srv, fresh, err := db.AskStart(t.Context(), ask)
		ok(t, err)
		if !fresh || srv.Phase != hub.Starting || srv.Wanted != hub.WantRunning || srv.RunID != "r1" || string(srv.Options) != `{"image":"a"}` ||
			!srv.Requested.Equal(t0) || !srv.Started.Equal(t0) || srv.Version <= first.Version {
			t.Errorf("asked %+v, fresh %v", srv, fresh)
		}
		if all := told.take(); len(all) != 1 || all[0] != (store.Change{Kind: store.ChangeServer, ID: srv.ID, Key: key, RunID: "r1"}) {
			t.Errorf("told %+v", all)
		}
		ask.RunID = "r2"
		joined, fresh, err := db.AskStart(t.Context(), ask)
		ok(t, err)
		if fresh || joined.RunID != "r1" || joined.Version != srv.Version || len(told.take()) != 0 {
			t.Errorf("joined %+v, fresh %v", joined, fresh)
		}
		if byRun := must[*hub.Server](t)(db.ServerByRun(t.Context(), "r1")); byRun.ID != srv.ID {
			t.Errorf("by run %+v", byRun)
		}
		_, err = db.ServerByRun(t.Context(), "")
		wantCode(t, err, hub.NotFound)

		must[*hub.Server](t)(db.AskStop(t.Context(), key, "changed my mind", 0, t0))
		_, _, err = db.AskStart(t.Context(), ask)
		wantCode(t, err, hub.Conflict)
	})
}

func TestAskStartForgetsFailure(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newUser(t, db, "ada")
		key := hub.ServerKey{User: "ada"}
		srv := newServer(t, db, key)
		_, _, err := db.AskStart(t.Context(), store.StartAsk{Key: key, RunID: "r1", Options: json.RawMessage(`{"image":"a"}`), Now: t0})
		ok(t, err)
		must[[]*hub.Server](t)(db.ClaimWork(t.Context(), "a", time.Minute, t0, 1, 0))
		failed := must[*hub.Server](t)(db.UpdateClaimed(t.Context(), srv.ID, "a", func(s *hub.Server) error {
			s.Wanted, s.Phase, s.Reason, s.FailStatus = hub.WantStopped, hub.Failed, "no such image", 400
			s.State, s.Address, s.ReadySince = json.RawMessage(`{"pid":1}`), "http://x", t0
			return nil
		}))
		if failed.Reason != "no such image" || failed.FailStatus != 400 || !failed.Started.IsZero() || !failed.ReadySince.IsZero() || failed.Address != "" {
			t.Errorf("failed %+v", failed)
		}
		ok(t, db.ReleaseClaim(t.Context(), srv.ID, "a", t0.Add(time.Hour)))
		if work := must[[]*hub.Server](t)(db.ClaimWork(t.Context(), "a", time.Minute, t0.Add(2*time.Hour), 1, 0)); len(work) != 0 {
			t.Errorf("a failed server is work: %+v", work[0])
		}
		stop := must[*hub.Server](t)(db.AskStop(t.Context(), key, "again", 0, t0))
		if stop.Reason != "no such image" || stop.Version != failed.Version {
			t.Errorf("a stop of a failed server changed it: %+v", stop)
		}
		next, fresh, err := db.AskStart(t.Context(), store.StartAsk{Key: key, RunID: "r2", Now: t0})
		ok(t, err)
		if !fresh || next.Reason != "" || next.FailStatus != 0 || next.State != nil || string(next.Options) != `{"image":"a"}` || next.RunID != "r2" {
			t.Errorf("next start %+v", next)
		}
		if work := must[[]*hub.Server](t)(db.ClaimWork(t.Context(), "a", time.Minute, t0, 1, 0)); len(work) != 1 {
			t.Error("the new run waits for the back-off of the old one")
		}
	})
}

func TestAskStop(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newUser(t, db, "ada")
		srv := makeReady(t, db, hub.ServerKey{User: "ada"})
		other := newServer(t, db, hub.ServerKey{User: "ada", Server: "idle"})
		_, err := db.AskStop(t.Context(), hub.ServerKey{User: "ghost"}, "", 0, t0)
		wantCode(t, err, hub.NotFound)
		idle := must[*hub.Server](t)(db.AskStop(t.Context(), other.Key, "why", 500, t0))
		if idle.Phase != hub.Stopped || idle.Reason != "" || idle.Version != other.Version {
			t.Errorf("idle server became %+v", idle)
		}
		ok(t, db.AskStopRun(t.Context(), srv.Key, "another run", "ended", t0))
		ok(t, db.AskStopRun(t.Context(), hub.ServerKey{User: "ghost"}, "r", "ended", t0))
		if got := must[*hub.Server](t)(db.ServerByID(t.Context(), srv.ID)); got.Wanted != hub.WantRunning {
			t.Errorf("another run's end stopped the server: %+v", got)
		}
		ok(t, db.AskStopRun(t.Context(), srv.Key, srv.RunID, "ended", t0))
		got := must[*hub.Server](t)(db.AskStop(t.Context(), srv.Key, "culled", 0, t0))
		if got.Wanted != hub.WantStopped || got.Phase != hub.Ready || got.Reason != "ended" {
			t.Errorf("asked to stop %+v", got)
		}
		if work := must[[]*hub.Server](t)(db.ClaimWork(t.Context(), "a", time.Minute, t0, 9, 0)); keys(work) != "ada" {
			t.Errorf("work %q", keys(work))
		}
	})
}

func TestQueue(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ask := func(name string, n int) (*hub.Server, error) {
			newUser(t, db, name)
			newServer(t, db, hub.ServerKey{User: name})
			srv, _, err := db.AskStart(t.Context(), store.StartAsk{
				Key: hub.ServerKey{User: name}, RunID: "r " + name, Now: t0.Add(secondsOf(n)), ConcurrentLimit: 1, ActiveLimit: 4, RefuseOverConcurrent: name == "refused",
			})
			return srv, err
		}
		var all []*hub.Server
		for i, name := range []string{"a", "b", "c", "d"} {
			all = append(all, must[*hub.Server](t)(ask(name, i)))
		}
		if all[0].Phase != hub.Starting || all[1].Phase != hub.Queued || !all[1].Started.IsZero() {
			t.Fatalf("phases %s %s", all[0].Phase, all[1].Phase)
		}
		_, err := ask("e", 5)
		if hub.CodeOf(err) != hub.TooMany || !errors.Is(err, store.ErrActiveLimit) {
			t.Errorf("over the active limit: %v", err)
		}
		place, length, err := db.QueuePlace(t.Context(), all[2].ID)
		ok(t, err)
		if place != 2 || length != 3 {
			t.Errorf("place %d of %d", place, length)
		}
		if place, _, _ = db.QueuePlace(t.Context(), all[0].ID); place != 0 {
			t.Errorf("a starting server has place %d", place)
		}
		active, starting, err := db.CountServers(t.Context())
		ok(t, err)
		if active != 4 || starting != 1 {
			t.Errorf("active %d, starting %d", active, starting)
		}

		stopped := must[*hub.Server](t)(db.AskStop(t.Context(), all[1].Key, "no more", 0, t0)) // leaves the queue at once
		if stopped.Phase != hub.Stopped || stopped.Wanted != hub.WantStopped {
			t.Errorf("a queued server became %+v", stopped)
		}
		if failed := must[*hub.Server](t)(db.AskStop(t.Context(), all[3].Key, "too late", 503, t0)); failed.Phase != hub.Failed || failed.FailStatus != 503 {
			t.Errorf("a queued server became %+v", failed)
		}
		_, err = ask("refused", 6)
		if hub.CodeOf(err) != hub.TooMany || !errors.Is(err, store.ErrConcurrentLimit) {
			t.Errorf("over the concurrent limit: %v", err)
		}
		if work := must[[]*hub.Server](t)(db.ClaimWork(t.Context(), "h", time.Minute, t0, 9, 1)); keys(work) != "a" {
			t.Errorf("no place is free, but %q is claimed", keys(work))
		}
		must[*hub.Server](t)(db.UpdateClaimed(t.Context(), all[0].ID, "h", func(s *hub.Server) error { s.Phase = hub.Ready; return nil }))
		work := must[[]*hub.Server](t)(db.ClaimWork(t.Context(), "h", time.Minute, t0, 9, 1))
		if keys(work) != "c" || work[0].Phase != hub.Starting || !work[0].Started.Equal(t0) {
			t.Errorf("the place went to %q: %+v", keys(work), work)
		}
		if got := keys(must[[]*hub.Server](t)(db.ReadyServers(t.Context()))); got != "a" {
			t.Errorf("ready %q", got)
		}
		if got := keys(must[[]*hub.Server](t)(db.ActiveServers(t.Context()))); got != "a c" {
			t.Errorf("active %q", got)
		}
	})
}
