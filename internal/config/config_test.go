package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/config"
)

var update = flag.Bool("update", false, "write golden files and docs/configuration.md anew")

// load reads a configuration whose file is a text.
func load(name, text string, environ, args []string) (*config.Config, config.Faults) {
	in := config.Input{Environ: environ, Args: args, Read: func(string) ([]byte, error) { return []byte(text), nil }}
	if text != "" {
		in.File = name
	}
	return config.Load(in)
}

func mustLoad(t *testing.T, text string, environ, args []string) *config.Config {
	t.Helper()
	cfg, faults := load("hub.yaml", text, environ, args)
	if cfg == nil {
		t.Fatalf("refused: %v", faults.Err())
	}
	return cfg
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what is written now; look at the difference and run the test with -update\n%s", path, got)
	}
}

const dummy = "JupyterHub: {authenticator_class: dummy}\nDummyAuthenticator: {password: x}\n"

func TestSameInJSONAndYAML(t *testing.T) {
	var shown []string
	var configs []*config.Config
	for _, name := range []string{"same.json", "same.yaml"} {
		cfg, faults := config.Load(config.Input{File: filepath.Join("testdata", name)})
		if cfg == nil {
			t.Fatal(faults.Err())
		}
		var all map[string]map[string]struct{ Value any }
		var out bytes.Buffer
		if err := cfg.Show(&out, "json"); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &all); err != nil {
			t.Fatal(err)
		}
		shown = append(shown, fmt.Sprint(all))
		configs = append(configs, cfg)
	}
	if shown[0] != shown[1] {
		t.Errorf("JSON:\n%s\nYAML:\n%s", shown[0], shown[1])
	}
	a, b := configs[0], configs[1]
	for _, pair := range [][2]any{{a.Hub, b.Hub}, {a.Auth, b.Auth}, {a.Spawner, b.Spawner}, {a.Cull, b.Cull}, {a.Proxy, b.Proxy}} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("JSON gives %+v, YAML gives %+v", pair[0], pair[1])
		}
	}
}

func TestTypedValues(t *testing.T) {
	cfg, faults := config.Load(config.Input{File: "testdata/same.json"})
	if cfg == nil {
		t.Fatal(faults.Err())
	}
	h, sp := cfg.Hub, cfg.Spawner
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"bind URL", h.BindURL, "http://127.0.0.1:9000/pre/"},
		{"bind host", h.BindHost, "127.0.0.1"},
		{"bind port", h.BindPort, 9000},
		{"base URL", h.BaseURL, "/pre/"},
		{"hub bind", h.HubBind, "127.0.0.1:9081"},
		{"hub connect URL", h.HubConnectURL, "http://127.0.0.1:9081"},
		{"cookie age", h.CookieMaxAge, 36 * time.Hour},
		{"OAuth tokens last as long as a sign-in", h.OAuthTokenExpires, 36 * time.Hour},
		{"servers outlive the hub", h.CleanupServers, false},
		{"slow spawn", h.SlowSpawnTimeout, time.Duration(0)},
		{"slow stop", h.SlowStopTimeout, 10 * time.Second},
		{"headers", h.Headers, map[string]string{"X-Env": "dev"}},
		{"cookie options", h.CookieOptions, map[string]any{"samesite": "None"}},
		{"retry range", h.SpawnThrottleRetryRange, [2]time.Duration{30 * time.Second, time.Minute}},
		{"trusted", h.TrustedDownstream, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.1.1/32")}},
		{"groups", h.LoadGroups, []config.Group{{Name: "lab", Users: []string{"ada"}, Properties: map[string]any{"quota": int64(3)}}, {Name: "old", Users: []string{"bob"}}}},
		{"service token", h.Services[0].APIToken.Reveal(), "metrics-token-0123456789"},
		{"role", h.LoadRoles[0].HasServices, true},
		{"most specific class wins", sp.Cmd, []string{"single"}},
		{"inherited", sp.StartTimeout, 90 * time.Second},
		{"memory", sp.MemLimit, int64(1536 << 20)},
		{"guarantee", sp.MemGuarantee, int64(1 << 20)},
		{"environment", sp.Environment["GREETING"], "hé 😀"},
		{"environment number", sp.Environment["N"], "3"},
		{"own default of a class", slices.Contains(sp.EnvKeep, "PATH"), true},
		{"home", sp.Local.HomeTemplate, "/srv/{username}"},
		{"dummy with allowed users", cfg.Auth.AllowAll, false},
		{"existing users come with allowed users", cfg.Auth.AllowExisting, true},
		{"no culler by default", cfg.Cull.Enabled, false},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}

