//go:build e2e

package crash_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"berdlhub/internal/app"
	"berdlhub/internal/config"
	"berdlhub/internal/spawn/spawntest"
)

const (
	token        = "service-token-of-the-crash-tests"
	cookieSecret = "5a1b6f0d7f0e4a6d9b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607182"
)

// TestMain makes this binary a single-user server or a hub when the environment asks for it.
func TestMain(m *testing.M) {
	spawntest.ServeIfAsked()
	if dir := os.Getenv("CRASH_HUB"); dir != "" {
		if err := serveHub(dir, os.Getenv("CRASH_POINT")); err != nil {
			fmt.Fprintln(os.Stderr, "hub:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serveHub runs a hub that kills itself when it reaches the point.
func serveHub(dir, point string) error {
	if err := os.Chdir(dir); err != nil {
		return err
	}
	cfg, faults := config.Load(config.Input{File: "config.json"})
	if err := faults.Err(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a, err := app.New(ctx, cfg, app.Options{Log: log, Fault: func(p string) {
		if p == point && first(point) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}})
	if err != nil {
		return err
	}
	name := os.Getenv("CRASH_URL_FILE")
	if err := os.WriteFile(name+".new", []byte(a.URL()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	return a.Run(ctx)
}

// first says that no hub of this folder has reached the point yet: of several, one is killed.
func first(point string) bool {
	f, err := os.OpenFile("reached "+point, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	return f.Close() == nil
}

// hub is a hub process.
type hub struct {
	t    *testing.T
	url  string
	cmd  *exec.Cmd
	dead chan struct{} // closed when the process has ended
}

// configure writes the configuration of the hubs in a folder.
func configure(t *testing.T, dir, dbURL string) {
	t.Helper()
	t.Cleanup(func() { sweep(t, dir) })
	settings := map[string]map[string]any{
		"JupyterHub": {
			"bind_url": "http://127.0.0.1:0/", "hub_bind_url": "http://127.0.0.1:0", "db_url": dbURL, "cookie_secret": cookieSecret,
			"authenticator_class": "dummy", "spawner_class": "simple", "tornado_settings": map[string]any{"slow_spawn_timeout": 0},
			"services": []any{map[string]any{"name": "tests", "api_token": token, "admin": true}},
		},
		"Authenticator": {"allow_all": true, "allowed_users": []string{"ada"}},
		"Spawner": {
			"cmd": []string{os.Args[0]}, "http_timeout": 20, "start_timeout": 20,
			"environment": map[string]string{spawntest.ServeVariable: "serve", "CRASH_DIR": dir},
		},
		"LocalProcessSpawner": {"interrupt_timeout": 5, "term_timeout": 5},
	}
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// sweep ends what a failed test left of the processes of a folder.
func sweep(t *testing.T, dir string) {
	t.Helper()
	for _, pid := range processes(t, dir) {
		if n, err := strconv.Atoi(pid); err == nil {
			_ = syscall.Kill(n, syscall.SIGKILL) // it may have ended by itself
		}
	}
}

// start runs a hub process in a folder; it kills itself at the point, if one is given.
func start(t *testing.T, dir, point string) *hub {
	t.Helper()
	urlFile := filepath.Join(t.TempDir(), "url")
	log, err := os.OpenFile(filepath.Join(dir, "hub.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CRASH_HUB="+dir, "CRASH_POINT="+point, "CRASH_URL_FILE="+urlFile)
	cmd.Stderr, cmd.Stdout = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, cmd: cmd, dead: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is asked for where it matters
		close(h.dead)
	}()
	t.Cleanup(h.stop)
	h.eventually(20*time.Second, "the hub serves", func() bool {
		text, err := os.ReadFile(urlFile)
		h.url = string(text)
		return err == nil
	})
	return h
}

// stop ends the hub as an operator does.
func (h *hub) stop() {
	_ = h.cmd.Process.Signal(syscall.SIGTERM) // it may be dead already
	select {
	case <-h.dead:
	case <-time.After(20 * time.Second):
		h.t.Error("the hub does not end on SIGTERM")
		_ = h.cmd.Process.Kill()
		<-h.dead
	}
}

// awaitKill waits until the hub has killed itself, which proves that it reached the point.
func (h *hub) awaitKill() {
	h.t.Helper()
	select {
	case <-h.dead:
	case <-time.After(20 * time.Second):
		h.t.Fatal("the hub never reached the point where it kills itself")
	}
	if ws, ok := h.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !ws.Signaled() || ws.Signal() != syscall.SIGKILL {
		h.t.Fatalf("the hub ended with %v, not by SIGKILL", h.cmd.ProcessState)
	}
}

// call makes an API request with the admin service's token; status 0 means that the hub died over it.
func (h *hub) call(method, path string, into any) int {
	h.t.Helper()
	return h.send(method, "hub/api"+path, into)
}

func (h *hub) send(method, path string, into any) int {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && into != nil && resp.StatusCode < 300 {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		h.t.Errorf("%s %s: %v: %.200s", method, path, err, body)
	}
	return resp.StatusCode
}

// userModel is what the tests read of a user.
type userModel struct {
	Servers map[string]struct {
		Ready   bool    `json:"ready"`
		Pending *string `json:"pending"`
	} `json:"servers"`
}

func (h *hub) ready() bool {
	var u userModel
	return h.call(http.MethodGet, "/users/ada", &u) == http.StatusOK && u.Servers[""].Ready
}

// quiet says that the server is neither running nor on its way.
func (h *hub) quiet() bool {
	var u userModel
	return h.call(http.MethodGet, "/users/ada", &u) == http.StatusOK && len(u.Servers) == 0
}

// tokens counts the tokens that the hub keeps for ada.
func (h *hub) tokens() int {
	var list struct {
		Tokens []json.RawMessage `json:"api_tokens"`
	}
	if h.call(http.MethodGet, "/users/ada/tokens", &list) != http.StatusOK {
		return -1
	}
	return len(list.Tokens)
}

func (h *hub) eventually(limit time.Duration, what string, cond func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(limit)
	for !cond() {
		if time.Now().After(deadline) {
			h.t.Fatalf("not within %s: %s", limit, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// processes lists the single-user processes that were started from a folder.
func processes(t *testing.T, dir string) []string {
	t.Helper()
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range environs {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // ended meanwhile
		}
		if strings.Contains("\x00"+string(text), "\x00CRASH_DIR="+dir+"\x00") {
			found = append(found, strings.Split(name, "/")[2])
		}
	}
	return found
}
