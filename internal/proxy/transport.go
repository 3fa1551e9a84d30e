package proxy

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// newTransport gives the way to all targets. Connections are kept per target, so one never carries requests for two servers.
func newTransport(cfg Config) *http.Transport {
	dialer := &net.Dialer{Timeout: cfg.DialTimeout, KeepAlive: 30 * time.Second}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            dialer.DialContext,
		Protocols:              protocols,
		DisableCompression:     true, // bodies pass as they are
		MaxIdleConns:           8192,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        time.Minute,
		ResponseHeaderTimeout:  cfg.ResponseHeaderTimeout,
		ExpectContinueTimeout:  time.Second, // then the body is sent without having been asked for
		MaxResponseHeaderBytes: 1 << 20,
		ReadBufferSize:         4 << 10,
		WriteBufferSize:        4 << 10,
	}
}

// bufferSize is what is read at once of a body, in bytes.
const bufferSize = 32 << 10

// bufferPool keeps buffers for bodies between requests.
type bufferPool struct{ pool sync.Pool }

// Get gives a buffer of bufferSize bytes.
func (p *bufferPool) Get() []byte {
	if b, ok := p.pool.Get().(*[bufferSize]byte); ok {
		return b[:]
	}
	return make([]byte, bufferSize)
}

// Put takes a buffer back.
func (p *bufferPool) Put(b []byte) { p.pool.Put((*[bufferSize]byte)(b)) }
