package local_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/local"
	"berdlhub/internal/spawn/spawntest"
)

func TestMain(m *testing.M) {
	parentIfAsked()
	spawntest.ServeIfAsked()
	os.Exit(m.Run())
}

const canary = "6b1f0c1e9a7d4f52b8e3d0c9a1b2c3d4"

// quickExit keeps programs built with the race detector from sleeping a second at their end.
const quickExit = "atexit_sleep_ms=0"

// ground is a place on this machine where servers of one test run.
type ground struct {
	config local.Config
	dir    string
}

func newGround(t *testing.T) *ground {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	g := &ground{dir: dir, config: local.Config{
		HomesDir: filepath.Join(dir, "homes"), StateDir: filepath.Join(dir, "state"), Cmd: []string{program}, HubID: rand.Text(),
		InterruptTimeout: 10 * time.Second, TermTimeout: 10 * time.Second, KillTimeout: 10 * time.Second,
	}}
	t.Cleanup(func() { g.mustBeClean(t) })
	return g
}

// hub makes a Spawner, as a hub that has just started does.
func (g *ground) hub(t *testing.T) *local.Processes {
	t.Helper()
	p, err := local.New(g.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

// mustBeClean fails the test when it leaves a process behind.
func (g *ground) mustBeClean(t *testing.T) {
	t.Helper()
	for _, pid := range g.pids(t, "BERDLHUB_HUB="+g.config.HubID) {
		t.Errorf("process %d is left", pid)
		_ = syscall.Kill(pid, syscall.SIGKILL) // it has this test's own mark
	}
}

// pids lists living processes with a text in their environment.
func (g *ground) pids(t *testing.T, mark string) []int {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, dir := range dirs {
		text, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || !strings.Contains(string(text), mark+"\x00") {
			continue
		}
		var pid int
		if _, err := fmt.Sscan(filepath.Base(dir), &pid); err == nil {
			found = append(found, pid)
		}
	}
	return found
}

// life is a run as the hub knows it.
type life struct {
	spec  hub.Spec
	state json.RawMessage
}

func newLife(user, habits string) *life {
	return &life{spec: hub.Spec{
		Ref:    hub.Ref{Key: hub.ServerKey{User: user}, RunID: rand.Text()},
		Prefix: "/user/" + user + "/",
		Env: map[string]string{
			spawntest.ServeVariable: habits, "GORACE": quickExit, "JUPYTERHUB_API_TOKEN": canary, "MY_S3_SECRET": "plain words",
			"JUPYTERHUB_USER": user, "JUPYTERHUB_SERVER_NAME": "", "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:0/user/" + user + "/",
		},
	}}
}

func (l *life) ref() hub.Ref {
	ref := l.spec.Ref
	ref.State = l.state
	return ref
}

func (l *life) pid(t *testing.T) int {
	t.Helper()
	var state struct{ PID int }
	if err := json.Unmarshal(l.state, &state); err != nil || state.PID == 0 {
		t.Fatalf("state %s: %v", l.state, err)
	}
	return state.PID
}

func (l *life) try(t *testing.T, p *local.Processes) (*hub.Started, error) {
	t.Helper()
	spec := l.spec
	spec.Ref = l.ref()
	return p.Start(t.Context(), &spec, func(s json.RawMessage) error { l.state = s; return nil }, func(hub.Event) {})
}

// start starts the run and waits until it answers, when it is to serve.
func (l *life) start(t *testing.T, p *local.Processes) spawntest.Answer {
	t.Helper()
	started, err := l.try(t, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.stop(context.WithoutCancel(t.Context()), t, p) })
	var answer spawntest.Answer
	if strings.HasSuffix(l.spec.Env[spawntest.ServeVariable], "serve") {
		until(t, "the server answers", func() bool { return get(t, started.Address+l.spec.Prefix+"api", &answer) })
	}
	return answer
}

func (l *life) stop(ctx context.Context, t *testing.T, p *local.Processes) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := p.Stop(ctx, l.ref()); err != nil && !strings.Contains(err.Error(), "shutting down") {
		t.Error(err)
	}
}

func (l *life) ended(t *testing.T, p *local.Processes) hub.Status {
	t.Helper()
	var status hub.Status
	until(t, "the run ends", func() bool {
		var err error
		if status, err = p.Poll(t.Context(), l.ref()); err != nil {
			t.Fatal(err)
		}
		return status.Life == hub.Ended
	})
	return status
}

