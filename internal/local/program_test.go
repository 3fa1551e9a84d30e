package local_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/local"
)

// parentVariable makes this test's program a parent that starts a program, says its process id and waits.
const parentVariable = "BERDLHUB_TEST_PARENT_OF"

// parentIfAsked is what the test's program does as such a parent.
func parentIfAsked() {
	mark := os.Getenv(parentVariable)
	if mark == "" {
		return
	}
	p := &local.Program{Mark: mark, HubID: mark, Command: []string{"/bin/sleep", "600"}, Line: func(string) {}}
	running, err := p.Start()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(running.PID())
	<-running.Done()
	os.Exit(0)
}

// lines collects what a program says.
type lines struct {
	mu   sync.Mutex
	said []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, line)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.said, "\n")
}

// script is a shell script as a program with a mark of its own. Nothing of it is left at the end of the test.
func script(t *testing.T, text string) (*local.Program, *lines) {
	t.Helper()
	heard := &lines{}
	mark := rand.Text()
	p := &local.Program{
		Mark: "service " + mark, HubID: mark, Command: []string{"sh", "-c", text}, Dir: t.TempDir(), Line: heard.add,
		Env: map[string]string{"PATH": os.Getenv("PATH"), "JUPYTERHUB_API_TOKEN": canary},
	}
	t.Cleanup(func() {
		if err := p.Sweep(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return p, heard
}

func start(t *testing.T, p *local.Program) *local.Running {
	t.Helper()
	r, err := p.Start()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func waitEnd(t *testing.T, r *local.Running) {
	t.Helper()
	select {
	case <-r.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the program does not end")
	}
}

func TestProgramIsHeard(t *testing.T) {
	t.Parallel()
	p, heard := script(t, `pwd; echo "token is $JUPYTERHUB_API_TOKEN" >&2; head -c 9000 /dev/zero | tr '\0' 'x'; echo; printf 'last words'; exit 3`)
	r := start(t, p)
	waitEnd(t, r)
	if r.Exit() != "exit code 3" {
		t.Errorf("it ended with %q", r.Exit())
	}
	want := p.Dir + "\ntoken is [masked]\n" + strings.Repeat("x", 1000) + "\nlast words"
	if got := heard.text(); got != want {
		t.Errorf("heard %q, want %q", got, want)
	}
}

func TestProgramThatSaysTooMuch(t *testing.T) {
	t.Parallel()
	p, heard := script(t, `i=0; while [ $i -lt 1000 ]; do echo $i; i=$((i+1)); done`)
	waitEnd(t, start(t, p))
	all := strings.Split(heard.text(), "\n")
	if len(all) != 601 || all[599] != "599" || !strings.HasPrefix(all[600], "(400 more lines were left out") {
		t.Errorf("%d lines, the last is %q", len(all), all[len(all)-1])
	}
}

func TestProgramEndsAsAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"at SIGINT":  {`trap 'exit 7' INT; echo ready; while :; do sleep 0.01; done`, "exit code 7"},
		"at SIGTERM": {`trap '' INT; trap 'exit 8' TERM; echo ready; while :; do sleep 0.01; done`, "exit code 8"},
		"at SIGKILL": {`trap '' INT TERM; setsid sh -c 'trap "" INT TERM; sleep 600' & echo ready; while :; do sleep 0.01; done`, "ended by SIGKILL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, heard := script(t, c.text)
			r := start(t, p)
			until(t, "it is ready", func() bool { return heard.text() == "ready" })
			if err := r.Stop(100 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
			if r.Exit() != c.want {
				t.Errorf("it ended with %q, want %q", r.Exit(), c.want)
			}
			noneMarked(t, p)
		})
	}
}

func TestProgramOfAnEarlierHubIsSwept(t *testing.T) {
	t.Parallel()
	p, _ := script(t, "sleep 600 & wait")
	r := start(t, p)
	other := *p
	other.Mark += " of another name"
	stays := start(t, &other)
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitEnd(t, r)
	noneMarked(t, p)
	if stays.Exit() != "" {
		t.Error("another program was swept too")
	}
	if err := stays.Stop(time.Second); err != nil {
		t.Error(err)
	}
}

func TestProgramDiesWithItsHub(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.CommandContext(t.Context(), self)
	parent.Env = append(os.Environ(), parentVariable+"="+rand.Text())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent says %q", line)
	}
	if err := parent.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	until(t, "the program is gone", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func TestProgramOfAUser(t *testing.T) {
	t.Parallel()
	own, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	users := []string{own.Username}
	if own.Uid == "0" {
		users = append(users, "nobody")
	}
	for _, name := range users {
		p, heard := script(t, "id -un")
		p.User, p.Dir = name, "/"
		waitEnd(t, start(t, p))
		if got := heard.text(); got != name {
			t.Errorf("asked to run as %s, it is %q", name, got)
		}
	}
}

func TestProgramsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*local.Program){
		"no such command": func(p *local.Program) { p.Command = []string{"no-such-command-here"} },
		"no such folder":  func(p *local.Program) { p.Dir = "/no/such/folder" },
	} {
		p, _ := script(t, "sleep 600")
		change(p)
		if r, err := p.Start(); err == nil {
			t.Errorf("%s: started as %d", name, r.PID())
		}
	}
	p, _ := script(t, "sleep 600")
	p.User = "no-such-user-here"
	if _, err := p.Start(); hub.CodeOf(err) != hub.Forbidden {
		t.Errorf("unknown user: %v", err)
	}
}

func noneMarked(t *testing.T, p *local.Program) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		environ, _ := os.ReadFile("/proc/" + e.Name() + "/environ") // gone, or no process: empty
		for pair := range strings.SplitSeq(string(environ), "\x00") {
			if pair == "BERDLHUB_PROGRAM="+p.Mark {
				t.Errorf("process %s is left", e.Name())
			}
		}
	}
}
