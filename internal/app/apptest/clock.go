package apptest

import (
	"sync"
	"time"
)

// Clock is a clock that a test moves on. Its Now goes into Options. It is safe for concurrent use.
type Clock struct {
	mu    sync.Mutex
	ahead time.Duration // guarded by mu
}

// Now gives the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}
