package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

var (
	errClosing = errors.New("the proxy is being stopped")
	errRetired = errors.New("the route was removed")
)

// sockets knows the open WebSockets of all routes, so that they end with their route or with the proxy.
type sockets struct {
	mu      sync.Mutex
	all     map[*socket]struct{}
	closing atomic.Bool   // set with mu held
	drained chan struct{} // closed when closing and none is open
}

// socket is a WebSocket, written and read at the target's side. Bytes that pass in either direction stamp the route.
type socket struct {
	conn   io.ReadWriteCloser // to the target
	live   *live
	home   *sockets
	in     *atomic.Int64 // bytes to the target, counted in the handler's metrics
	out    *atomic.Int64 // bytes from it
	ended  atomic.Bool   // the target will say no more
	client io.Closer     // guarded by home.mu; nil until the connection is handed over
	closed bool          // guarded by home.mu
}

// Read reads what the target sends.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.conn.Read(p)
	if n > 0 {
		s.live.stamp()
		s.out.Add(int64(n))
	}
	if errors.Is(err, io.EOF) {
		s.ended.Store(true)
		if s.home.closing.Load() {
			err = errClosing // ends the client's side too, instead of waiting for it
		}
	}
	return n, err
}

// Write sends to the target.
func (s *socket) Write(p []byte) (int, error) {
	n, err := s.conn.Write(p)
	if n > 0 {
		s.live.stamp()
		s.in.Add(int64(n))
	}
	return n, err
}

// CloseWrite tells the target that no more will come, while its own last words still pass.
func (s *socket) CloseWrite() error {
	if c, ok := s.conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return s.conn.Close()
}

// Close ends the connections to the target and, once it is known, to the client.
func (s *socket) Close() error {
	s.home.mu.Lock()
	first, client := !s.closed, s.client
	s.closed = true
	s.home.mu.Unlock()
	err := s.conn.Close()
	if client != nil {
		_ = client.Close() // may be closed already by the one who copies
	}
	if first {
		s.home.remove(s)
	}
	return err
}

// attach tells the client's side, which ends with the target's.
func (s *socket) attach(client io.Closer) {
	s.home.mu.Lock()
	s.client = client
	closed := s.closed
	s.home.mu.Unlock()
	if closed {
		_ = client.Close() // the route went away in between
	}
}

// add takes a new WebSocket in; it returns errClosing or errRetired when none may begin.
func (s *sockets) add(conn io.ReadWriteCloser, l *live) (*socket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing.Load():
		return nil, errClosing
	case l.retired:
		return nil, errRetired
	}
	one := &socket{conn: conn, live: l, home: s}
	if s.all == nil {
		s.all = make(map[*socket]struct{})
	}
	if l.open == nil {
		l.open = make(map[*socket]struct{}, 1)
	}
	s.all[one], l.open[one] = struct{}{}, struct{}{}
	return one, nil
}

func (s *sockets) remove(one *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, one)
	delete(one.live.open, one)
	if s.closing.Load() && len(s.all) == 0 {
		close(s.drained)
	}
}

// retire closes the WebSockets of a route that has left the table, and lets no more begin.
func (s *sockets) retire(l *live) {
	s.mu.Lock()
	l.retired = true
	open := keys(l.open)
	s.mu.Unlock()
	for _, one := range open {
		_ = one.Close() // nothing is to be saved of it
	}
}

// count is the number of open WebSockets.
func (s *sockets) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// close lets no more WebSockets begin and tells the targets of the open ones that their client is gone. Those that have not
// ended when ctx is done are cut; the error says how many.
func (s *sockets) close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closing.Load() {
		s.drained = make(chan struct{})
		s.closing.Store(true)
		if len(s.all) == 0 {
			close(s.drained)
		}
	}
	open, drained := keys(s.all), s.drained
	s.mu.Unlock()
	for _, one := range open {
		if one.ended.Load() {
			_ = one.Close() // only the client could still say something, to nobody
			continue
		}
		_ = one.CloseWrite() // one that is broken already ends by itself
	}
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	open = keys(s.all)
	s.mu.Unlock()
	for _, one := range open {
		_ = one.Close()
	}
	if len(open) == 0 {
		return nil
	}
	return fmt.Errorf("cut %d WebSockets that did not end in time: %w", len(open), context.Cause(ctx))
}

func keys(set map[*socket]struct{}) []*socket {
	list := make([]*socket, 0, len(set))
	for one := range set {
		list = append(list, one)
	}
	return list
}
