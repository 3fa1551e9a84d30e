package store_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newUser(t, db, "ada")
		srv := newServer(t, db, hub.ServerKey{User: "ada"})
		pod := must[*hub.Entry](t)(db.Plan(t.Context(), srv.ID, "r1", "pod", nil, t0))
		if want := (hub.Entry{ID: pod.ID, ServerID: srv.ID, RunID: "r1", Kind: "pod", State: hub.Planned, Updated: t0}); !reflect.DeepEqual(*pod, want) {
			t.Errorf("planned %+v", pod)
		}
		ok(t, db.SetEntry(t.Context(), pod.ID, hub.Made, json.RawMessage(`{"uid":1}`), t0.Add(time.Second)))
		again := must[*hub.Entry](t)(db.Plan(t.Context(), srv.ID, "r1", "pod", json.RawMessage(`{"other":1}`), t0))
		if again.ID != pod.ID || again.State != hub.Made || string(again.Identity) != `{"uid":1}` {
			t.Errorf("planned again %+v", again)
		}
		spark := must[*hub.Entry](t)(db.Plan(t.Context(), srv.ID, "r1", "spark", json.RawMessage(`{"name":"s"}`), t0))
		must[*hub.Entry](t)(db.Plan(t.Context(), srv.ID, "r2", "pod", nil, t0))
		ok(t, db.SetEntry(t.Context(), pod.ID, hub.Gone, nil, t0))
		of := must[[]*hub.Entry](t)(db.EntriesOfRun(t.Context(), "r1"))
		if len(of) != 2 || of[0].Kind != "pod" || of[0].State != hub.Gone || string(of[0].Identity) != `{"uid":1}` || of[1].ID != spark.ID {
			t.Errorf("entries %+v", of)
		}
		if open := must[[]*hub.Entry](t)(db.OpenEntries(t.Context())); len(open) != 2 || open[0].Kind != "spark" || open[1].RunID != "r2" {
			t.Errorf("open %+v", open)
		}
	})
}

func TestJournalRefuses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		_, err := db.Plan(t.Context(), 99, "r3", "pod", nil, t0)
		wantCode(t, err, hub.NotFound)
		wantCode(t, db.SetEntry(t.Context(), 99, hub.Gone, nil, t0), hub.NotFound)
	})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		told := listen(t, db)
		e := hub.Event{RunID: "r", Time: t0, Progress: 40, Message: "pulling", Level: hub.Warning}
		if seq := must[int64](t)(db.AddEvent(t.Context(), e)); seq != 1 {
			t.Errorf("first number %d", seq)
		}
		last := hub.Event{RunID: "r", Time: t0, Progress: 100, Message: strings.Repeat("ä", 5000) + "\x00", Final: hub.OutcomeReady, URL: "/user/ada/"}
		must[int64](t)(db.AddEvent(t.Context(), last))
		all := must[[]hub.Event](t)(db.EventsOfRun(t.Context(), "r", 0))
		e.Seq = 1
		if len(all) != 2 || all[0] != e || all[1].Final != hub.OutcomeReady || all[1].URL != "/user/ada/" || all[1].Level != hub.Info {
			t.Errorf("events %+v", all)
		}
		if n := utf8.RuneCountInString(all[1].Message); n != 4095 {
			t.Errorf("the long message has %d characters", n)
		}
		if rest := must[[]hub.Event](t)(db.EventsOfRun(t.Context(), "r", 1)); len(rest) != 1 || rest[0].Seq != 2 {
			t.Errorf("rest %+v", rest)
		}
		if got := told.take(); len(got) != 2 || got[0] != (store.Change{Kind: store.ChangeEvent, RunID: "r"}) {
			t.Errorf("told %+v", got)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 5 {
					if _, err := db.AddEvent(t.Context(), hub.Event{RunID: "many", Time: t0}); err != nil {
						t.Errorf("add: %v", err)
					}
				}
			})
		}
		wg.Wait()
		for i, e := range must[[]hub.Event](t)(db.EventsOfRun(t.Context(), "many", 0)) {
			if e.Seq != int64(i+1) {
				t.Errorf("number %d at place %d", e.Seq, i)
			}
		}
	})
}

