package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// live is what a route gathers while it is used. It outlives changes of the route that leave the target as it is.
type live struct {
	used    atomic.Int64         // when the route was last used, Unix time in nanoseconds
	warned  atomic.Int64         // when its target's failing was last logged, likewise
	retired bool                 // no longer in the table; guarded by the sockets' lock
	open    map[*socket]struct{} // guarded by the sockets' lock; nil when there is none
}

func newLive() *live {
	l := &live{}
	l.stamp()
	return l
}

func (l *live) stamp() { l.used.Store(time.Now().UnixNano()) }

func (l *live) last() time.Time { return time.Unix(0, l.used.Load()).UTC() }

// mayWarn says whether the target's failing may be logged again; it answers yes once in a while only, so that a page that
// polls a dead server cannot fill the log.
func (l *live) mayWarn(every time.Duration) bool {
	now, before := time.Now().UnixNano(), l.warned.Load()
	return now-before >= int64(every) && l.warned.CompareAndSwap(before, now)
}

// requestBody stamps the route for each piece of a request's body.
type requestBody struct {
	io.ReadCloser
	live   *live
	passed *atomic.Int64 // bytes
	in     *http.Request // whose Trailer is filled at the end of the body
	failed *atomic.Bool  // set when the client's side of the body broke
}

// Read reads a piece of the body.
func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.live.stamp()
		b.passed.Add(int64(n))
	}
	switch {
	case errors.Is(err, io.EOF):
		dropForged(b.in.Trailer, false)
		b.in.Trailer.Del("Cookie")
	case err != nil:
		b.failed.Store(true)
	}
	return n, err
}

// responseBody stamps the route when an answer has ended.
type responseBody struct {
	io.ReadCloser
	live   *live // nil: do not stamp
	passed *atomic.Int64
	bytes  int64 // read so far; by one goroutine
	res    *http.Response
}

// Read reads a piece of the body.
func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.bytes += int64(n)
	return n, err
}

// Close ends the body. The trailers, which are known by now, lose what a server may not say.
func (b *responseBody) Close() error {
	err := b.ReadCloser.Close()
	b.passed.Add(b.bytes)
	b.bytes = 0
	if b.live != nil {
		b.live.stamp()
	}
	dropSettings(b.res.Trailer)
	return err
}
