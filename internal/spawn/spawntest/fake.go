package spawntest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"berdlhub/internal/hub"
)

// Op is a moment in the work of a Fake at which a test can step in.
type Op string

// The moments.
const (
	OpStart Op = "start" // before anything else
	OpMade  Op = "made"  // the server exists, but its final state has not been kept
	OpPoll  Op = "poll"
	OpStop  Op = "stop"
	OpList  Op = "list"
)

// Call is one call that a Fake has got.
type Call struct {
	Op    Op
	Key   hub.ServerKey
	RunID string
}

// Fake is a hub.Spawner, hub.Watcher and hub.Lister in memory. Its servers are real HTTP servers in this process, which answer every path
// that ends in /api. Tests script delays, faults and crashes. It is safe for concurrent use.
type Fake struct {
	mu       sync.Mutex // guards all below
	runs     map[string]*fakeRun
	hooks    map[Op]func(ctx context.Context, ref hub.Ref) error
	handler  func(s hub.Spec) http.Handler
	calls    []Call
	watchers map[chan string]context.Context
}

// fakeRun is a run that was made and not stopped.
type fakeRun struct {
	spec   hub.Spec
	server *httptest.Server
	code   *int // exit code once it has ended
}

// fakeState is what a Fake keeps.
type fakeState struct {
	Run     string `json:"run"`
	Address string `json:"address,omitempty"`
}

// NewFake makes an empty world. Close ends its servers.
func NewFake() *Fake {
	return &Fake{
		runs:     map[string]*fakeRun{},
		hooks:    map[Op]func(context.Context, hub.Ref) error{},
		watchers: map[chan string]context.Context{},
	}
}

// Close ends all servers.
func (f *Fake) Close() {
	f.mu.Lock()
	runs := slices.Collect(maps.Values(f.runs))
	clear(f.runs)
	f.mu.Unlock()
	for _, r := range runs {
		r.server.Close()
	}
}

// On steps in at a moment, from now on: the function may wait, bounded by the context, and an error is what the Fake returns. Nil ends it.
func (f *Fake) On(op Op, step func(ctx context.Context, ref hub.Ref) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hooks[op] = step
}

// Fail makes a moment fail from now on; a nil error ends it.
func (f *Fake) Fail(op Op, err error) {
	f.On(op, func(context.Context, hub.Ref) error { return err })
}

