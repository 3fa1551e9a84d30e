package spawn

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"berdlhub/internal/hub"
)

const (
	// keepEvents is how long the story of a run is kept at least; keepRuns is how many of a server's last runs are kept longer.
	keepEvents = 30 * 24 * time.Hour
	keepRuns   = 5
)

// every calls fn again and again with a jitter of a tenth, until the context ends. With a lease name only one replica does.
func (c *Controller) every(ctx context.Context, lease string, pause time.Duration, fn func(context.Context) error) {
	if lease != "" {
		c.leased(ctx, lease, pause, fn) // at once: after a restart, servers may have ended meanwhile
	}
	for {
		jitter := time.Duration((rand.Float64() - 0.5) * 0.2 * float64(pause))
		select {
		case <-ctx.Done():
			if lease != "" {
				_ = c.db.ReleaseLease(context.WithoutCancel(ctx), lease, c.cfg.Replica)
			}
			return
		case <-time.After(pause + jitter):
		}
		if lease != "" {
			c.leased(ctx, lease, pause, fn)
			continue
		}
		if err := fn(ctx); err != nil && ctx.Err() == nil {
			c.cfg.Log.WarnContext(ctx, "regular work failed", "work", "activity", "err", err)
		}
	}
}

func (c *Controller) leased(ctx context.Context, name string, pause time.Duration, fn func(context.Context) error) {
	mine, err := c.db.Lease(ctx, name, c.cfg.Replica, 3*pause, time.Now())
	if err == nil && mine {
		err = fn(ctx)
	}
	if err != nil && ctx.Err() == nil {
		c.cfg.Log.WarnContext(ctx, "regular work failed", "work", name, "err", err)
	}
}

// pollAll looks at every running server, a few at a time, and stops those whose process has ended.
func (c *Controller) pollAll(ctx context.Context) error {
	ready, err := c.db.ReadyServers(ctx)
	if err != nil {
		return fmt.Errorf("list the running servers: %w", err)
	}
	var wg sync.WaitGroup
	places := make(chan struct{}, 16)
	for _, srv := range ready {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			c.look(ctx, srv)
		})
	}
	wg.Wait()
	return nil
}

// look polls one running server. One that has ended is asked to stop, so that its journal is emptied.
func (c *Controller) look(ctx context.Context, srv *hub.Server) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	begin := time.Now()
	status, err := c.spawner.Poll(ctx, c.ref(srv))
	c.cfg.Observe.Polled(pollStatus(status, err), time.Since(begin))
	if err != nil {
		if ctx.Err() == nil {
			c.cfg.Log.WarnContext(ctx, "could not look at a server", "user", srv.Key.User, "server", srv.Key.Server, "err", err)
		}
		return
	}
	if status.Life == hub.Running {
		return
	}
	reason := status.Reason
	if reason == "" {
		reason = "The server's process has ended."
	}
	if err := c.db.AskStopRun(ctx, srv.Key, srv.RunID, reason, time.Now()); err != nil {
		c.cfg.Log.ErrorContext(ctx, "could not note the end of a server", "user", srv.Key.User, "server", srv.Key.Server, "err", err)
		return
	}
	c.cfg.Log.InfoContext(ctx, "server ended by itself", "user", srv.Key.User, "server", srv.Key.Server, "run", srv.RunID, "reason", reason)
	c.nudge()
}

func pollStatus(s hub.Status, err error) string {
	switch {
	case err != nil:
		return "unknown"
	case s.Life == hub.Running:
		return "running"
	default:
		return "stopped"
	}
}

// watch hears from the spawner that runs end, and looks at them at once instead of at the next poll.
func (c *Controller) watch(ctx context.Context, w hub.Watcher) {
	ended := make(chan string, 256)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case runID := <-ended:
				srv, err := c.db.ServerByRun(ctx, runID)
				if err == nil && srv.Phase == hub.Ready && srv.Wanted == hub.WantRunning {
					c.look(ctx, srv)
				}
			}
		}
	})
	for ctx.Err() == nil {
		err := w.Watch(ctx, func(runID string) {
			select {
			case ended <- runID:
			default: // the poll will find it
			}
		})
		if ctx.Err() == nil {
			c.cfg.Log.WarnContext(ctx, "watching the servers was interrupted", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
	wg.Wait()
}

// sweep removes runs that exist outside although no journal entry explains them. The spawner is asked before the journal
// is read: whatever was listed then was planned before, so a start under way is never taken for a stray.
func (c *Controller) sweep(ctx context.Context) error {
	if err := c.db.PruneEvents(ctx, time.Now().Add(-keepEvents), keepRuns); err != nil {
		return fmt.Errorf("forget old events: %w", err)
	}
	lister, ok := c.spawner.(hub.Lister)
	if !ok {
		return nil
	}
	refs, err := lister.List(ctx)
	if err != nil {
		return fmt.Errorf("list what runs outside: %w", err)
	}
	if len(refs) == 0 {
		return nil
	}
	open, err := c.db.OpenEntries(ctx)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	known := make(map[string]bool, len(open))
	for _, e := range open {
		known[e.RunID] = true
	}
	for _, ref := range refs {
		if known[ref.RunID] {
			continue
		}
		c.cfg.Log.WarnContext(ctx, "removing a stray that no journal explains", "user", ref.Key.User, "server", ref.Key.Server, "run", ref.RunID)
		if err := c.spawner.Stop(ctx, ref); err != nil {
			return fmt.Errorf("remove the stray %s: %w", ref.RunID, err)
		}
	}
	return nil
}