var berdl = []string{
	"KBASE_AUTH_URL=https://narrative.kbase.us/services/auth", "KBASE_ORIGIN=https://narrative.kbase.us/", "APPROVED_ROLES= BERDL_USER, CDM ,",
	"AUTH_FULL_ADMIN_ROLES=BERDL_ADMIN", "JUPYTERHUB_COOKIE_SECRET_64_HEX_CHARS=" + goodSecret, "JUPYTERHUB_CRYPT_KEY=" + goodKey + ";" + goodSecret,
	"JUPYTERHUB_TEMPLATES_DIR=/srv/templates", "BERDL_NOTEBOOK_HOMES_DIR=/homes", "JUPYTERHUB_IDLE_TIMEOUT_SECONDS=1800", "ENABLE_IDLE_CULLER=true",
	"JUPYTERHUB_DEBUG=True", "JUPYTERHUB_LOG_LEVEL=WARN", "CONFIGPROXY_AUTH_TOKEN=proxy-hush", "CDM_TASK_SERVICE_URL=https://berdl.kbase.us/apis/cts",
	"MINIO_ENDPOINT_URL=minio:9000", "BERDL_TOLERATIONS=env=dev:NoSchedule", "TRINO_PORT=8080", "DEFAULT_WORKER_CORES=1", "UNRELATED=x", "KBASE_EMPTY=",
}

const (
	goodSecret = "5f0c1b7e9a3d48266bd1f7a0c4e8923b7d60158eaf42c9d3b10e6f7a8c5d2943"
	goodKey    = "0b9e2d7c6a518f43d0e7b5c8192a3f6474cd80e1bf259a36c87d4e5f10a2b3c9"
)

func TestEnvironment(t *testing.T) {
	cfg, faults := load("", "", berdl, nil)
	if cfg == nil {
		t.Fatal(faults.Err())
	}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"class", cfg.Auth.Class, "kbase"},
		{"auth URL ends in a slash", cfg.Auth.KBase.AuthURL, "https://narrative.kbase.us/services/auth/"},
		{"origin does not", cfg.Auth.KBase.Origin, "https://narrative.kbase.us"},
		{"roles", cfg.Auth.KBase.ApprovedRoles, []string{"BERDL_USER", "CDM"}},
		{"admin roles", cfg.Auth.KBase.AdminRoles, []string{"BERDL_ADMIN"}},
		{"refresh", cfg.Auth.RefreshAge, 2 * time.Minute},
		{"auth state", cfg.Auth.EnableState, true},
		{"allow all", cfg.Auth.AllowAll, true},
		{"grace", cfg.Auth.Grace, 4 * time.Hour},
		{"cookie secret", cfg.Hub.CookieSecret.Reveal(), goodSecret},
		{"crypt keys", len(cfg.Hub.CryptKeys), 2},
		{"templates", cfg.Hub.TemplatePaths, []string{"/srv/templates"}},
		{"homes", cfg.Spawner.Local.HomesDir, "/homes"},
		{"culler", cfg.Cull, config.Cull{Enabled: true, Timeout: 30 * time.Minute, Every: time.Minute}},
		{"debug wins over the level", cfg.Hub.LogLevel, "debug"},
		{"debug of servers", cfg.Spawner.Debug, true},
		{"proxy token", cfg.Proxy.AuthToken.Reveal(), "proxy-hush"},
		{"kept", cfg.Platform, map[string]string{
			"CDM_TASK_SERVICE_URL": "https://berdl.kbase.us/apis/cts", "MINIO_ENDPOINT_URL": "minio:9000", "BERDL_TOLERATIONS": "env=dev:NoSchedule", "TRINO_PORT": "8080",
		}},
		{"one warning, of the dead name", len(faults), 1},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestEveryEnvironmentNameHasItsPlace(t *testing.T) {
	values := map[string]string{"list": "a,b", "whole number": "5", "true or false": "true", "URL": "https://host/x", "key=value:effect, comma-separated": "a=b:NoExecute"}
	for _, n := range config.EnvironmentNames() {
		text, ok := values[n.Form]
		if !ok {
			text = "https://host"
		}
		switch n.Option {
		case "JupyterHub.cookie_secret", "CryptKeeper.keys":
			text = goodSecret
		case "JupyterHub.log_level":
			text = "INFO"
		case "BerdlHub.metrics_prefix":
			text = "notebooks"
		}
		environ := []string{n.Name + "=" + text}
		if strings.HasPrefix(n.Option, "KBaseAuthenticator.") {
			environ = append(slices.Clone(berdl), environ...)
		}
		cfg, faults := load("hub.yaml", dummy, environ, nil)
		if cfg == nil {
			t.Errorf("%s=%s: %v", n.Name, text, faults.Err())
			continue
		}
		var out bytes.Buffer
		if err := cfg.Show(&out, "text"); err != nil {
			t.Fatal(err)
		}
		from := strings.Contains(out.String(), "# environment "+n.Name+"\n")
		switch {
		case n.Dead:
			if !strings.Contains(fmt.Sprint(faults), "environment "+n.Name+": warning: ") {
				t.Errorf("%s: no warning in %v", n.Name, faults)
			}
		case n.Option == "":
			if cfg.Platform[n.Name] != text {
				t.Errorf("%s is not kept", n.Name)
			}
		case !from && !strings.HasPrefix(n.Option, "KBaseAuthenticator."):
			t.Errorf("%s sets nothing", n.Name)
		}
	}
}