// Delay makes a moment take time from now on.
func (f *Fake) Delay(op Op, d time.Duration) {
	f.On(op, func(ctx context.Context, _ hub.Ref) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// Serve gives servers that are started from now on another handler; nil brings the usual one back.
func (f *Fake) Serve(handler func(s hub.Spec) http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handler = handler
}

// Crash ends a run from outside with an exit code. It tells whether there was one that lived.
func (f *Fake) Crash(runID string, code int) bool {
	f.mu.Lock()
	r := f.runs[runID]
	if r == nil || r.code != nil {
		f.mu.Unlock()
		return false
	}
	r.code = &code
	told := maps.Clone(f.watchers)
	f.mu.Unlock()
	r.server.CloseClientConnections()
	r.server.Close()
	for ch, ctx := range told {
		select {
		case ch <- runID:
		case <-ctx.Done():
		}
	}
	return true
}

// Calls lists the calls so far, in order.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Count counts the calls of one kind for a server.
func (f *Fake) Count(op Op, key hub.ServerKey) int {
	n := 0
	for _, c := range f.Calls() {
		if c.Op == op && c.Key == key {
			n++
		}
	}
	return n
}

// Running lists the runs that live.
func (f *Fake) Running() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for id, r := range f.runs {
		if r.code == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Spec gives what a run that exists was started with.
func (f *Fake) Spec(runID string) (hub.Spec, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.runs[runID]; r != nil {
		return r.spec, true
	}
	return hub.Spec{}, false
}

// step notes a call and plays the script.
func (f *Fake) step(ctx context.Context, op Op, ref hub.Ref) error {
	f.mu.Lock()
	f.calls = append(f.calls, Call{Op: op, Key: ref.Key, RunID: ref.RunID})
	hook := f.hooks[op]
	f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if hook == nil {
		return nil
	}
	return hook(ctx, ref)
}

// Start makes a server, or finds it.
func (f *Fake) Start(ctx context.Context, s *hub.Spec, keep func(json.RawMessage) error, say func(hub.Event)) (*hub.Started, error) {
	if err := f.step(ctx, OpStart, s.Ref); err != nil {
		return nil, err
	}
	address := f.address(s.RunID)
	if address == "" {
		if err := keep(fakeState{Run: s.RunID}.encode()); err != nil {
			return nil, fmt.Errorf("keep the state of run %s: %w", s.RunID, err)
		}
		address = f.create(s)
		say(hub.Event{RunID: s.RunID, Time: time.Now(), Progress: 50, Level: hub.Info, Message: "The server exists."})
	}
	if err := f.step(ctx, OpMade, s.Ref); err != nil {
		return nil, err
	}
	state := fakeState{Run: s.RunID, Address: address}.encode()
	if string(state) != string(s.State) {
		if err := keep(state); err != nil {
			return nil, fmt.Errorf("keep the state of run %s: %w", s.RunID, err)
		}
	}
	return &hub.Started{Address: address, State: state}, nil
}

func (s fakeState) encode() json.RawMessage {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // two texts: cannot be
	}
	return text
}

// address is where a living run is; empty when there is none.
func (f *Fake) address(runID string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.runs[runID]; r != nil && r.code == nil {
		return r.server.URL
	}
	return ""
}

func (f *Fake) create(s *hub.Spec) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	spec := *s
	spec.Env, spec.Groups, spec.AuthState = maps.Clone(s.Env), slices.Clone(s.Groups), maps.Clone(s.AuthState)
	me := Answer{Instance: rand.Text(), User: s.Key.User}
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { writeAnswer(w, r, me) })
	if f.handler != nil {
		handler = f.handler(spec)
	}
	server := httptest.NewServer(handler)
	f.runs[s.RunID] = &fakeRun{spec: spec, server: server}
	return server.URL
}

// Poll looks at a run.
func (f *Fake) Poll(ctx context.Context, ref hub.Ref) (hub.Status, error) {
	if err := f.step(ctx, OpPoll, ref); err != nil {
		return hub.Status{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.runs[ref.RunID]
	switch {
	case r == nil:
		return hub.Status{Life: hub.Ended, Reason: "The server does not exist."}, nil
	case r.code != nil:
		reason := fmt.Sprintf("The server has ended with exit code %d.", *r.code)
		return hub.Status{Life: hub.Ended, ExitCode: r.code, Reason: reason, Log: []string{"the last words of " + r.spec.Key.String()}}, nil
	default:
		return hub.Status{Life: hub.Running, Address: r.server.URL}, nil
	}
}

// Stop ends a run.
func (f *Fake) Stop(ctx context.Context, ref hub.Ref) error {
	if err := f.step(ctx, OpStop, ref); err != nil {
		return err
	}
	f.mu.Lock()
	r := f.runs[ref.RunID]
	delete(f.runs, ref.RunID)
	f.mu.Unlock()
	if r != nil {
		r.server.CloseClientConnections() // a stop does not wait for sockets that are open
		r.server.Close()
	}
	return nil
}

// Watch tells each crash.
func (f *Fake) Watch(ctx context.Context, gone func(runID string)) error {
	ended := make(chan string)
	f.mu.Lock()
	f.watchers[ended] = ctx
	before := []string{}
	for id, r := range f.runs {
		if r.code != nil {
			before = append(before, id)
		}
	}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers, ended)
	}()
	for _, id := range before {
		gone(id)
	}
	for {
		select {
		case id := <-ended:
			gone(id)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// List lists the runs that live.
func (f *Fake) List(ctx context.Context) ([]hub.Ref, error) {
	if err := f.step(ctx, OpList, hub.Ref{}); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var refs []hub.Ref
	for id, r := range f.runs {
		if r.code == nil {
			refs = append(refs, hub.Ref{Key: r.spec.Key, UserID: r.spec.UserID, RunID: id, State: fakeState{Run: id, Address: r.server.URL}.encode()})
		}
	}
	slices.SortFunc(refs, func(a, b hub.Ref) int { return cmp.Compare(a.RunID, b.RunID) })
	return refs, nil
}
