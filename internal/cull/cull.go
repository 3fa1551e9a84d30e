// Package cull stops servers that nobody has used for a while, and those that are too old.
package cull

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/spawn"
	"berdlhub/internal/store"
)

// Config says what is idle and what is old.
type Config struct {
	Replica string
	Timeout time.Duration // without activity; 0: never
	Every   time.Duration // between two looks; 60 s by default
	MaxAge  time.Duration // since the start; 0: any
	Log     *slog.Logger
}

// Culler stops idle servers. Of several replicas one does it at a time.
type Culler struct {
	cfg   Config
	db    *store.DB
	spawn *spawn.Controller
	now   func() time.Time
}

// New builds a Culler. It starts nothing; Run does.
func New(cfg Config, db *store.DB, c *spawn.Controller) *Culler {
	if cfg.Every == 0 {
		cfg.Every = time.Minute
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Culler{cfg: cfg, db: db, spawn: c, now: time.Now}
}

// Run looks again and again until the context ends.
func (c *Culler) Run(ctx context.Context) error {
	if c.cfg.Timeout <= 0 && c.cfg.MaxAge <= 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(c.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return c.db.ReleaseLease(context.WithoutCancel(ctx), "cull", c.cfg.Replica)
		case <-tick.C:
		}
		if err := c.Round(ctx); err != nil && ctx.Err() == nil {
			c.cfg.Log.WarnContext(ctx, "could not look for idle servers", "err", err)
		}
	}
}

// Round looks once, if this replica holds the lease. A server that cannot be stopped does not keep the others running.
func (c *Culler) Round(ctx context.Context) error {
	now := c.now()
	mine, err := c.db.Lease(ctx, "cull", c.cfg.Replica, 3*c.cfg.Every, now)
	if err != nil || !mine {
		return err
	}
	ready, err := c.db.ReadyServers(ctx)
	if err != nil {
		return fmt.Errorf("list the running servers: %w", err)
	}
	for _, srv := range ready {
		reason := c.verdict(srv, now)
		if reason == "" || srv.Wanted == hub.WantStopped {
			continue
		}
		if _, err := c.spawn.Stop(ctx, srv.Key, reason); err != nil {
			c.cfg.Log.ErrorContext(ctx, "could not stop an idle server", "user", srv.Key.User, "server", srv.Key.Server, "err", err)
			continue
		}
		c.cfg.Log.InfoContext(ctx, "stopping a server", "user", srv.Key.User, "server", srv.Key.Server, "reason", reason)
	}
	return nil
}

// verdict says in words why a server is to be stopped; empty when it is not. A server is idle since its last activity, but
// not since before it was ready.
func (c *Culler) verdict(srv *hub.Server, now time.Time) string {
	last := srv.LastActivity
	if srv.ReadySince.After(last) {
		last = srv.ReadySince
	}
	if c.cfg.Timeout > 0 && now.Sub(last) >= c.cfg.Timeout {
		return fmt.Sprintf("Stopped because it was not used for %s.", c.cfg.Timeout)
	}
	if c.cfg.MaxAge > 0 && !srv.Started.IsZero() && now.Sub(srv.Started) >= c.cfg.MaxAge {
		return fmt.Sprintf("Stopped because servers run for at most %s here.", c.cfg.MaxAge)
	}
	return ""
}
