package main

import (
	"context"
	"fmt"
	"time"
)

// proxied sends plain requests through the proxy to a server that answers 1 KiB, and gives also what hub and proxy used of
// the CPUs for each, in microseconds.
func (r *running) proxied(ctx context.Context, name string, spell time.Duration) (s sample, cpu float64, err error) {
	const clients, answer = 64, 1 << 10
	path := "/user/" + name + "/files/plain.txt"
	used := r.cpu()
	s, err = load(ctx, r.public, clients, spell, func(c *conn, _ int) func(context.Context) error {
		return func(ctx context.Context) error {
			a, err := c.want(ctx, 200, "GET", path, "", nil)
			if err == nil && len(a.body) != answer {
				return fmt.Errorf("GET %s: %w: %d bytes instead of %d", path, errOther, len(a.body), answer)
			}
			return err
		}
	})
	if err != nil {
		return s, 0, err
	}
	// The CPU time is that of the unmeasured tenth too, in which as much is done.
	return s, (r.cpu() - used).Seconds() * 1e6 / (float64(len(s.took)) * 1.1), nil
}