func get(t *testing.T, url string, into *spawntest.Answer) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(res.Body)
	return errors.Join(err, res.Body.Close()) == nil && json.Unmarshal(body, into) == nil
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("waited in vain:", what)
		}
	}
}

func TestProcessesPassTheSuite(t *testing.T) {
	t.Parallel()
	spawntest.Run(t, func(t *testing.T) spawntest.World {
		g := newGround(t)
		return spawntest.World{
			New:    func(t *testing.T) hub.Spawner { return g.hub(t) },
			Adjust: func(s *hub.Spec) { s.Env[spawntest.ServeVariable], s.Env["GORACE"] = "serve", quickExit },
			Crash: func(t *testing.T, ref hub.Ref) {
				l := &life{spec: hub.Spec{Ref: ref}, state: ref.State}
				if err := syscall.Kill(l.pid(t), syscall.SIGKILL); err != nil {
					t.Error(err)
				}
			},
		}
	})
}

func TestHomeAndEnvironment(t *testing.T) {
	t.Setenv("CANARY_OF_THE_HUB", "must not be inherited")
	t.Setenv("LANG", "xx_YY.UTF-8")
	g := newGround(t)
	g.config.NotebookDir = "~/work"
	p, l := g.hub(t), newLife("ada", "print,serve")
	answer := l.start(t, p)
	home := filepath.Join(g.dir, "homes", "ada")
	if answer.Home != home || answer.User != "ada" || answer.PID != l.pid(t) {
		t.Errorf("got %+v", answer)
	}
	info, err := os.Stat(home)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("home: %v, %v", info.Mode(), err)
	}
	logs, err := filepath.Glob(filepath.Join(g.dir, "state", "logs", "ada", "*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("logs %v: %v", logs, err)
	}
	text, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nLANG=xx_YY.UTF-8\n", "HOME=" + home + "\n", "JUPYTERHUB_ROOT_DIR=" + home + "/work\n", "USER=ada\n", "SHELL=/bin/bash\n",
		"BERDLHUB_RUN=" + l.spec.RunID + "\n", "JUPYTERHUB_API_TOKEN=" + canary + "\n",
	} {
		if !strings.Contains("\n"+string(text), want) {
			t.Errorf("the environment lacks %q", strings.TrimSpace(want))
		}
	}
	if strings.Contains(string(text), "CANARY_OF_THE_HUB") {
		t.Error("the hub's own environment is inherited")
	}
	if info, err := os.Stat(logs[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("log: %v, %v", info, err)
	}
	if session, err := sessionOf(answer.PID); err != nil || session != answer.PID {
		t.Errorf("session %d, %v: Ctrl-C to the hub would reach the server", session, err)
	}
}

