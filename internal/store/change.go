package store

import (
	"encoding/json"
	"slices"
	"sync"

	"berdlhub/internal/hub"
)

// ChangeKind says what sort of thing changed.
type ChangeKind string

// The kinds of a Change.
const (
	// ChangeAccess is a change of who may do what: a user, role, group, service or share. ID is the user, 0 when many may be concerned.
	ChangeAccess ChangeKind = "access"
	// ChangeToken is a token made, changed or deleted. ID is the token, 0 when many may be concerned.
	ChangeToken ChangeKind = "token"
	// ChangeServer is a server made, changed or deleted: ID, Key and its RunID.
	ChangeServer ChangeKind = "server"
	// ChangeActivity is a later last activity of a user or of one of the user's servers. ID is the user, 0 when many were active.
	ChangeActivity ChangeKind = "activity"
	// ChangeEvent is a new event of RunID.
	ChangeEvent ChangeKind = "event"
	// ChangeAll says that changes of other hubs may have been missed: forget everything that is remembered.
	ChangeAll ChangeKind = "all"
)

// Change says that something in the database changed.
type Change struct {
	Kind  ChangeKind    `json:"k"`
	ID    int64         `json:"i,omitempty"`
	Key   hub.ServerKey `json:"s,omitzero"`
	RunID string        `json:"r,omitempty"`
}

// Subscribe has fn called after every commit that changed something, on this hub or another. Own changes are told
// before the method that made them returns, those of other hubs when they arrive; calls never overlap.
// fn must not block, must not write to the database and must not call Subscribe or cancel.
// Once cancel has returned fn is not called any more.
func (db *DB) Subscribe(fn func(Change)) (cancel func()) { return db.feed.subscribe(fn) }

type feed struct {
	mu   sync.Mutex
	subs []*func(Change) // guarded by mu
}

func (f *feed) subscribe(fn func(Change)) func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	sub := &fn
	f.subs = append(f.subs, sub)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.subs = slices.DeleteFunc(f.subs, func(s *func(Change)) bool { return s == sub })
	}
}

func (f *feed) publish(changes []Change) {
	if len(changes) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range changes {
		for _, sub := range f.subs {
			(*sub)(c)
		}
	}
}

// channel is the name under which the hubs of a PostgreSQL database tell each other of changes.
const channel = "berdlhub_changes"

// maxNotice is how many bytes of a notification are used; PostgreSQL takes fewer than 8000.
const maxNotice = 7500

// notice is what one hub tells the others.
type notice struct {
	Replica string   `json:"h"`
	Changes []Change `json:"c"`
}

// notices encodes changes in as few texts as fit.
func notices(replica string, changes []Change) ([]string, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(notice{Replica: replica, Changes: changes})
	if err != nil {
		return nil, err
	}
	if len(b) <= maxNotice || len(changes) == 1 {
		return []string{string(b)}, nil
	}
	half := len(changes) / 2
	first, err := notices(replica, changes[:half])
	if err != nil {
		return nil, err
	}
	second, err := notices(replica, changes[half:])
	return append(first, second...), err
}

// read publishes what another hub told; own notices come back too and are left out. What cannot be read counts as everything.
func (f *feed) read(replica, text string) {
	var n notice
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		f.publish([]Change{{Kind: ChangeAll}})
		return
	}
	if n.Replica != replica {
		f.publish(n.Changes)
	}
}
