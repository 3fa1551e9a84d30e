package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"berdlhub/internal/hub"
)

// launch is a process about to be started.
type launch struct {
	account account
	path    string // of the program
	argv    []string
	env     []string
	secrets []string
	state   state
}

// Start makes the process of a run, or finds it when it lives already.
func (p *Processes) Start(ctx context.Context, s *hub.Spec, keep func(json.RawMessage) error, say func(hub.Event)) (*hub.Started, error) {
	release, err := p.turn.take(ctx, s.RunID)
	if err != nil {
		return nil, err
	}
	defer release()
	r, err := p.alive(s.Ref)
	if err != nil {
		return nil, err
	}
	if r == nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if r, err = p.begin(s, keep); err != nil {
			return nil, err
		}
		say(hub.Event{RunID: s.RunID, Time: time.Now(), Progress: 50, Level: hub.Info, Message: "The server's process has started."})
	}
	p.mu.Lock()
	st := r.state
	p.mu.Unlock()
	encoded := st.encode()
	if string(encoded) != string(s.State) {
		if err := keep(encoded); err != nil {
			return nil, fmt.Errorf("keep the state of run %s: %w", s.RunID, err)
		}
	}
	return &hub.Started{Address: st.address(), State: encoded}, nil
}

// alive gives a run whose process lives; nil when none does.
func (p *Processes) alive(ref hub.Ref) (*run, error) {
	r, err := p.locate(ref)
	if err != nil || r == nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.proc == nil {
		return nil, nil
	}
	return r, nil
}

// begin starts a process that does not exist yet. Nothing is changed before keep has the first state.
func (p *Processes) begin(s *hub.Spec, keep func(json.RawMessage) error) (*run, error) {
	l, err := p.prepare(s)
	if err != nil {
		return nil, err
	}
	if err := keep(l.state.encode()); err != nil {
		return nil, fmt.Errorf("keep the state of run %s: %w", s.RunID, err)
	}
	if err := l.account.makeHome(); err != nil {
		return nil, err
	}
	proc, err := p.fork(s, l)
	if err != nil {
		return nil, err
	}
	l.state.PID, l.state.Start, l.state.Boot = proc.pid, proc.start, p.boot
	return p.attach(s.Ref, l.state, proc, l.secrets)
}

// prepare finds out everything that is needed, without changing anything.
func (p *Processes) prepare(s *hub.Spec) (*launch, error) {
	acc, err := p.account(s.Key.User)
	if err != nil {
		return nil, err
	}
	l := &launch{account: acc}
	service, host, err := p.serviceURL(s)
	if err != nil {
		return nil, err
	}
	port, err := p.port(host)
	if err != nil {
		return nil, hub.Wrap(hub.Unavailable, err, "No free port was found for your server. Please try again in a minute.")
	}
	service.Host = net.JoinHostPort(host, strconv.Itoa(port))
	env := p.environment(s, acc)
	env["JUPYTERHUB_SERVICE_URL"] = service.String()
	l.argv = append(append([]string{}, p.c.Cmd...), p.c.Args...)
	if len(p.c.ShellCmd) > 0 {
		l.argv = append(append([]string{}, p.c.ShellCmd...), shellJoin(l.argv))
	}
	if l.path, err = lookPath(l.argv[0], env["PATH"]); err != nil {
		return nil, errCommand(l.argv[0], err)
	}
	for name, value := range env {
		l.env = append(l.env, name+"="+value)
	}
	l.secrets = secretsOf(l.env)
	l.state = state{Run: s.RunID, IP: host, Port: port, Home: acc.home, Log: p.logPath(s.Ref)}
	return l, nil
}

func errCommand(name string, cause error) error {
	hint := "Install it where the hub runs"
	if strings.HasSuffix(name, "jupyterhub-singleuser") {
		hint += ` with "python3 -m pip install jupyterhub jupyterlab"`
	}
	return hub.Wrap(hub.Invalid, cause, fmt.Sprintf("The command %q, which starts servers, cannot be run. %s, or name another command in Spawner.cmd.", name, hint))
}

// fork starts the process in a session of its own, so that a Ctrl-C to the hub does not reach it.
func (p *Processes) fork(s *hub.Spec, l *launch) (*process, error) {
	log, err := openLog(l.state.Log)
	if err != nil {
		return nil, hub.Wrap(hub.Unavailable, err, "The log file of your server cannot be written. Please tell the administrators.")
	}
	defer log.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", os.DevNull, err)
	}
	defer null.Close()
	pid, err := syscall.ForkExec(l.path, l.argv, &syscall.ProcAttr{
		Dir: l.state.Home, Env: l.env, Files: []uintptr{null.Fd(), log.Fd(), log.Fd()},
		Sys: &syscall.SysProcAttr{Setsid: true, Credential: l.account.credential},
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOEXEC) {
		return nil, errCommand(l.argv[0], fmt.Errorf("run %s in %s: %w", l.path, l.state.Home, err))
	}
	if err != nil {
		return nil, hub.Wrap(hub.Unavailable, fmt.Errorf("start the process of %s: %w", s.Key, err),
			"The machine cannot start another process now. Please try again in a minute, or tell the administrators.")
	}
	return hold(pid)
}

// hold takes hold of a process that was just started. Nobody reaps it before follow does, so its id cannot have another meaning yet.
func hold(pid int) (*process, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err == nil {
		var info stat
		if info, err = readStat(pid); err == nil {
			return &process{pid: pid, start: info.start, child: true, fd: os.NewFile(uintptr(fd), "pidfd"), done: make(chan struct{})}, nil
		}
		_ = unix.Close(fd) // nothing is written to it
	}
	_ = unix.Kill(-pid, unix.SIGKILL) // what cannot be watched must not live
	_, _ = unix.Wait4(pid, nil, 0, nil)
	return nil, hub.Wrap(hub.Unavailable, fmt.Errorf("watch process %d: %w", pid, err),
		"The machine cannot watch another process now. Please try again in a minute, or tell the administrators.")
}

// port gives the configured port or a free one that no other run of ours has been given.
func (p *Processes) port(host string) (int, error) {
	if p.c.Port != 0 {
		return p.c.Port, nil
	}
	for range 20 {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, "0")) //nolint:noctx // does not wait for anything
		if err != nil {
			return 0, fmt.Errorf("find a free port on %s: %w", host, err)
		}
		port := listener.Addr().(*net.TCPAddr).Port
		if err := listener.Close(); err != nil {
			return 0, fmt.Errorf("let go of port %d: %w", port, err)
		}
		if !p.taken(port) {
			return port, nil
		}
	}
	return 0, errors.New("every free port belongs to a server that has not opened it yet")
}

func (p *Processes) taken(port int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.runs {
		if r.proc != nil && r.state.Port == port {
			return true
		}
	}
	return false
}