func sessionOf(pid int) (int, error) {
	id, _, errno := syscall.Syscall(syscall.SYS_GETSID, uintptr(pid), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(id), nil
}

func TestStopEscalates(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ habits string }{
		"gentle":                    {"serve"},
		"ignores SIGINT":            {"stubborn,serve"},
		"ignores all":               {"immortal,serve"},
		"child in its own session":  {"child,serve"},
		"both it and child ignore":  {"immortal,child,serve"},
		"gone, but the child lives": {"child,quit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			g.config.InterruptTimeout, g.config.TermTimeout = 50*time.Millisecond, 50*time.Millisecond
			if name == "gentle" {
				g.config.InterruptTimeout = 10 * time.Second // SIGINT alone must do
				g.config.TermTimeout = time.Nanosecond
			}
			p, l := g.hub(t), newLife("ada", tt.habits)
			l.start(t, p)
			if strings.Contains(tt.habits, "quit") {
				l.ended(t, p)
			}
			began := time.Now()
			l.stop(t.Context(), t, p)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			if left := g.pids(t, "BERDLHUB_RUN="+l.spec.RunID); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestStopIsBoundedByItsContext(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	p, l := g.hub(t), newLife("ada", "stubborn,serve")
	l.start(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Stop(ctx, l.ref()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if status, err := p.Poll(t.Context(), l.ref()); err != nil || status.Life != hub.Running {
		t.Errorf("got %+v, %v", status, err)
	}
	g.config.InterruptTimeout = time.Millisecond
	l.stop(t.Context(), t, g.hub(t))
}

func TestWhyItEnded(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	p := g.hub(t)
	quits := newLife("ada", "print,quit")
	quits.start(t, p)
	status := quits.ended(t, p)
	log := strings.Join(status.Log, "\n")
	if status.ExitCode == nil || *status.ExitCode != 3 || !strings.Contains(status.Reason, "exit code 3") || !strings.Contains(log, "this is the end") {
		t.Errorf("got %+v", status)
	}
	if strings.Contains(log, canary) || strings.Contains(log, "plain words") || !strings.Contains(log, "JUPYTERHUB_API_TOKEN=[masked]") {
		t.Errorf("the log shows secrets:\n%s", log)
	}
	killed := newLife("grace", "serve")
	killed.start(t, p)
	if err := syscall.Kill(killed.pid(t), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	status = killed.ended(t, p)
	if status.ExitCode == nil || *status.ExitCode != -9 || !strings.Contains(status.Reason, "signal 9 (killed): often the memory is used up") {
		t.Errorf("got %+v", status)
	}
	// A hub that starts now was not there when they ended.
	after := quits.ended(t, g.hub(t))
	if after.ExitCode != nil || !strings.Contains(after.Reason, "not known") || strings.Contains(strings.Join(after.Log, "\n"), canary) || len(after.Log) == 0 {
		t.Errorf("got %+v", after)
	}
}

func TestReusedProcessIDIsLeftAlone(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	stranger := exec.CommandContext(t.Context(), "sleep", "60")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	p, l := g.hub(t), newLife("ada", "serve")
	l.start(t, p)
	var kept map[string]any
	if err := json.Unmarshal(l.state, &kept); err != nil {
		t.Fatal(err)
	}
	l.stop(t.Context(), t, p)
	for name, change := range map[string]map[string]any{
		"other start":       {},
		"other boot":        {"boot_id": "another"},
		"JupyterHub's form": {"boot_id": "", "start_ticks": 0, "run": ""},
	} {
		state := maps.Clone(kept)
		state["pid"] = stranger.Process.Pid
		maps.Copy(state, change)
		text, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		reused := &life{spec: l.spec, state: text}
		p := g.hub(t)
		if status, err := p.Poll(t.Context(), reused.ref()); err != nil || status.Life != hub.Ended {
			t.Errorf("%s: got %+v, %v", name, status, err)
		}
		reused.stop(t.Context(), t, p)
	}
	if err := stranger.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the stranger was ended: %v", err)
	}
	if err := stranger.Process.Kill(); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := stranger.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the stranger ended by %v instead of our kill", err)
	}
}

// TestAdoptsJupyterHubsServers takes over a process that JupyterHub itself has started, of which only the process id is known.
func TestAdoptsJupyterHubsServers(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	first, l := g.hub(t), newLife("ada", "serve")
	answer := l.start(t, first)
	foreign := newLife("ada", "serve")
	foreign.state = json.RawMessage(fmt.Sprintf(`{"pid": %d}`, answer.PID))
	p := g.hub(t)
	status, err := p.Poll(t.Context(), foreign.ref())
	var again spawntest.Answer
	if err != nil || status.Life != hub.Running || !get(t, status.Address+"/user/ada/api", &again) || again.Instance != answer.Instance {
		t.Fatalf("got %+v, %v", status, err)
	}
	other := newLife("grace", "serve")
	other.state = foreign.state
	if status, err := g.hub(t).Poll(t.Context(), other.ref()); err != nil || status.Life != hub.Ended {
		t.Errorf("took over another user's server: %+v, %v", status, err)
	}
	foreign.stop(t.Context(), t, p)
	if status := l.ended(t, first); status.Life != hub.Ended {
		t.Errorf("got %+v", status)
	}
}

func TestCloseLeavesServersAlive(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	first, l := g.hub(t), newLife("ada", "serve")
	answer := l.start(t, first)
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Poll(t.Context(), l.ref()); hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("a closed Spawner answers: %v", err)
	}
	second := g.hub(t)
	if status, err := second.Poll(t.Context(), l.ref()); err != nil || status.Life != hub.Running {
		t.Errorf("got %+v, %v", status, err)
	}
	if left := g.pids(t, "BERDLHUB_RUN="+l.spec.RunID); len(left) != 1 || left[0] != answer.PID {
		t.Errorf("got %v", left)
	}
	l.stop(t.Context(), t, second)
}