func TestLaterPlaceWins(t *testing.T) {
	text := dummy + "BerdlHub: {homes_dir: from-file}\nSpawner: {start_timeout: 1, args: [a]}\nLocalProcessSpawner: {http_timeout: 2}\n"
	environ := []string{"BERDL_NOTEBOOK_HOMES_DIR=from-environment"}
	if got := mustLoad(t, text, nil, nil).Spawner.Local.HomesDir; got != "from-file" {
		t.Error(got)
	}
	if got := mustLoad(t, text, environ, nil).Spawner.Local.HomesDir; got != "from-environment" {
		t.Error(got)
	}
	args := []string{"--BerdlHub.homes_dir=from-flag", "--Spawner.http_timeout=9", "--Spawner.start_timeout=8", "--Spawner.args=b", "--Spawner.args", "c"}
	got := mustLoad(t, text, environ, args).Spawner
	if got.Local.HomesDir != "from-flag" || got.StartTimeout != 8*time.Second {
		t.Errorf("the command line does not win: %+v", got)
	}
	if got.HTTPTimeout != 2*time.Second {
		t.Errorf("the most specific class does not win over a later place: %v", got.HTTPTimeout)
	}
	if !slices.Equal(got.Args, []string{"b", "c"}) {
		t.Errorf("repeated flags do not add up: %v", got.Args)
	}
}

