package api

import (
	"context"
	"sync"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
)

// directoryMax bounds the number of users in memory; a full directory is emptied, which costs only time.
const directoryMax = 20_000

// directory keeps what the models of users are made from until the change feed says that it changed, so that lists, single
// users and GET /user are answered from memory.
type directory struct {
	mu         sync.RWMutex // guards all below
	generation uint64       // grows with every change, so that what was read before a change is not kept after it
	entries    map[int64]*entry
	ids        map[string]int64 // of the users in entries, by name
}

// entry is one user. It is never changed after it is made, but for the models that it keeps.
type entry struct {
	userParts
	mu     sync.Mutex
	models map[sight][]byte // guarded by mu; as written by appendUser without auth state
}

func newDirectory() *directory {
	return &directory{entries: map[int64]*entry{}, ids: map[string]int64{}}
}

// changed drops what a change made untrue. It must not block.
func (d *directory) changed(ch store.Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch ch.Kind {
	case store.ChangeAccess, store.ChangeActivity:
		if ch.ID == 0 {
			d.empty()
		} else {
			delete(d.entries, ch.ID)
		}
	case store.ChangeServer:
		delete(d.entries, d.ids[ch.Key.User])
	case store.ChangeAll:
		d.empty()
	default:
		return
	}
	d.generation++
}

// empty forgets everything; mu must be held.
func (d *directory) empty() {
	clear(d.entries)
	clear(d.ids)
}

// named gives a user that is known by name, or nil.
func (d *directory) named(name string) *entry {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if e := d.entries[d.ids[name]]; e != nil && e.user.Name == name {
		return e
	}
	return nil
}

// known gives those users that are in memory, nil for each other, and the generation to keep them with.
func (d *directory) known(ids []int64) (found []*entry, missing []int64, generation uint64) {
	found = make([]*entry, len(ids))
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i, id := range ids {
		if found[i] = d.entries[id]; found[i] == nil {
			missing = append(missing, id)
		}
	}
	return found, missing, d.generation
}

func (d *directory) keep(fresh map[int64]*entry, generation uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if generation != d.generation {
		return
	}
	if len(d.entries)+len(fresh) > directoryMax {
		d.empty()
	}
	for id, e := range fresh {
		d.entries[id] = e
		d.ids[e.user.Name] = id
	}
}

// usersByID gives users in the order of their ids; those that do not exist any more are left out.
func (a *API) usersByID(ctx context.Context, ids []int64) ([]*entry, error) {
	found, missing, generation := a.directory.known(ids)
	if len(missing) > 0 {
		fresh, err := a.readUsers(ctx, missing)
		if err != nil {
			return nil, err
		}
		a.directory.keep(fresh, generation)
		for i, id := range ids {
			if found[i] == nil {
				found[i] = fresh[id]
			}
		}
	}
	all := found[:0]
	for _, e := range found {
		if e != nil {
			all = append(all, e)
		}
	}
	return all, nil
}

// userNamed gives a user by name. Errors: NotFound.
func (a *API) userNamed(ctx context.Context, name string) (*entry, error) {
	if e := a.directory.named(name); e != nil {
		return e, nil
	}
	u, err := a.db.UserByName(ctx, name)
	if err != nil {
		if hub.CodeOf(err) == hub.NotFound {
			return nil, hub.Errorf(hub.NotFound, "No such user: %s", clip(name))
		}
		return nil, err
	}
	all, err := a.usersByID(ctx, []int64{u.ID})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, hub.Errorf(hub.NotFound, "No such user: %s", clip(name))
	}
	return all[0], nil
}

// readUsers reads users with all their servers, groups and roles, each by one query.
func (a *API) readUsers(ctx context.Context, ids []int64) (map[int64]*entry, error) {
	users, err := a.db.UsersByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	servers, err := a.db.ServersOfUsers(ctx, ids)
	if err != nil {
		return nil, err
	}
	groups, err := a.db.GroupsOfUsers(ctx, ids)
	if err != nil {
		return nil, err
	}
	roles, err := a.db.RolesOfUsers(ctx, ids)
	if err != nil {
		return nil, err
	}
	fresh := make(map[int64]*entry, len(users))
	for _, u := range users {
		fresh[u.ID] = &entry{userParts: userParts{user: u, servers: servers[u.ID], groups: groups[u.ID], roles: roles[u.ID]}}
	}
	return fresh, nil
}

// model gives an entry's model as a caller sees it, without auth state. Its bytes must not be changed; none means that nothing is seen.
func (a *API) model(v view, e *entry) []byte {
	seen := v.of(e.user.Name)
	if v.single {
		return a.appendUser(nil, v, seen, &e.userParts, nil)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	m, ok := e.models[seen]
	if !ok {
		if e.models == nil {
			e.models = make(map[sight][]byte, 1)
		}
		m = a.appendUser(nil, v, seen, &e.userParts, nil)
		e.models[seen] = m
	}
	return m
}
