package service

import (
	"context"
	"sync"
	"time"

	"berdlhub/internal/local"
)

// maxBackoff bounds the pause before a service that ends again and again is started again; one that has lived this long starts afresh.
const maxBackoff = time.Minute

// supervise runs a service whenever this replica holds its lease, until the context ends.
func (m *Supervisor) supervise(ctx context.Context, s Managed) {
	for ctx.Err() == nil {
		taken := time.Now()
		if mine, err := m.lease(ctx, s.Name); mine && err == nil {
			m.whileHeld(ctx, &s, taken)
			continue
		}
		if !sleep(ctx, m.cfg.LeaseFor/6) {
			return
		}
	}
}

// lease takes or renews the lease of a service. An error, which leaves open who has it, is logged.
func (m *Supervisor) lease(ctx context.Context, name string) (mine bool, err error) {
	if m.cfg.Alone {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.LeaseFor/6)
	defer cancel()
	mine, err = m.db.Lease(ctx, "service:"+name, m.cfg.Replica, m.cfg.LeaseFor, time.Now())
	if err != nil && ctx.Err() == nil {
		m.cfg.Log.WarnContext(ctx, "could not take the lease of a service", "service", name, "err", err)
	}
	return mine, err
}

// whileHeld runs a service until the lease is lost or the context ends. A lease that could not be renewed for half of its time counts
// as lost, so that the process has ended when another replica may start it.
func (m *Supervisor) whileHeld(ctx context.Context, s *Managed, taken time.Time) {
	held, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { m.keepRunning(held, s) })
	for sleep(held, m.cfg.LeaseFor/6) {
		now := time.Now()
		mine, err := m.lease(held, s.Name)
		if mine && err == nil {
			taken = now
		} else if err == nil || now.Sub(taken) >= m.cfg.LeaseFor/2 {
			m.cfg.Log.WarnContext(ctx, "another hub may run this service now", "service", s.Name)
			break
		}
	}
	stop()
	wg.Wait()
	if m.cfg.Alone {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := m.db.ReleaseLease(ctx, "service:"+s.Name, m.cfg.Replica); err != nil {
		m.cfg.Log.WarnContext(ctx, "could not give back the lease of a service", "service", s.Name, "err", err)
	}
}

// keepRunning starts the process again whenever it ends, after a pause that grows.
func (m *Supervisor) keepRunning(ctx context.Context, s *Managed) {
	pause := m.cfg.Backoff
	for ctx.Err() == nil {
		began := time.Now()
		how := m.runOnce(ctx, s)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= maxBackoff {
			pause = m.cfg.Backoff
		}
		m.cfg.Log.ErrorContext(ctx, "managed service has ended", "service", s.Name, "how", how, "again_in", pause)
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, maxBackoff)
		m.note(s.Name, func(status *Status) { status.Restarts++ })
	}
}

// runOnce runs the process until it ends by itself or the context ends, and says how it ended.
func (m *Supervisor) runOnce(ctx context.Context, s *Managed) (how string) {
	program := &local.Program{
		Mark: "service " + s.Name, HubID: m.cfg.HubID, Command: s.Command, Dir: s.Cwd, User: s.User, Env: m.environment(s),
		Line: func(line string) {
			m.cfg.Log.InfoContext(ctx, "service says", "service", s.Name, "line", line)
		},
	}
	if err := program.Sweep(ctx); err != nil {
		return err.Error()
	}
	running, err := program.Start()
	if err != nil {
		return err.Error()
	}
	m.cfg.Log.InfoContext(ctx, "managed service has started", "service", s.Name, "pid", running.PID())
	m.started(s, running.PID())
	defer m.started(s, 0)
	select {
	case <-running.Done():
		return running.Exit()
	case <-ctx.Done():
	}
	if err := running.Stop(m.cfg.Patience); err != nil {
		m.cfg.Log.ErrorContext(ctx, "managed service does not end", "service", s.Name, "err", err)
		return err.Error()
	}
	m.cfg.Log.InfoContext(ctx, "managed service was stopped", "service", s.Name)
	return running.Exit()
}

// started notes the process of a service, 0 when it has none. The health of a service with an address is what its address says.
func (m *Supervisor) started(s *Managed, pid int) {
	m.note(s.Name, func(status *Status) {
		status.PID = pid
		if s.URL == "" || pid == 0 {
			status.health(pid != 0)
		}
	})
}
