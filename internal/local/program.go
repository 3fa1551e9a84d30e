package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/user"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"berdlhub/internal/hub"
)

// programMark names the program in its environment and in that of all that it starts.
const programMark = "BERDLHUB_PROGRAM"

// killPatience bounds the wait for what SIGKILL was sent to.
const killPatience = 5 * time.Second

// Program is a command that the hub runs for itself, such as a managed service. Unlike a server it ends with the hub: the kernel kills it
// when the hub is killed, and what it started is found by its mark and killed when the next hub on this machine starts it.
type Program struct {
	Mark    string            // tells this program from the hub's others, such as "service whoami"
	HubID   string            // tells this hub's programs from those of others
	Command []string          // the program and its arguments; found in the PATH of Env
	Dir     string            // where it works; empty: the user's home when User is another, else where the hub works
	User    string            // the machine's user that it runs as, for which the hub must be root; empty or the hub's own: as the hub
	Env     map[string]string // all of its environment, but USER, HOME and the like of another User
	Line    func(string)      // gets each line that it writes, without secrets and shortened; one call at a time
}

// Running is a program that was started. Its methods may be called at the same time.
type Running struct {
	pid  int
	done chan struct{}

	mu   sync.Mutex
	gone bool   // reaped: its process id may have another meaning; guarded by mu
	how  string // how it ended; guarded by mu
}

// Sweep kills what an earlier hub on this machine has left of the program, and returns when it is gone.
func (p *Program) Sweep(ctx context.Context) error {
	if err := sweep(ctx, killPatience, func(_ stat, e environment) bool { return p.marked(e) }); err != nil {
		return fmt.Errorf("end what is left of %s: %w", p.Mark, err)
	}
	return nil
}

func (p *Program) marked(e environment) bool {
	return e.get(programMark) == p.Mark && e.get(hubMark) == p.HubID
}

// Start starts the program in a session of its own. Errors: hub.Invalid when there is no such command, user or folder.
func (p *Program) Start() (*Running, error) {
	env := maps.Clone(p.Env)
	if env == nil {
		env = map[string]string{}
	}
	env[programMark], env[hubMark] = p.Mark, p.HubID
	attributes := &syscall.ProcAttr{Dir: p.Dir, Sys: &syscall.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}}
	if own, err := user.Current(); p.User != "" && (err != nil || own.Username != p.User) {
		acc, err := systemAccount(p.User)
		if err != nil {
			return nil, err
		}
		env["USER"], env["LOGNAME"], env["HOME"], env["SHELL"] = acc.name, acc.name, acc.home, acc.shell
		attributes.Sys.Credential = acc.credential
		if attributes.Dir == "" {
			attributes.Dir = acc.home
		}
	}
	path, err := lookPath(p.Command[0], env["PATH"])
	if err != nil {
		return nil, hub.Wrap(hub.Invalid, err, fmt.Sprintf("The command %q of %s cannot be run.", p.Command[0], p.Mark))
	}
	for name, value := range env {
		attributes.Env = append(attributes.Env, name+"="+value)
	}
	return p.launch(path, attributes)
}

// launch starts the process and the goroutine that stays with it.
func (p *Program) launch(path string, attributes *syscall.ProcAttr) (*Running, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", os.DevNull, err)
	}
	defer null.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the output of %s: %w", p.Mark, err)
	}
	attributes.Files = []uintptr{null.Fd(), writer.Fd(), writer.Fd()}
	r := &Running{done: make(chan struct{})}
	started := make(chan error)
	go func() { // ends with the process; whoever started it waits for Done
		runtime.LockOSThread() // the kernel takes the end of this thread for the hub's
		defer runtime.UnlockOSThread()
		pid, err := syscall.ForkExec(path, p.Command, attributes)
		_ = writer.Close() // nothing of ours is written to it
		if err != nil {
			_ = reader.Close()
			started <- fmt.Errorf("run %s in %q: %w", path, attributes.Dir, err)
			return
		}
		proc, err := hold(pid)
		if err != nil {
			_ = reader.Close()
			started <- err
			return
		}
		r.pid = pid
		started <- nil
		p.live(r, proc, newOutput(reader, secretsOf(attributes.Env), p.Line))
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Mark, err)
	}
	return r, nil
}

// live stays with the process until it and all that it has started are gone.
func (p *Program) live(r *Running, proc *process, out *output) {
	var reading sync.WaitGroup
	reading.Go(out.read)
	defer close(r.done)
	defer proc.close()
	proc.wait()
	// The process is not reaped yet, so its number still names its session.
	err := sweep(context.Background(), killPatience, func(s stat, e environment) bool { return s.session == proc.pid || p.marked(e) })
	out.stop()
	reading.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone, r.how = true, exit(proc.reap())
	if err != nil {
		r.how += "; " + err.Error()
	}
}

func exit(e *ending) string {
	switch {
	case e.code == nil:
		return "exit code unknown"
	case *e.code < 0:
		return "ended by " + unix.SignalName(syscall.Signal(-*e.code))
	}
	return fmt.Sprintf("exit code %d", *e.code)
}

// PID is the process id.
func (r *Running) PID() int { return r.pid }

// Done is closed when the process and all that it has started are gone.
func (r *Running) Done() <-chan struct{} { return r.done }

// Exit says how the process ended, such as "exit code 1"; empty before Done is closed.
func (r *Running) Exit() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.how
}

// Stop ends the program as Ctrl-C would, then by SIGTERM, then by SIGKILL, each with its patience, and returns when Done is closed.
func (r *Running) Stop(patience time.Duration) error {
	for _, step := range []struct {
		signal   syscall.Signal
		patience time.Duration
	}{{unix.SIGINT, patience}, {unix.SIGTERM, patience}, {unix.SIGKILL, 3 * killPatience}} {
		if err := r.signal(step.signal); err != nil {
			return err
		}
		timer := time.NewTimer(step.patience)
		select {
		case <-r.done:
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
	return fmt.Errorf("process %d still exists %s after SIGKILL", r.pid, 3*killPatience)
}

// signal sends a signal to the process group; one that has ended is no error.
func (r *Running) signal(sig syscall.Signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return nil
	}
	if err := unix.Kill(-r.pid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("send %s to process group %d: %w", unix.SignalName(sig), r.pid, err)
	}
	return nil
}
