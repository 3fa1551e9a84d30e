package local_test

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/local"
	"berdlhub/internal/spawn/spawntest"
)

func TestCommandThatIsNotThere(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cmd  []string
		path string
		text string
	}{
		"default":      {nil, "/nonexistent", `"jupyterhub-singleuser", which starts servers, cannot be run. Install it where the hub runs with "python3 -m pip install`},
		"path":         {[]string{"/nonexistent/serve"}, "", `"/nonexistent/serve"`},
		"no program":   {[]string{"/etc/passwd"}, "", `"/etc/passwd"`},
		"folder":       {[]string{"/etc"}, "", `"/etc"`},
		"not absolute": {[]string{"passwd"}, "etc:.", `"passwd"`},
	} {
		g := newGround(t)
		g.config.Cmd = tt.cmd
		l := newLife("ada", "serve")
		l.spec.Env["PATH"] = tt.path
		_, err := l.try(t, g.hub(t))
		if hub.CodeOf(err) != hub.Invalid || !strings.Contains(hub.MessageOf(err), tt.text) {
			t.Errorf("%s: got %v", name, err)
		}
		if l.state != nil {
			t.Errorf("%s: kept %s before anything could be made", name, l.state)
		}
		if _, err := os.Stat(filepath.Join(g.dir, "homes")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: made folders: %v", name, err)
		}
	}
}

func TestHomesStayInTheirFolder(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	p := g.hub(t)
	seen := map[string]string{}
	for _, user := range []string{
		"ada", "a.b", "..", ".", "../../etc", "a/b", "a%2fb", "%2e%2e", "A", "a b", "$(id)", "ä", ".ssh", strings.Repeat("ä", 90), strings.Repeat("ä", 91),
	} {
		l := newLife("x", "quit")
		l.spec.Key.User = user
		l.start(t, p)
		var state struct{ Home, Log string }
		if err := json.Unmarshal(l.state, &state); err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(state.Home) != filepath.Join(g.dir, "homes") || !strings.HasPrefix(filepath.Clean(state.Log), filepath.Join(g.dir, "state", "logs")+"/") {
			t.Errorf("%q: home %s, log %s", user, state.Home, state.Log)
		}
		if other, taken := seen[state.Home]; taken {
			t.Errorf("%q and %q share %s", user, other, state.Home)
		}
		seen[state.Home] = user
		if status := l.ended(t, p); status.ExitCode == nil || *status.ExitCode != 3 {
			t.Errorf("%q: %+v", user, status)
		}
	}
}

func TestHomeThatIsALinkIsRefused(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	homes := filepath.Join(g.dir, "homes")
	if err := os.Mkdir(homes, 0o700); err != nil {
		t.Fatal(err)
	}
	for user, prepare := range map[string]func(string) error{
		"link": func(path string) error { return os.Symlink("/tmp", path) },
		"file": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		if err := prepare(filepath.Join(homes, user)); err != nil {
			t.Fatal(err)
		}
		l := newLife(user, "serve")
		if _, err := l.try(t, g.hub(t)); hub.CodeOf(err) != hub.Unavailable || !strings.Contains(hub.MessageOf(err), "home folder") {
			t.Errorf("%s: got %v", user, err)
		}
		l.stop(t.Context(), t, g.hub(t))
	}
}

func TestHomeTemplate(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.config.HomeTemplate = filepath.Join(g.dir, "people", "{username}", "home")
	l := newLife("ada", "serve")
	if answer := l.start(t, g.hub(t)); answer.Home != filepath.Join(g.dir, "people", "ada", "home") {
		t.Errorf("got %+v", answer)
	}
}

func TestShellCommand(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	strange := filepath.Join(g.dir, "it's a $(touch x) program")
	if err := os.Symlink(g.config.Cmd[0], strange); err != nil {
		t.Fatal(err)
	}
	g.config.Cmd, g.config.ShellCmd = []string{strange}, []string{"/bin/sh", "-c"}
	l := newLife("ada", "serve")
	if answer := l.start(t, g.hub(t)); answer.User != "ada" {
		t.Errorf("got %+v", answer)
	}
}

func TestFixedPort(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.config.Port = listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	l := newLife("ada", "serve")
	delete(l.spec.Env, "JUPYTERHUB_SERVICE_URL")
	p := g.hub(t)
	answer := l.start(t, p)
	status, err := p.Poll(t.Context(), l.ref())
	if err != nil || answer.User != "ada" || status.Address != "http://"+listener.Addr().String() {
		t.Errorf("got %+v, %+v, %v", answer, status, err)
	}
}

func TestOldLogsAreRemoved(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	p := g.hub(t)
	var last *life
	for range 8 {
		last = newLife("ada", "quit")
		last.start(t, p)
		last.ended(t, p)
		last.stop(t.Context(), t, p)
	}
	logs, err := filepath.Glob(filepath.Join(g.dir, "state", "logs", "ada", "*.log"))
	if err != nil || len(logs) != 5 {
		t.Errorf("got %d logs, %v", len(logs), err)
	}
	if !strings.Contains(strings.Join(logs, " "), last.spec.RunID) {
		t.Error("the last run's log is gone")
	}
}

func TestStateThatCannotBeRead(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	l := newLife("ada", "serve")
	l.state = json.RawMessage(`{"pid": "many"}`)
	if _, err := g.hub(t).Poll(t.Context(), l.ref()); hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("got %v", err)
	}
	if err := g.hub(t).Stop(t.Context(), l.ref()); hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("got %v", err)
	}
	l.state = nil
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]local.Config{
		"{username}":   {HomeTemplate: "/tmp/all"},
		"65535":        {Port: 70000},
		"negative":     {TermTimeout: -1},
		"the program,": {Cmd: []string{""}},
	} {
		if _, err := local.New(c); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: got %v; want %q", c, err, text)
		}
	}
}

// TestSystemUsers starts a server as another system user, which only root can.
func TestSystemUsers(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.config.ByUser = true
	if os.Geteuid() != 0 {
		if answer := func() spawntest.Answer { l := newLife("ada", "serve"); return l.start(t, g.hub(t)) }(); answer.User != "ada" {
			t.Errorf("without root servers run as the hub's own user: %+v", answer)
		}
		return
	}
	for user, code := range map[string]hub.Code{"no_such_user": hub.Forbidden, "root": hub.Forbidden} {
		if _, err := newLife(user, "serve").try(t, g.hub(t)); hub.CodeOf(err) != code {
			t.Errorf("%s: got %v", user, err)
		}
	}
	g.config.Cmd = []string{"/bin/sh", "-c", "id -un; pwd; exit 4"}
	l, p := newLife("bin", ""), g.hub(t)
	l.start(t, p)
	if status := l.ended(t, p); status.ExitCode == nil || *status.ExitCode != 4 || len(status.Log) != 2 || status.Log[0] != "bin" || status.Log[1] != "/bin" && status.Log[1] != "/usr/bin" {
		t.Errorf("got %+v", status)
	}
}

// BenchmarkStart measures what a start costs the hub itself; the budget is 5 ms of its processor time.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	p, err := local.New(local.Config{HomesDir: dir, StateDir: dir, Cmd: []string{"/bin/true"}})
	if err != nil {
		b.Fatal(err)
	}
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		l := newLife("ada", "")
		if _, err := p.Start(b.Context(), &l.spec, func(json.RawMessage) error { return nil }, func(hub.Event) {}); err != nil {
			b.Fatal(err)
		}
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(used)/float64(b.N)/1e6, "cpu-ms/op")
	if err := p.Close(b.Context()); err != nil {
		b.Error(err)
	}
}
