package main

import (
	"context"
	"errors"
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
// spell. prepare is called once for each client and gives its work. The first error ends all.
func load(ctx context.Context, address string, clients int, spell time.Duration, prepare func(c *conn, client int) func(context.Context) error) (sample, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	begin := time.Now().Add(spell / 10)
	end := begin.Add(spell)
	took := make([][]time.Duration, clients)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			c := &conn{address: address, timeout: requestTimeout}
			defer c.shut()
			work := prepare(c, i)
			for ctx.Err() == nil {
				from := time.Now()
				if from.After(end) {
					return
				}
				if err := work(ctx); err != nil {
					stop(err)
					return
				}
				if now := time.Now(); from.After(begin) && now.Before(end) {
					took[i] = append(took[i], now.Sub(from))
				}
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return sample{}, err
	}
	s := sample{elapsed: spell, took: slices.Concat(took...)}
	if len(s.took) == 0 {
		return sample{}, errors.New("no piece of work was done in time")
	}
	return s, nil
}
