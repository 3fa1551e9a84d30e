package local

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"berdlhub/internal/hub"
)

// Stop ends a run: SIGINT, SIGTERM and at last SIGKILL to all that the server has started, each with its time. It returns when nothing
// with the run's mark is left, or with an error when something resists or the context ends; it may be called again then.
func (p *Processes) Stop(ctx context.Context, ref hub.Ref) error {
	release, err := p.turn.take(ctx, ref.RunID)
	if err != nil {
		return err
	}
	defer release()
	r, err := p.locate(ref)
	if err != nil {
		return err
	}
	st, err := parseState(ref)
	if err != nil {
		return err
	}
	if r == nil && st == nil {
		return nil
	}
	members := map[int]uint64{}
	if r != nil {
		if members, err = p.end(ctx, r); err != nil {
			return err
		}
	}
	if err := p.sweep(ctx, ref.RunID, members); err != nil {
		return err
	}
	p.mu.Lock()
	delete(p.runs, ref.RunID)
	p.mu.Unlock()
	return nil
}

// end asks the server's process to end, more firmly each time. It gives what belonged to its session, by process id and start time.
func (p *Processes) end(ctx context.Context, r *run) (map[int]uint64, error) {
	members := map[int]uint64{}
	for _, step := range []struct {
		signal   syscall.Signal
		patience time.Duration
	}{
		{unix.SIGINT, p.c.InterruptTimeout},
		{unix.SIGTERM, p.c.TermTimeout},
	} {
		p.mu.Lock()
		proc := r.proc
		p.mu.Unlock()
		if proc == nil {
			return members, nil
		}
		group, err := remember(members, proc)
		if err != nil {
			return nil, err
		}
		if err := signalGroup(proc, group, step.signal); err != nil {
			return nil, err
		}
		ended, err := proc.within(ctx, step.patience)
		if ended || err != nil {
			return members, err
		}
	}
	p.mu.Lock()
	proc := r.proc
	p.mu.Unlock()
	if proc == nil {
		return members, nil
	}
	return members, p.kill(ctx, proc, members)
}

// kill sends SIGKILL to the server's process, after noting what is in its session by now.
func (p *Processes) kill(ctx context.Context, proc *process, members map[int]uint64) error {
	if _, err := remember(members, proc); err != nil {
		return err
	}
	if err := proc.signal(unix.SIGKILL); err != nil {
		return err
	}
	ended, err := proc.within(ctx, p.c.KillTimeout)
	if err == nil && !ended {
		err = fmt.Errorf("process %d still exists %s after SIGKILL", proc.pid, p.c.KillTimeout)
	}
	if err != nil {
		return hub.Wrap(hub.Unavailable, err, "The server's process does not end. Please try again in a minute, or tell the administrators.")
	}
	return nil
}

// remember notes the members of a process's session, and gives the others in its process group. While the process is held and lives,
// its session's number has no other meaning.
func remember(members map[int]uint64, proc *process) ([]stat, error) {
	found, err := scan(func(s stat, _ environment) bool { return s.session == proc.pid })
	if err != nil {
		return nil, err
	}
	select {
	case <-proc.done: // the number may have got another meaning before the scan
		return nil, nil
	default:
	}
	var group []stat
	for _, s := range found {
		members[s.pid] = s.start
		if s.group == proc.pid && s.pid != proc.pid {
			group = append(group, s)
		}
	}
	return group, nil
}

// signalGroup sends a signal as a terminal's Ctrl-C would: a shell that wraps the server does not pass it on. Kernels have groups of their
// own, so the server can still end them in order.
func signalGroup(proc *process, group []stat, sig syscall.Signal) error {
	if err := proc.signal(sig); err != nil {
		return err
	}
	for _, s := range group {
		if err := signalExactly(s, sig); err != nil {
			return err
		}
	}
	return nil
}

// within waits for the end of a process.
func (p *process) within(ctx context.Context, d time.Duration) (bool, error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.done:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, fmt.Errorf("wait for the end of process %d: %w", p.pid, ctx.Err())
	}
}

// sweep kills what the run has left behind: everything with its mark, and the known members of its session.
func (p *Processes) sweep(ctx context.Context, runID string, members map[int]uint64) error {
	err := sweep(ctx, p.c.KillTimeout, func(s stat, e environment) bool {
		start, member := members[s.pid]
		return (member && start == s.start) || p.marked(e, runID)
	})
	if err != nil {
		return hub.Wrap(hub.Unavailable, fmt.Errorf("clean up after run %s: %w", runID, err),
			"A process that the server started does not end. Please try again in a minute, or tell the administrators.")
	}
	return nil
}

// sweep kills all processes that match, and returns when there are none.
func sweep(ctx context.Context, patience time.Duration, match func(stat, environment) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("processes with its mark resist SIGKILL"))
	defer cancel()
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for {
		left, err := scan(match)
		if err != nil || len(left) == 0 {
			return err
		}
		for _, s := range left {
			if err := signalExactly(s, unix.SIGKILL); err != nil {
				return err
			}
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// signalExactly sends a signal to the process that was seen, and to no other that has its id by now.
func signalExactly(s stat, sig syscall.Signal) error {
	proc, err := open(s.pid)
	if proc == nil || err != nil {
		return err
	}
	defer proc.close()
	if proc.start != s.start {
		return nil
	}
	return proc.signal(sig)
}
