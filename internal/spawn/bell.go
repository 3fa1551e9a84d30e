package spawn

import "sync"

// bell wakes those who wait for news of a server or a run. It carries no news itself: whoever is woken reads the database.
type bell struct {
	mu    sync.Mutex
	rings map[any]map[chan struct{}]bool // by server id (int64) and run id (string); guarded by mu
}

// listen gives a channel that receives when one of the keys rang, and a function to stop listening.
func (b *bell) listen(keys ...any) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range keys {
		if b.rings[key] == nil {
			b.rings[key] = map[chan struct{}]bool{}
		}
		b.rings[key][ch] = true
	}
	return ch, func() { b.leave(ch, keys) }
}

func (b *bell) leave(ch chan struct{}, keys []any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range keys {
		delete(b.rings[key], ch)
		if len(b.rings[key]) == 0 {
			delete(b.rings, key)
		}
	}
}

// ring wakes the listeners of one key.
func (b *bell) ring(key any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wake(b.rings[key])
}

// ringAll wakes every listener.
func (b *bell) ringAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, listeners := range b.rings {
		wake(listeners)
	}
}

func wake(listeners map[chan struct{}]bool) {
	for ch := range listeners {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
