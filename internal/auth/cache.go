package auth

import (
	"crypto/sha256"
	"sync"

	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/store"
)

// cacheMax bounds each of the cache's maps; a full map is emptied, which costs only time.
const cacheMax = 50_000

// who is everything about a user or service that scopes are computed from.
type who struct {
	user    *hub.User
	service *store.Service
	groups  []string
	scopes  scope.Set // what a cookie session holds
}

// cache keeps what was read of users and tokens until the change feed says that it changed.
// generation grows with every change, so that what was read before a change is not kept after it.
type cache struct {
	mu         sync.RWMutex
	generation uint64
	byToken    map[[sha256.Size]byte]*Principal // guarded by mu
	byCookie   map[string]int64                 // cookie id to user id; guarded by mu
	users      map[int64]*who                   // guarded by mu
	names      map[string]int64                 // guarded by mu
}

func newCache() *cache {
	c := &cache{}
	c.clear()
	return c
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset()
}

// reset empties the cache; mu must be held.
func (c *cache) reset() {
	c.generation++
	c.byToken = map[[sha256.Size]byte]*Principal{}
	c.byCookie = map[string]int64{}
	c.users = map[int64]*who{}
	c.names = map[string]int64{}
}

// changed drops what a change made untrue.
func (c *cache) changed(ch store.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ch.Kind == store.ChangeAccess && ch.ID != 0:
		c.dropUser(ch.ID)
	case ch.Kind == store.ChangeAccess, ch.Kind == store.ChangeAll:
		c.reset()
	case ch.Kind == store.ChangeToken:
		c.dropToken(ch.ID)
	}
}

func (c *cache) dropUser(id int64) {
	c.generation++
	if w := c.users[id]; w != nil {
		delete(c.byCookie, w.user.CookieID.Reveal())
		delete(c.names, w.user.Name)
		delete(c.users, id)
	}
	for key, p := range c.byToken {
		if p.User != nil && p.User.ID == id {
			delete(c.byToken, key)
		}
	}
}

func (c *cache) dropToken(id int64) {
	c.generation++
	for key, p := range c.byToken {
		if id == 0 || p.Token.ID == id {
			delete(c.byToken, key)
		}
	}
}

func (c *cache) token(plain string) (*Principal, [sha256.Size]byte, uint64) {
	key := sha256.Sum256([]byte(plain))
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byToken[key], key, c.generation
}

func (c *cache) keepToken(key [sha256.Size]byte, p *Principal, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	if len(c.byToken) >= cacheMax {
		clear(c.byToken)
	}
	c.byToken[key] = p
}

func (c *cache) user(id int64) (*who, uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.users[id], c.generation
}

func (c *cache) cookie(id string) int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byCookie[id]
}

func (c *cache) name(name string) *who {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.users[c.names[name]]
}

func (c *cache) keepUser(w *who, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	if len(c.users) >= cacheMax {
		clear(c.users)
		clear(c.byCookie)
		clear(c.names)
	}
	c.users[w.user.ID] = w
	c.names[w.user.Name] = w.user.ID
	c.byCookie[w.user.CookieID.Reveal()] = w.user.ID
}
