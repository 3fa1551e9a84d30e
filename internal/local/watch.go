package local

import (
	"context"
	"sync"

	"berdlhub/internal/hub"
)

// watcher collects the runs that end until Watch has told them.
type watcher struct {
	wake chan struct{} // holds one element when there is something to tell

	mu    sync.Mutex // guards ended
	ended []string
}

func (w *watcher) tell(runID string) {
	w.mu.Lock()
	w.ended = append(w.ended, runID)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ended := w.ended
	w.ended = nil
	return ended
}

// Watch tells the end of every run that was started or polled here, at once; runs that ended before it was called are told first.
func (p *Processes) Watch(ctx context.Context, gone func(runID string)) error {
	w := &watcher{wake: make(chan struct{}, 1)}
	p.mu.Lock()
	p.watchers[w] = true
	for id, r := range p.runs {
		if r.end != nil {
			w.tell(id)
		}
	}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, w)
	}()
	for {
		for _, id := range w.take() {
			gone(id)
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// List finds every run of this hub that has a process, by the marks; also one whose server has ended and left something behind.
// A Ref of it can be given to Stop.
func (p *Processes) List(ctx context.Context) ([]hub.Ref, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	refs := map[string]hub.Ref{}
	_, err := scan(func(s stat, e environment) bool {
		id := e.get(runMark)
		if id == "" || e.get(hubMark) != p.c.HubID {
			return false
		}
		if _, known := refs[id]; known && s.session != s.pid {
			return false
		}
		key := hub.ServerKey{User: e.get("JUPYTERHUB_USER"), Server: e.get("JUPYTERHUB_SERVER_NAME")}
		refs[id] = hub.Ref{Key: key, RunID: id, State: (&state{Run: id}).encode()} // Stop and Poll find the process by its mark
		return true
	})
	if err != nil {
		return nil, err
	}
	out := make([]hub.Ref, 0, len(refs))
	for _, ref := range refs {
		out = append(out, ref)
	}
	return out, nil
}
