package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Bounds of a hub's start and end.
const (
	startLimit = 60 * time.Second
	stopLimit  = 30 * time.Second
)

// running is a side that has been started.
type running struct {
	*setup
	side    *side
	command *exec.Cmd
	ended   chan struct{} // closed after err is set
	err     error
	first   time.Duration // from exec to the first answer
}

// start runs a side until its API answers at the public address. The log goes to a file in the side's folder.
func (s *side) start(ctx context.Context, place *setup) (*running, error) {
	log, err := os.OpenFile(filepath.Join(place.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	line := s.command(place.file)
	r := &running{setup: place, side: s, ended: make(chan struct{})}
	r.command = exec.Command(line[0], line[1:]...) //nolint:noctx // ended by stop, gently
	r.command.Dir, r.command.Stdout, r.command.Stderr = place.dir, log, log
	r.command.Env = append(os.Environ(), s.environ...)
	r.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for us, who then stop it
	from := time.Now()
	if err := r.command.Start(); err != nil {
		return nil, err
	}
	go func() { r.err = r.command.Wait(); close(r.ended) }()
	if err := r.awaitAnswer(ctx, from); err != nil {
		r.stop()
		return nil, fmt.Errorf("start %s: %w; the end of its log:\n%s", s.name, err, r.logEnd())
	}
	return r, nil
}

func (r *running) awaitAnswer(ctx context.Context, from time.Time) error {
	c := &conn{address: r.public, timeout: time.Second}
	defer c.shut()
	for time.Since(from) < startLimit {
		if a, err := c.do(ctx, "GET", "/hub/api/", "", nil); err == nil && a.status == 200 {
			r.first = time.Since(from)
			return nil
		}
		select {
		case <-r.ended:
			return fmt.Errorf("it ended: %w", errors.Join(r.err, errOther))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return fmt.Errorf("no answer within %s", startLimit)
}

// logEnd is the end of the log, for a person who asks why.
func (r *running) logEnd() []byte {
	text, _ := os.ReadFile(filepath.Join(r.dir, "log"))
	return text[max(0, len(text)-3000):]
}

// keepLog puts the log beside the table, for a person who asks why a row failed.
func (r *running) keepLog() {
	name := filepath.Join(filepath.Dir(resultFile), r.side.name+".log")
	text, err := os.ReadFile(filepath.Join(r.dir, "log"))
	if err == nil {
		err = errors.Join(os.MkdirAll(filepath.Dir(name), 0o750), os.WriteFile(name, text, 0o600))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: the log is lost:", err)
		return
	}
	fmt.Fprintln(os.Stderr, "bench: a row failed; the log is in", name)
}

// cpu is what hub and proxy have used of the CPUs, without servers.
func (r *running) cpu() time.Duration { return cpuTime(r.command.Process.Pid, r.side.trivial) }

// end ends the side's own processes, as for a restart: servers go on.
func (r *running) end() {
	select {
	case <-r.ended:
		return
	default:
	}
	all := tree(r.command.Process.Pid, r.side.trivial)
	_ = r.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.ended:
	case <-time.After(stopLimit):
		_ = r.command.Process.Kill()
		<-r.ended
	}
	for _, p := range all {
		if now, err := readProc(p.pid); err == nil && now.born == p.born {
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
}

// stop ends the side and its servers.
func (r *running) stop() {
	r.end()
	r.endServers()
}

// endServers ends servers that outlive their hub, known by the files that they left.
func (r *running) endServers() {
	files, _ := os.ReadDir(r.servers)
	for _, f := range files {
		pid, _, err := r.server(f.Name())
		if err != nil {
			continue
		}
		if program, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); program == r.side.trivial {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// server is the process id and the API token of the server that is this OAuth client.
func (r *running) server(client string) (pid int, token string, err error) {
	text, err := os.ReadFile(filepath.Join(r.servers, client))
	if err != nil {
		return 0, "", err
	}
	_, err = fmt.Sscan(string(text), &pid, &token)
	return pid, token, err
}
