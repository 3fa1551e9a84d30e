package api

import (
	"sync"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
)

const (
	// ownAge is how long an own model is kept: activity changes without a note in the change feed.
	ownAge = 30 * time.Second
	// ownMax bounds the number of own models in memory; a full map is emptied, which costs only time.
	ownMax = 10_000
)

// own keeps what the models of callers are made from, so that GET /user is answered from memory, until the change feed says that it changed.
type own struct {
	mu         sync.Mutex // guards all below
	generation uint64     // grows with every change, so that what was read before a change is not kept after it
	known      map[int64]*ownParts
	ids        map[string]int64 // of the users in known, by name
}

func newOwn() *own { return &own{known: map[int64]*ownParts{}, ids: map[string]int64{}} }

type ownParts struct {
	parts *userParts
	read  time.Time
}

// changed drops what a change made untrue. It must not block.
func (o *own) changed(ch store.Change) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case ch.Kind == store.ChangeAccess && ch.ID != 0:
		delete(o.known, ch.ID)
	case ch.Kind == store.ChangeAccess, ch.Kind == store.ChangeAll:
		o.empty()
	case ch.Kind == store.ChangeServer:
		delete(o.known, o.ids[ch.Key.User])
	default:
		return
	}
	o.generation++
}

func (o *own) get(id int64, now time.Time) (*userParts, uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if k := o.known[id]; k != nil && now.Sub(k.read) < ownAge {
		return k.parts, o.generation
	}
	return nil, o.generation
}

func (o *own) keep(id int64, p *userParts, generation uint64, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if generation != o.generation {
		return
	}
	if len(o.known) >= ownMax {
		o.empty()
	}
	o.known[id] = &ownParts{parts: p, read: now}
	o.ids[p.user.Name] = id
}

// empty forgets everything; mu must be held.
func (o *own) empty() {
	clear(o.known)
	clear(o.ids)
}

// ownParts gives what the caller's own model is made from.
func (a *API) ownParts(c *call) (*userParts, error) {
	id, now := c.who.User.ID, time.Now()
	kept, generation := a.own.get(id, now)
	if kept == nil {
		u, err := a.db.UserByID(c.Context(), id)
		if err != nil {
			return nil, err
		}
		if kept, err = a.parts(c, u); err != nil {
			return nil, err
		}
		a.own.keep(id, kept, generation, now)
	}
	p := *kept
	p.stopped = wantStopped(c.Request)
	return &p, nil
}

func roleNames(roles []hub.Role) []string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r.Name
	}
	return names
}
