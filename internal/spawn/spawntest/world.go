// Package spawntest holds the behaviour that every hub.Spawner must show, as a suite of tests, and a Spawner in memory that shows it.
package spawntest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/hub"
)

// patience bounds every wait of the suite.
const patience = 20 * time.Second

// canary is a secret in every run's environment that must never show.
const canary = "0123456789abcdef-canary-0123456789"

// World is an outside world in which a Spawner makes runs, prepared for one test.
type World struct {
	// New makes a Spawner in this world, as a hub that has just started does. It is called several times.
	New func(t *testing.T) hub.Spawner
	// Crash ends a run from outside, as running out of memory does.
	Crash func(t *testing.T, ref hub.Ref)
	// Adjust changes the Spec of a run before its start; may be nil.
	Adjust func(s *hub.Spec)
	// Instance tells two lives of a server apart: equal texts mean that nothing was started anew, and empty means that nothing runs.
	// Nil: the server is asked over HTTP.
	Instance func(t *testing.T, ref hub.Ref, address string) string
}

// errKept is what a keep function of the suite fails with.
var errKept = errors.New("the database does not answer")

// subject is one run of the suite with what the hub would have stored of it.
type subject struct {
	t     *testing.T
	w     World
	spec  hub.Spec
	kept  []json.RawMessage
	fail  int // number of the keep that fails, from 1; 0: none
	calls int
	said  []hub.Event
}

func newSubject(t *testing.T, w World, key hub.ServerKey) *subject {
	t.Helper()
	s := &subject{t: t, w: w}
	prefix := "/user/" + key.User + "/"
	if key.Server != "" {
		prefix += key.Server + "/"
	}
	s.spec = hub.Spec{
		Ref: hub.Ref{Key: key, UserID: 7, RunID: strings.ToLower(rand.Text())},
		Env: map[string]string{
			"JUPYTERHUB_USER": key.User, "JUPYTERHUB_SERVER_NAME": key.Server, "JUPYTERHUB_API_TOKEN": canary,
			"JUPYTERHUB_SERVICE_PREFIX": prefix, "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:0" + prefix,
		},
		Prefix: prefix,
	}
	if w.Adjust != nil {
		w.Adjust(&s.spec)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := w.New(t).Stop(ctx, s.ref()); err != nil {
			t.Errorf("clean up run %s: %v", s.spec.RunID, err)
		}
	})
	return s
}

// ref is the run with what was kept last.
func (s *subject) ref() hub.Ref {
	ref := s.spec.Ref
	if n := len(s.kept); n > 0 {
		ref.State = s.kept[n-1]
	}
	return ref
}

func (s *subject) keep(state json.RawMessage) error {
	s.calls++
	if s.calls == s.fail {
		return errKept
	}
	if strings.Contains(string(state), canary) {
		s.t.Error("the kept state holds a secret of the environment")
	}
	s.kept = append(s.kept, slices.Clone(state))
	return nil
}

// try starts the run, as often as the test calls it.
func (s *subject) try(ctx context.Context, sp hub.Spawner) (*hub.Started, error) {
	spec := s.spec
	spec.Ref = s.ref()
	return sp.Start(ctx, &spec, s.keep, func(e hub.Event) { s.said = append(s.said, e) })
}

func (s *subject) start(sp hub.Spawner) *hub.Started {
	s.t.Helper()
	started, err := s.try(s.t.Context(), sp)
	if err != nil {
		s.t.Fatalf("start %s: %v", s.spec.Key, err)
	}
	if n := len(s.kept); n == 0 || string(s.kept[n-1]) != string(started.State) {
		s.t.Fatalf("Start returns state %s, but kept %s", started.State, s.kept)
	}
	if !strings.HasPrefix(started.Address, "http://") && !strings.HasPrefix(started.Address, "https://") {
		s.t.Fatalf("address %q", started.Address)
	}
	return started
}

func (s *subject) stop(sp hub.Spawner) {
	s.t.Helper()
	if err := sp.Stop(s.t.Context(), s.ref()); err != nil {
		s.t.Fatalf("stop %s: %v", s.spec.Key, err)
	}
}

func (s *subject) poll(sp hub.Spawner) hub.Status {
	s.t.Helper()
	status, err := sp.Poll(s.t.Context(), s.ref())
	if err != nil {
		s.t.Fatalf("poll %s: %v", s.spec.Key, err)
	}
	if strings.Contains(strings.Join(status.Log, "\n")+status.Reason, canary) {
		s.t.Error("the status shows a secret of the environment")
	}
	if len(status.Log) > 50 {
		s.t.Errorf("the status shows %d lines of log, more than 50", len(status.Log))
	}
	return status
}

func (s *subject) mustLive(sp hub.Spawner, address string) {
	s.t.Helper()
	if status := s.poll(sp); status.Life != hub.Running || status.Address != address || status.Reason != "" {
		s.t.Fatalf("%s: got %+v; want running at %s", s.spec.Key, status, address)
	}
}

func (s *subject) mustBeGone(sp hub.Spawner) {
	s.t.Helper()
	if status := s.poll(sp); status.Life != hub.Ended {
		s.t.Fatalf("%s: got %+v; want ended", s.spec.Key, status)
	}
	if s.listed(sp) != 0 {
		s.t.Fatalf("%s: ended, but still listed", s.spec.Key)
	}
}

// listed counts how often the Spawner lists the run; 0 when it cannot list.
func (s *subject) listed(sp hub.Spawner) int {
	s.t.Helper()
	lister, can := sp.(hub.Lister)
	if !can {
		return 0
	}
	refs, err := lister.List(s.t.Context())
	if err != nil {
		s.t.Fatalf("list: %v", err)
	}
	n := 0
	for _, ref := range refs {
		if ref.RunID == s.spec.RunID {
			n++
		}
	}
	return n
}

// instance tells which life of the server answers.
func (s *subject) instance(address string) string {
	s.t.Helper()
	if s.w.Instance != nil {
		return s.w.Instance(s.t, s.ref(), address)
	}
	var answer Answer
	eventually(s.t, "the server at "+address+" answers", func() bool { return ask(s.t, address+s.spec.Prefix+"api", &answer) })
	return answer.Instance
}

// ask gets the answer of a tiny server; false when it does not answer.
func ask(t *testing.T, url string, into *Answer) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(res.Body)
	if err := cmp.Or(err, res.Body.Close()); err != nil {
		return false
	}
	return res.StatusCode == http.StatusOK && json.Unmarshal(body, into) == nil
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}
