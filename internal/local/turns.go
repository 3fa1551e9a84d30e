package local

import (
	"context"
	"sync"
)

// turns lets one caller at a time work on a run.
type turns struct {
	mu sync.Mutex // guards all below
	m  map[string]*turn
}

type turn struct {
	busy    chan struct{} // holds one element while somebody works
	callers int
}

// take waits for its turn. The function that it gives ends the turn.
func (t *turns) take(ctx context.Context, runID string) (func(), error) {
	t.mu.Lock()
	mine := t.m[runID]
	if mine == nil {
		mine = &turn{busy: make(chan struct{}, 1)}
		t.m[runID] = mine
	}
	mine.callers++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.callers--; mine.callers == 0 {
			delete(t.m, runID)
		}
	}
	select {
	case mine.busy <- struct{}{}:
		return func() { <-mine.busy; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
