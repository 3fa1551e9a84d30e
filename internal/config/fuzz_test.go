package config_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"berdlhub/internal/config"
)

// FuzzLoad feeds files, environments and command lines: no input may panic, and faults and a configuration exclude each other.
func FuzzLoad(f *testing.F) {
	for _, c := range wrong {
		f.Add([]byte(c.text), strings.Join(c.environ, "\n"), strings.Join(c.args, "\n"))
	}
	for _, name := range []string{"testdata/same.json", "testdata/same.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, strings.Join(berdl, "\n"), "--Spawner.args=a\n--Spawner.args=b")
	}
	f.Fuzz(func(t *testing.T, data []byte, environ, args string) {
		in := config.Input{File: "f.yaml", Environ: strings.Split(environ, "\n"), Read: func(string) ([]byte, error) { return data, nil }}
		if args != "" {
			in.Args = strings.Split(args, "\n")
		}
		cfg, faults := config.Load(in)
		if (cfg == nil) != (faults.Err() != nil) {
			t.Fatalf("configuration and faults: %v, %v", cfg, faults)
		}
		var out bytes.Buffer
		if err := faults.Check(&out); err != nil {
			t.Fatal(err)
		}
		if cfg == nil {
			return
		}
		for _, format := range []string{"text", "json", "yaml"} {
			if err := cfg.Show(&out, format); err != nil {
				t.Fatal(err)
			}
		}
		possible(t, cfg)
	})
}

// possible fails the test when a configuration that was taken breaks a promise of its types.
func possible(t *testing.T, cfg *config.Config) {
	t.Helper()
	for what, ok := range map[string]bool{
		"port":         cfg.Hub.BindPort >= 0 && cfg.Hub.BindPort <= 65535,
		"base URL":     strings.HasPrefix(cfg.Hub.BaseURL, "/") && strings.HasSuffix(cfg.Hub.BaseURL, "/"),
		"connect URL":  cfg.Hub.HubConnectURL != "",
		"command":      len(cfg.Spawner.Cmd) > 0,
		"classes":      cfg.Auth.Class != "" && cfg.Spawner.Class != "",
		"times":        cfg.Spawner.StartTimeout > 0 && cfg.Cull.Every > 0 && cfg.Hub.CookieMaxAge > 0 && cfg.Hub.OAuthTokenExpires > 0,
		"memory":       cfg.Spawner.MemLimit >= 0 && cfg.Spawner.MemGuarantee >= 0,
		"page lengths": cfg.Hub.APIPageDefault > 0 && cfg.Hub.APIPageDefault <= cfg.Hub.APIPageMax,
	} {
		if !ok {
			t.Fatalf("an impossible %s is taken: %+v %+v", what, cfg.Hub, cfg.Cull)
		}
	}
}
