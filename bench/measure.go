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
	r.measureRequests(ctx, g, s)
	r.measureServers(ctx, g, s)
	if len(g.failed) > 0 && ctx.Err() == nil {
		r.keepLog()
	}
	return g
}

// tokens is how many users have an API token of their own.
const tokens = 64

// measureRequests measures what needs no server.
func (r *running) measureRequests(ctx context.Context, g *result, s size) {
	got, err := r.signIns(ctx, s.users, s.spell)
	g.set(rowSignIn, got.rate(), err)
	got, err = r.oneUser(ctx, s.users, s.spell)
	g.set(rowOneUser, got.rate(), err)
	got, err = r.listUsers(ctx, s.spell)
	g.set(rowList, got.rate(), err)
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

// measureServers measures what needs servers: those of the first eight users, then many at once.
func (r *running) measureServers(ctx context.Context, g *result, s size) {
	if err := r.startServers(ctx, 0, 8); err != nil {
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
	took, cpu, err := r.manyStarts(ctx, 100, s.starts)
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