func TestPruneEvents(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newUser(t, db, "ada")
		srv := newServer(t, db, hub.ServerKey{User: "ada"})
		_, _, err := db.AskStart(t.Context(), store.StartAsk{Key: srv.Key, RunID: "current", Now: t0})
		ok(t, err)
		for i, run := range []string{"current", "old", "older", "half", "new"} {
			must[int64](t)(db.AddEvent(t.Context(), hub.Event{RunID: run, Time: t0.Add(-secondsOf(100 - i))}))
		}
		for _, run := range []string{"half", "new"} {
			must[int64](t)(db.AddEvent(t.Context(), hub.Event{RunID: run, Time: t0}))
		}
		gone := must[*hub.Entry](t)(db.Plan(t.Context(), srv.ID, "old", "pod", nil, t0))
		ok(t, db.SetEntry(t.Context(), gone.ID, hub.Gone, nil, t0.Add(-time.Hour)))
		left := func() (runs string) {
			for _, run := range []string{"current", "old", "older", "half", "new"} {
				if n := len(must[[]hub.Event](t)(db.EventsOfRun(t.Context(), run, 0))); n > 0 {
					runs += fmt.Sprintf("%s:%d ", run, n)
				}
			}
			return runs
		}
		ok(t, db.PruneEvents(t.Context(), t0.Add(-time.Minute), 3))
		if got := left(); got != "current:1 older:1 half:2 new:2 " {
			t.Errorf("with three kept: %s", got)
		}
		ok(t, db.PruneEvents(t.Context(), t0.Add(-time.Minute), 0))
		if got := left(); got != "current:1 half:2 new:2 " {
			t.Errorf("with none kept: %s", got)
		}
		if all := must[[]*hub.Entry](t)(db.EntriesOfRun(t.Context(), "old")); len(all) != 0 {
			t.Errorf("journal %+v", all)
		}
	})
}

func TestRecordActivity(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		u := newUser(t, db, "ada")
		srv := newServer(t, db, hub.ServerKey{User: "ada"})
		k, _ := newToken(t, db, hub.Token{UserID: u.ID})
		ok(t, db.RecordActivity(t.Context(), nil))
		ok(t, db.RecordActivity(t.Context(), []store.Activity{
			{UserID: u.ID, At: t0},
			{UserID: u.ID, ServerID: srv.ID, At: t0.Add(time.Minute)},
			{UserID: u.ID, TokenID: k.ID, At: t0.Add(time.Second)},
			{UserID: 99, ServerID: 99, TokenID: 99, At: t0},
		}))
		ok(t, db.RecordActivity(t.Context(), []store.Activity{{UserID: u.ID, ServerID: srv.ID, TokenID: k.ID, At: t0}}))
		u, srv = must[*hub.User](t)(db.UserByID(t.Context(), u.ID)), must[*hub.Server](t)(db.ServerByID(t.Context(), srv.ID))
		k = must[*hub.Token](t)(db.TokenByID(t.Context(), k.ID))
		if !u.LastActivity.Equal(t0.Add(time.Minute)) || !srv.LastActivity.Equal(t0.Add(time.Minute)) || !k.LastActivity.Equal(t0.Add(time.Second)) {
			t.Errorf("user %v, server %v, token %v", u.LastActivity, srv.LastActivity, k.LastActivity)
		}
		var many []store.Activity
		for i := range 250 {
			many = append(many, store.Activity{UserID: newUser(t, db, fmt.Sprintf("u%d", i)).ID, At: t0.Add(secondsOf(i))})
		}
		ok(t, db.RecordActivity(t.Context(), many))
		for i, a := range many {
			if got := must[*hub.User](t)(db.UserByID(t.Context(), a.UserID)); !got.LastActivity.Equal(a.At) {
				t.Fatalf("user %d: %v", i, got.LastActivity)
			}
		}
	})
}

func TestLeases(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		take := func(owner string, at time.Duration) bool {
			t.Helper()
			return must[bool](t)(db.Lease(t.Context(), "culler", owner, time.Minute, t0.Add(at)))
		}
		for i, c := range []struct {
			owner string
			at    time.Duration
			want  bool
		}{
			{"a", 0, true},
			{"b", 0, false},
			{"a", 30 * time.Second, true},
			{"b", 89 * time.Second, false},
			{"b", 90 * time.Second, true},
			{"a", 91 * time.Second, false},
		} {
			if got := take(c.owner, c.at); got != c.want {
				t.Errorf("step %d: %v", i, got)
			}
		}
		ok(t, db.ReleaseLease(t.Context(), "culler", "a")) // not a's
		if take("a", 92*time.Second) {
			t.Error("somebody else's lease was given back")
		}
		ok(t, db.ReleaseLease(t.Context(), "culler", "b"))
		if !take("a", 92*time.Second) {
			t.Error("the lease was not given back")
		}
	})
}
