package main

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// requestTimeout bounds one request of any row.
const requestTimeout = 30 * time.Second

// sample is what a row of requests showed.
type sample struct {
	elapsed time.Duration
	took    []time.Duration // of each piece of work, in no order
}

// rate is pieces of work in a second.
func (s sample) rate() float64 { return float64(len(s.took)) / s.elapsed.Seconds() }

// quantile is the time within which the share q of the work was done, in milliseconds.
func (s sample) quantile(q float64) float64 {
	if len(s.took) == 0 {
		return math.NaN()
	}
	slices.Sort(s.took)
	n := min(int(q*float64(len(s.took))), len(s.took)-1)
	return s.took[n].Seconds() * 1000
}

// load lets clients work side by side, each on its own connection to address, for a tenth of spell unmeasured and then for
// spell, or until each has done one piece of work. prepare is called once for each client and gives its work. The first error
// ends all.
func load(ctx context.Context, address string, clients int, spell time.Duration, prepare func(c *conn, client int) func(context.Context) error) (sample, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	begin := time.Now().Add(spell / 10)
	took := make([][]time.Duration, clients)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			c := &conn{address: address, timeout: requestTimeout}
			defer c.shut()
			var err error
			if took[i], err = repeat(ctx, begin, begin.Add(spell), prepare(c, i)); err != nil {
				stop(err)
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return sample{}, err
	}
	return sample{elapsed: time.Since(begin), took: slices.Concat(took...)}, nil
}

// repeat does work until end, and gives how long each piece took that was begun after begin; there is at least one.
func repeat(ctx context.Context, begin, end time.Time, work func(context.Context) error) ([]time.Duration, error) {
	var took []time.Duration
	for ctx.Err() == nil {
		from := time.Now()
		if from.After(end) && len(took) > 0 {
			break
		}
		if err := work(ctx); err != nil {
			return nil, err
		}
		if from.After(begin) {
			took = append(took, time.Since(from))
		}
	}
	return took, nil
}
