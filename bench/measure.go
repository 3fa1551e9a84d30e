package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
)

// result is what one side showed in one round, by row; a row that could not be measured has its error.
type result struct {
	values map[string]float64
	failed map[string]error
}

func (g *result) set(row string, value float64, err error) {
	if err != nil {
		g.failed[row] = err
		return
	}
	g.values[row] = value
}

// measure runs one side for one round. A row that fails does not keep the others from being measured.
func measure(ctx context.Context, side *side, dir string, s size) *result {
	g := &result{values: map[string]float64{}, failed: map[string]error{}}
	defer os.RemoveAll(dir)
	place, err := newSetup(ctx, dir, side.trivial)
	if err != nil {
		g.failed[rowFirst] = err
		return g
	}
	r, err := side.start(ctx, place)
	if err != nil {
		g.failed[rowFirst] = err
		return g
	}
	defer r.stop()
	g.set(rowFirst, float64(r.first.Milliseconds()), nil)
	g.set(rowMemory, resident(r.command.Process.Pid, side.trivial), nil)

	users, err := r.createUsers(ctx, s.users)
	g.set(rowUsers, users, err)
	got, err := r.signIns(ctx, s.users, s.spell)
	g.set(rowSignIn, got.rate(), err)
	r.measureServers(ctx, g, s)
	if r, err = r.fillAndRestart(ctx, g, s); err == nil {
		defer r.stop()
		r.measureBusy(ctx, g, s)
	}
	if len(g.failed) > 0 && ctx.Err() == nil {
		r.keepLog()
	}
	return g
}

// tokens is how many users have an API token of their own.
const tokens = 64

// busyRows are measured on a hub that was started with all users and servers.
var busyRows = []string{rowRestart, rowReady, rowBusyMemory, rowOneUser, rowList, rowAdmin, rowWhoAmI, rowActivity}

// fillAndRestart starts servers until all that are wanted run, and starts the hub again. It gives the hub that runs now,
// or the old one, stopped, and an error, which is that of all rows that cannot be measured.
func (r *running) fillAndRestart(ctx context.Context, g *result, s size) (*running, error) {
	const together = 100
	err := error(nil)
	for at := warm + s.starts; at < s.servers && err == nil; at += together {
		err = r.startServers(ctx, at, min(together, s.servers-at))
	}
	r.end()
	again := r
	if err == nil {
		again, err = r.side.start(ctx, r.setup)
	}
	if err != nil {
		for _, row := range busyRows {
			g.failed[row] = fmt.Errorf("no hub with %d servers: %w", s.servers, err)
		}
		return r, err
	}
	g.set(rowRestart, float64(again.first.Milliseconds()), nil)
	ready, err := again.awaitReady(ctx, s.servers)
	g.set(rowReady, float64(again.first.Milliseconds())+ready, err)
	g.set(rowBusyMemory, resident(again.command.Process.Pid, r.side.trivial), nil)
	return again, nil
}

// measureBusy measures requests to a hub with all users and servers.
func (r *running) measureBusy(ctx context.Context, g *result, s size) {
	got, err := r.oneUser(ctx, s.users, s.spell)
	g.set(rowOneUser, got.rate(), err)
	got, err = r.listUsers(ctx, s.spell)
	g.set(rowList, got.rate(), err)
	got, err = r.adminPage(ctx, s.spell)
	g.set(rowAdmin, got.rate(), err)
	headers, err := r.createTokens(ctx, tokens)
	if err != nil {
		g.failed[rowWhoAmI], g.failed[rowActivity] = err, err
		return
	}
	got, err = r.whoAmI(ctx, headers, s.spell)
	g.set(rowWhoAmI, got.rate(), err)
	got, err = r.activity(ctx, headers, s.spell)
	g.set(rowActivity, got.rate(), err)
}

// warm is how many servers run before many are started at once.
const warm = 8

// measureServers measures what needs servers: those of the first users, then many at once.
func (r *running) measureServers(ctx context.Context, g *result, s size) {
	if err := r.startServers(ctx, 0, warm); err != nil {
		err = fmt.Errorf("no servers to measure with: %w", err)
		for _, row := range []string{rowOAuth, rowProxied, rowProxiedP99, rowProxiedCPU} {
			g.failed[row] = err
		}
	} else {
		got, err := r.roundTrips(ctx, s.spell)
		g.set(rowOAuth, got.rate(), err)
		got, cpu, err := r.proxied(ctx, userName(0), s.spell)
		g.set(rowProxied, got.rate(), err)
		g.set(rowProxiedP99, got.quantile(0.99), err)
		g.set(rowProxiedCPU, cpu, err)
	}
	took, cpu, err := r.manyStarts(ctx, warm, s.starts)
	g.set(rowStarts, took, err)
	g.set(rowStartsCPU, cpu, err)
}

// faults are the errors of all rows, or nil.
func (g *result) faults() error {
	var all []error
	for _, row := range slices.Sorted(maps.Keys(g.failed)) {
		all = append(all, fmt.Errorf("%s: %w", row, g.failed[row]))
	}
	return errors.Join(all...)
}
