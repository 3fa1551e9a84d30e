package kbasetest

import (
	"net"
	"net/http"
	"time"
)

// T is what Start needs of a test; *testing.T has it. The package does without the testing package because the hub on a laptop uses it too.
type T interface {
	Helper()
	Cleanup(func())
	Fatal(args ...any)
}

// Server is a running stand-in for a test.
type Server struct {
	*KBase
	Origin  string // address of the pages
	AuthURL string // address of the auth service, with its final slash
	// Stop makes connections to it fail from now on.
	Stop func()
}

// Start serves a stand-in on a free port until the test ends.
func Start(t T, c Config) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal("listen for the KBase stand-in:", err)
	}
	k := New(c)
	server := &http.Server{Handler: k, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with Stop
	}()
	stop := func() {
		k.Close()
		_ = server.Close() // nothing to save
		<-done
	}
	t.Cleanup(stop)
	origin := "http://" + listener.Addr().String()
	return &Server{KBase: k, Origin: origin, AuthURL: origin + "/services/auth/", Stop: stop}
}
