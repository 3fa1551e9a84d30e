//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"berdlhub/test/e2e/partstest"
)

// endWait bounds the end of a program that was asked to end.
const endWait = 45 * time.Second

var programFolder string

// TestMain makes a folder for the program that the tests run.
func TestMain(m *testing.M) {
	var err error
	if programFolder, err = os.MkdirTemp("", "berdlhub-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(programFolder) // the system's clean-up of temporary files takes what is left
	os.Exit(status)
}

// built is the outcome of the one build of all tests.
var built struct {
	once sync.Once
	err  error
}

// program builds berdlhub once and gives its path.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(programFolder, "berdlhub")
	built.once.Do(func() {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/berdlhub")
		cmd.Dir = partstest.Root(t)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if words, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("build berdlhub: %w\n%s", err, words)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return path
}

// process is a program that a test started, in a process group of its own.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended and said its last word

	mu    sync.Mutex
	words strings.Builder
}

// Write keeps what the process says.
func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.words.Write(text)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.words.String()
}

// run starts a program in a folder, whose name marks all that the program starts in turn. It is ended with the test;
// whatever it leaves behind in the folder's name fails the test.
func run(t *testing.T, dir string, environ []string, command string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: filepath.Base(command), ended: make(chan struct{})}
	p.cmd = exec.Command(command, args...) // ended by end, and by the clean-up
	p.cmd.Dir = dir
	p.cmd.Env = append(append(os.Environ(), "E2E_FOLDER="+dir), environ...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	// A server that outlives the hub must not keep Wait waiting for its output.
	p.cmd.WaitDelay = time.Second
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", command, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is asked for where it matters
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.end(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("%s said:\n%s", p.name, p.said())
		}
	})
	return p
}

// folder makes the folder in which a test's programs work. At the end of the test nothing may be left that works there.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		nothingLeft(t, dir)
		for _, pid := range workers(t, dir) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		waitUntil(t, 10*time.Second, "the last process is gone", func() bool { return len(workers(t, dir)) == 0 })
	})
	return dir
}

// nothingLeft says that of what worked in a folder nothing lives. A kernel whose server has just ended has a moment to end.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	deadline := time.Now().Add(3 * time.Second)
	for len(workers(t, dir)) > 0 && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
	}
	for _, pid := range workers(t, dir) {
		t.Errorf("process %d is left over: %s", pid, commandLine(pid))
	}
}

// waitSaid waits until the process says something, and gives what the pattern's first group holds.
func (p *process) waitSaid(limit time.Duration, pattern *regexp.Regexp) string {
	p.t.Helper()
	var found []string
	deadline := time.Now().Add(limit)
	for found == nil {
		ended := p.hasEnded()
		if found = pattern.FindStringSubmatch(p.said()); found != nil {
			break
		}
		if ended {
			p.t.Fatalf("%s ended before it said %s: %v", p.name, pattern, p.cmd.ProcessState)
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s did not say %s within %s", p.name, pattern, limit)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return found[1]
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// end asks the process group to end, as a terminal's Ctrl-C or a service manager does, and waits until it has.
func (p *process) end(signal syscall.Signal) {
	p.t.Helper()
	if p.hasEnded() {
		return
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		p.t.Errorf("send %s to %s: %v", signal, p.name, err)
	}
	select {
	case <-p.ended:
	case <-time.After(endWait):
		p.t.Errorf("%s does not end within %s of %s", p.name, endWait, signal)
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
}

// workers lists the living processes that belong to a folder: by their environment, their words or where they work.
// Chromium is none of them: its profile is in another folder.
func workers(t *testing.T, dir string) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatalf("list processes: %v", err)
	}
	var found []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if belongs(pid, dir) {
			found = append(found, pid)
		}
	}
	return found
}

func belongs(pid int, dir string) bool {
	at := "/proc/" + strconv.Itoa(pid)
	environ, _ := os.ReadFile(at + "/environ") // gone meanwhile: empty, as that of a process that nobody has waited for
	words, _ := os.ReadFile(at + "/cmdline")
	cwd, _ := os.Readlink(at + "/cwd")
	return strings.Contains(string(environ), dir) || strings.Contains(string(words), dir) || strings.HasPrefix(cwd, dir)
}

func commandLine(pid int) string {
	words, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline") // gone meanwhile: nothing to tell
	return strings.ReplaceAll(string(words), "\x00", " ")
}

// waitUntil looks until the condition holds.
func waitUntil(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// freePort gives a port of 127.0.0.1 that is free now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// get asks for a page or for the API, with a token if one is given; status 0 means no answer.
func get(t *testing.T, address, token string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "token "+token)
	}
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}
