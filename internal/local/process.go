package local

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a living process, held by a pidfd: as long as that is open it means this process and no later one of the same id.
type process struct {
	pid   int
	start uint64 // time of its start, in clock ticks since the machine's boot
	child bool   // ours to reap
	fd    *os.File
	done  chan struct{} // closed when it has been seen to end
}

// ending is how a process ended.
type ending struct {
	code   *int // exit code, or minus the signal's number; nil when not known
	reason string
}

// checkPidfd tells whether this kernel has what the package needs.
func checkPidfd() error {
	fd, err := unix.PidfdOpen(os.Getpid(), unix.PIDFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("open a pidfd: servers as local processes need Linux 5.10 or later: %w", err)
	}
	return unix.Close(fd)
}

// open takes hold of a process. A process that does not exist or has ended gives nil without an error.
func open(pid int) (*process, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) { // EINVAL: the id of a thread by now
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", pid, err)
	}
	p := &process{pid: pid, fd: os.NewFile(uintptr(fd), "pidfd"), done: make(chan struct{})}
	info, err := readStat(pid)
	if err != nil || info.state == 'Z' || info.state == 'X' || ended(fd) {
		p.close()
		return nil, nil //nolint:nilerr // it has no entry in /proc: it is gone
	}
	p.start, p.child = info.start, info.parent == os.Getpid()
	return p, nil
}

// ended tells whether the process of a pidfd has ended.
func ended(fd int) bool {
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}} //nolint:gosec // a descriptor fits
	n, err := unix.Poll(polled, 0)
	return err == nil && n > 0
}

func (p *process) close() { _ = p.fd.Close() } // nothing is written to it

// wait returns true when the process has ended, false when unwatch was called. It takes no thread.
func (p *process) wait() bool {
	raw, err := p.fd.SyscallConn()
	if err != nil {
		return false
	}
	return raw.Read(func(fd uintptr) bool { return ended(int(fd)) }) == nil
}

// unwatch makes wait return.
func (p *process) unwatch() { _ = p.fd.SetReadDeadline(time.Unix(1, 0)) } // fails only when closed, and then wait has returned

// signal sends a signal to this process; one that has ended is no error.
func (p *process) signal(sig syscall.Signal) error {
	raw, err := p.fd.SyscallConn()
	if err != nil {
		return nil //nolint:nilerr // closed: the process has ended
	}
	var sent error
	if err := raw.Control(func(fd uintptr) { sent = unix.PidfdSendSignal(int(fd), sig, nil, 0) }); err != nil {
		return nil //nolint:nilerr // closed: the process has ended
	}
	if sent != nil && !errors.Is(sent, unix.ESRCH) {
		return fmt.Errorf("send %s to process %d: %w", unix.SignalName(sig), p.pid, sent)
	}
	return nil
}

// reap reads how an ended process ended. Only a process's parent can know.
func (p *process) reap() *ending {
	unknown := &ending{reason: "The server's process has ended; its exit code is not known because it was started before the hub was."}
	if !p.child {
		return unknown
	}
	var status unix.WaitStatus
	for {
		pid, err := unix.Wait4(p.pid, &status, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid != p.pid {
			return unknown
		}
		return describe(status)
	}
}

func describe(status unix.WaitStatus) *ending {
	if status.Signaled() {
		sig := status.Signal()
		code := -int(sig)
		reason := fmt.Sprintf("The server's process was ended by signal %d (%s).", sig, sig)
		if sig == unix.SIGKILL {
			reason = fmt.Sprintf("The server's process was ended by signal %d (%s): often the memory is used up.", sig, sig)
		}
		return &ending{code: &code, reason: reason}
	}
	code := status.ExitStatus()
	return &ending{code: &code, reason: fmt.Sprintf("The server's process has ended with exit code %d.", code)}
}