func TestCommandLine(t *testing.T) {
	base := []string{"--JupyterHub.authenticator_class=jupyterhub.auth.DummyAuthenticator"}
	for _, c := range []struct {
		args []string
		get  func(*config.Config) any
		want any
	}{
		{[]string{"--ip=0.0.0.0", "--port", "8888"}, func(c *config.Config) any { return c.Hub.BindURL }, "http://0.0.0.0:8888/"},
		{[]string{"--url=http://*:80/x"}, func(c *config.Config) any { return c.Hub.BindURL }, "http://:80/x/"},
		{[]string{"--url=http://[::1]:80"}, func(c *config.Config) any { return c.Hub.BindURL }, "http://[::1]:80/"},
		{[]string{"--db=sqlite:////x.db"}, func(c *config.Config) any { return c.Hub.DBURL.Reveal() }, "sqlite:////x.db"},
		{[]string{"--no-db"}, func(c *config.Config) any { return c.Hub.DBURL.Reveal() }, "sqlite://"},
		{[]string{"--debug"}, func(c *config.Config) any { return c.Hub.LogLevel }, "debug"},
		{[]string{"--JupyterHub.log_format=json"}, func(c *config.Config) any { return c.Hub.LogJSON }, true},
		{[]string{"--log-level=40"}, func(c *config.Config) any { return c.Hub.LogLevel }, "error"},
		{[]string{"--JupyterHub.allow_named_servers=True"}, func(c *config.Config) any { return c.Hub.AllowNamedServers }, true},
		{[]string{`--Spawner.cmd=["a", "b"]`}, func(c *config.Config) any { return c.Spawner.Cmd }, []string{"a", "b"}},
		{[]string{"--Spawner.cmd=a"}, func(c *config.Config) any { return c.Spawner.Cmd }, []string{"a"}},
		{[]string{"--Spawner.mem_limit=2G"}, func(c *config.Config) any { return c.Spawner.MemLimit }, int64(2 << 30)},
		{[]string{"--Spawner.mem_limit=None"}, func(c *config.Config) any { return c.Spawner.MemLimit }, int64(0)},
		{[]string{"--Spawner.environment=A=1", `--Spawner.environment={"B": "2"}`}, func(c *config.Config) any { return c.Spawner.Environment }, map[string]string{"A": "1", "B": "2"}},
		{[]string{"--DummyAuthenticator.password=12345"}, func(c *config.Config) any { return c.Auth.Dummy.Password.Reveal() }, "12345"},
		{[]string{"--Authenticator.whitelist=ada"}, func(c *config.Config) any { return c.Auth.Allowed }, []string{"ada"}},
		{[]string{"--IdleCuller.cull_every=0", "--IdleCuller.timeout=100"}, func(c *config.Config) any { return c.Cull.Every }, 50 * time.Second},
	} {
		cfg, faults := load("", "", nil, append(slices.Clone(base), c.args...))
		if cfg == nil {
			t.Errorf("%q: %v", c.args, faults.Err())
		} else if got := c.get(cfg); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %v, want %v", c.args, got, c.want)
		}
	}
}

func TestConfigFlagNamesTheFile(t *testing.T) {
	for _, args := range [][]string{{"-f", "x.yaml"}, {"--config=x.yaml"}, {"-f=x.yaml"}} {
		var read string
		config.Load(config.Input{File: "other.yaml", Args: args, Read: func(path string) ([]byte, error) { read = path; return []byte(dummy), nil }})
		if read != "x.yaml" {
			t.Errorf("%q reads %q", args, read)
		}
	}
}

func TestShow(t *testing.T) {
	cfg, _ := config.Load(config.Input{
		File: "testdata/same.json", Args: []string{"--JupyterHub.db_url=postgresql://hub:hush-db@db/hub", "--DummyAuthenticator.password=hush-pw", "--Spawner.args=--x.token=hush-arg"},
		Environ: []string{"JPY_COOKIE_SECRET=" + goodSecret, "JUPYTERHUB_CRYPT_KEY=" + goodKey, "CONFIGPROXY_AUTH_TOKEN=hush-proxy"},
	})
	for _, format := range []string{"text", "json", "yaml"} {
		var out bytes.Buffer
		if err := cfg.Show(&out, format); err != nil {
			t.Fatal(err)
		}
		for _, canary := range []string{"hush", goodSecret, goodKey, "metrics-token-0123456789"} {
			if strings.Contains(out.String(), canary) || strings.Contains(fmt.Sprintf("%+v %#v", cfg.Hub, cfg.Auth), canary) {
				t.Errorf("%s shows the secret %s", format, canary)
			}
		}
		golden(t, "testdata/show."+format, out.Bytes())
	}
	if err := cfg.Show(&bytes.Buffer{}, "xml"); err == nil {
		t.Error("an unknown format is taken")
	}
}

func TestDocs(t *testing.T) {
	var out bytes.Buffer
	if err := config.Docs(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "../../docs/configuration.md", out.Bytes())
}
