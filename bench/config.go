package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
)

// password opens every account of the dummy authenticator.
const password = "bench-password"

// admin may open the administration's page.
const admin = "bench-admin"

// setup is one side's place in one round.
type setup struct {
	dir     string
	file    string // the configuration, in JupyterHub's JSON form
	public  string // HOST:PORT for browsers
	private string // HOST:PORT for servers and services
	servers string // folder where servers leave their process ids and tokens
	token   string // API token of a service with the role admin
}

// newSetup makes the folder and the configuration file, which is the same for both sides but for places and ports.
func newSetup(ctx context.Context, dir, trivial string) (*setup, error) {
	s := &setup{dir: dir, file: filepath.Join(dir, "config.json"), servers: filepath.Join(dir, "servers"), token: rand.Text() + rand.Text()}
	if err := os.MkdirAll(s.servers, 0o700); err != nil {
		return nil, err
	}
	addresses, err := freeAddresses(ctx, 3)
	if err != nil {
		return nil, err
	}
	s.public, s.private = addresses[0], addresses[1]
	text, err := json.MarshalIndent(map[string]map[string]any{
		"JupyterHub": {
			"bind_url": "http://" + s.public + "/", "hub_bind_url": "http://" + s.private,
			"db_url":              "sqlite:///" + filepath.Join(dir, "hub.sqlite"),
			"authenticator_class": "dummy", "spawner_class": "simple",
			"concurrent_spawn_limit": 1000, "cleanup_servers": false,
			"services": []any{map[string]any{"name": "bench", "api_token": s.token, "admin": true}},
		},
		"Authenticator":             {"allow_all": true, "admin_users": []string{admin}},
		"DummyAuthenticator":        {"password": password},
		"Spawner":                   {"cmd": []string{trivial}, "environment": map[string]string{"BENCH_DIR": s.servers}},
		"SimpleLocalProcessSpawner": {"home_dir_template": filepath.Join(dir, "homes", "{username}")},
		"ConfigurableHTTPProxy":     {"api_url": "http://" + addresses[2]},
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	return s, os.WriteFile(s.file, text, 0o600)
}

// freeAddresses are addresses on loopback that nobody listens on now.
func freeAddresses(ctx context.Context, n int) ([]string, error) {
	var lc net.ListenConfig
	found := make([]string, n)
	for i := range n {
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		found[i] = l.Addr().String()
	}
	return found, nil
}
