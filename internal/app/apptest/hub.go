// Package apptest runs a whole hub inside a test, with a client that behaves like a browser.
package apptest

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"berdlhub/internal/app"
	"berdlhub/internal/config"
	"berdlhub/internal/hub"
	"berdlhub/internal/spawn/spawntest"
)

// CookieSecret is the cookie secret of every hub in a test.
const CookieSecret = "8c1b6f0d7f0e4a6d9b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607182"

// Options say how a hub in a test differs from the usual one.
type Options struct {
	Config  map[string]map[string]any // as in a configuration file; added to the usual settings
	Environ []string
	Spawner hub.Spawner // nil: a fake
	Dir     string      // empty: a temporary one
	Fault   func(string)
	Log     *slog.Logger
	Now     func() time.Time // clock of sign-ins and tokens; nil: the real one
	File    string           // configuration file to start from as it is; empty: the usual settings with Config
}

// Hub is a hub that runs until the test ends or Stop is called.
type Hub struct {
	URL     string // http://127.0.0.1:PORT/
	Spawner hub.Spawner
	App     *app.App
	Dir     string
	stop    context.CancelFunc
	done    chan error
}

// Start runs a hub: dummy authenticator for anybody, SQLite in a temporary folder, a fake spawner, an admin service with
// the token "service-token-of-the-tests".
func Start(t testing.TB, o Options) *Hub {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Spawner == nil {
		o.Spawner = spawntest.NewFake()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	cfg, faults := config.Load(config.Input{File: cmp.Or(o.File, write(t, o)), Environ: o.Environ})
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	a, err := app.New(ctx, cfg, app.Options{Log: o.Log, Spawner: o.Spawner, Fault: o.Fault, Now: o.Now})
	if err != nil {
		stop()
		t.Fatal(err)
	}
	h := &Hub{URL: a.URL(), Spawner: o.Spawner, App: a, Dir: o.Dir, stop: stop, done: make(chan error, 1)}
	go func() { h.done <- a.Run(ctx) }()
	t.Cleanup(func() { h.Stop(t) })
	return h
}

// Stop ends the hub and waits for it. A second call does nothing.
func (h *Hub) Stop(t testing.TB) {
	t.Helper()
	h.stop()
	h.Ended(t)
}

// Ended waits for a hub that ends by itself.
func (h *Hub) Ended(t testing.TB) {
	t.Helper()
	select {
	case err, first := <-h.done:
		if err != nil {
			t.Error("the hub ended with:", err)
		}
		if first {
			close(h.done)
		}
	case <-time.After(30 * time.Second):
		t.Error("the hub does not end")
	}
}

// ServiceToken is the API token of the admin service of every hub in a test.
const ServiceToken = "service-token-of-the-tests"

// write makes the configuration file.
func write(t testing.TB, o Options) string {
	t.Helper()
	settings := map[string]map[string]any{
		"JupyterHub": {
			"bind_url": "http://127.0.0.1:0/", "hub_bind_url": "http://127.0.0.1:0", "db_url": "sqlite:///" + filepath.Join(o.Dir, "hub.sqlite"),
			"cookie_secret": CookieSecret, "authenticator_class": "dummy", "spawner_class": "simple", "allow_named_servers": true,
			"services": []any{map[string]any{"name": "tests", "api_token": ServiceToken, "admin": true}},
		},
		"Authenticator": {"allow_all": true, "admin_users": []string{"root-admin"}},
	}
	for class, traits := range o.Config {
		if settings[class] == nil {
			settings[class] = map[string]any{}
		}
		for name, value := range traits {
			if value == nil {
				delete(settings[class], name)
				continue
			}
			settings[class][name] = value
		}
	}
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(o.Dir, "config.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
