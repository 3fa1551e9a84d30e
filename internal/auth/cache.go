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
	raw     []string  // scopes of roles and shares as they are written
	scopes  scope.Set // what a cookie session holds
}

// cache keeps what was read of users and tokens until the change feed says that it changed.
// generation grows with every change, so that what was read before a change is not kept after it.
type cache struct {
	mu         sync.RWMutex // guards all below
	generation uint64
	byToken    map[fingerprint]*Principal
	tokens     map[int64]fingerprint              // by token id, to find what a change concerns
	ofUser     map[int64]map[fingerprint]struct{} // by user id, likewise
	byCookie   map[string]int64                   // cookie id to user id
	sessions   map[fingerprint]*visit             // by sign-in cookie
	visits     map[int64]map[fingerprint]struct{} // by user id, to find what a change concerns
	users      map[int64]*who
	names      map[string]int64
}

// fingerprint stands for a token or a sign-in cookie in memory.
type fingerprint = [sha256.Size]byte

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
	c.forgetTokens()
	c.forgetSessions()
	c.byCookie = map[string]int64{}
	c.users = map[int64]*who{}
	c.names = map[string]int64{}
}

// forgetTokens empties what is kept of tokens; mu must be held.
func (c *cache) forgetTokens() {
	c.byToken = map[fingerprint]*Principal{}
	c.tokens = map[int64]fingerprint{}
	c.ofUser = map[int64]map[fingerprint]struct{}{}
}

// forgetSessions empties what is kept of sign-in cookies; mu must be held.
func (c *cache) forgetSessions() {
	c.sessions = map[fingerprint]*visit{}
	c.visits = map[int64]map[fingerprint]struct{}{}
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
	for key := range c.ofUser[id] {
		delete(c.tokens, c.byToken[key].Token.ID)
		delete(c.byToken, key)
	}
	delete(c.ofUser, id)
	for key := range c.visits[id] {
		delete(c.sessions, key)
	}
	delete(c.visits, id)
}

func (c *cache) dropToken(id int64) {
	c.generation++
	if id == 0 {
		c.forgetTokens()
		return
	}
	key, ok := c.tokens[id]
	if !ok {
		return
	}
	if p := c.byToken[key]; p.User != nil {
		delete(c.ofUser[p.User.ID], key)
	}
	delete(c.byToken, key)
	delete(c.tokens, id)
}

func (c *cache) token(plain string) (*Principal, fingerprint, uint64) {
	key := sha256.Sum256([]byte(plain))
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byToken[key], key, c.generation
}

func (c *cache) keepToken(key fingerprint, p *Principal, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	if len(c.byToken) >= cacheMax {
		c.forgetTokens()
	}
	c.byToken[key] = p
	c.tokens[p.Token.ID] = key
	if p.User == nil {
		return
	}
	if c.ofUser[p.User.ID] == nil {
		c.ofUser[p.User.ID] = map[fingerprint]struct{}{}
	}
	c.ofUser[p.User.ID][key] = struct{}{}
}

// session finds a sign-in cookie that was found valid.
func (c *cache) session(key fingerprint) (*visit, uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.sessions[key], c.generation
}

func (c *cache) keepSession(key fingerprint, v *visit, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	if len(c.sessions) >= cacheMax {
		c.forgetSessions()
	}
	c.sessions[key] = v
	if c.visits[v.user] == nil {
		c.visits[v.user] = map[fingerprint]struct{}{}
	}
	c.visits[v.user][key] = struct{}{}
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
