package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// spawnLimit bounds the start of one server among many.
const spawnLimit = 2 * time.Minute

// startServers starts the default servers of users first to first+n-1 at once, and waits until all are ready.
func (r *running) startServers(ctx context.Context, first, n int) error {
	failed := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { failed[i] = r.startServer(ctx, userName(first+i)) })
	}
	all.Wait()
	return errors.Join(failed...)
}

// startServer starts one server. A hub that does not wait for it is watched by the stream of its progress.
func (r *running) startServer(ctx context.Context, name string) error {
	c := &conn{address: r.public, timeout: spawnLimit}
	defer c.shut()
	path := "/hub/api/users/" + name + "/server"
	a, err := c.do(ctx, "POST", path, bearer(r.token), nil)
	if err != nil {
		return err
	}
	switch a.status {
	case 201:
		return nil
	case 202:
	default:
		return fmt.Errorf("start of %s: %w: status %d: %.200s", name, errOther, a.status, a.body)
	}
	a, err = c.want(ctx, 200, "GET", path+"/progress", bearer(r.token), nil) // ends when the server is ready or has failed
	if err != nil {
		return err
	}
	if !bytes.Contains(a.body, []byte(`"ready":true`)) && !bytes.Contains(a.body, []byte(`"ready": true`)) {
		return fmt.Errorf("start of %s: %w: %.300s", name, errOther, a.body)
	}
	return nil
}

// manyStarts is how long n starts at once take, in seconds, and what hub and proxy use of the CPUs for them, in seconds.
func (r *running) manyStarts(ctx context.Context, first, n int) (took, cpu float64, err error) {
	from, used := time.Now(), r.cpu()
	if err := r.startServers(ctx, first, n); err != nil {
		return 0, 0, err
	}
	return time.Since(from).Seconds(), (r.cpu() - used).Seconds(), nil
}

// awaitReady waits until the hub, just started again, says of all servers that they are ready, and gives the time since its
// first answer, in milliseconds.
func (r *running) awaitReady(ctx context.Context, servers int) (float64, error) {
	c := &conn{address: r.public, timeout: requestTimeout}
	defer c.shut()
	from := time.Now()
	for time.Since(from) < spawnLimit {
		ready := 0
		for at := 0; at < servers; at += 200 {
			a, err := c.want(ctx, 200, "GET", fmt.Sprintf("/hub/api/users?state=ready&limit=200&offset=%d", at), bearer(r.token), nil)
			if err != nil {
				return 0, err
			}
			ready += bytes.Count(a.body, []byte(`"kind":"user"`)) + bytes.Count(a.body, []byte(`"kind": "user"`))
		}
		if ready >= servers {
			return float64(time.Since(from).Milliseconds()), nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return 0, fmt.Errorf("%w: not all %d servers are ready after %s", errOther, servers, spawnLimit)
}
