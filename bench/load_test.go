package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	s := sample{elapsed: 2 * time.Second}
	for n := range 100 {
		s.took = append(s.took, time.Duration(100-n)*time.Millisecond)
	}
	if got := s.quantile(0.99); got != 100 {
		t.Errorf("p99 is %g ms, want 100", got)
	}
	if got := s.quantile(0.5); got != 51 {
		t.Errorf("p50 is %g ms, want 51", got)
	}
	if got := s.rate(); got != 50 {
		t.Errorf("%g a second, want 50", got)
	}
}

func TestLoad(t *testing.T) {
	none := func(c *conn, _ int) func(context.Context) error {
		return func(context.Context) error { time.Sleep(time.Millisecond); return nil }
	}
	got, err := load(t.Context(), "", 2, 20*time.Millisecond, none)
	if err != nil || len(got.took) == 0 || len(got.took) > 40 {
		t.Errorf("%d pieces of work, error %v", len(got.took), err)
	}
	slow := func(*conn, int) func(context.Context) error {
		return func(context.Context) error { time.Sleep(20 * time.Millisecond); return nil }
	}
	got, err = load(t.Context(), "", 2, time.Millisecond, slow)
	if err != nil || len(got.took) < 2 || got.elapsed < 20*time.Millisecond {
		t.Errorf("slow work: %d pieces in %s, error %v; want one for each client", len(got.took), got.elapsed, err)
	}
	fault := errors.New("fault")
	_, err = load(t.Context(), "", 2, time.Minute, func(_ *conn, client int) func(context.Context) error {
		return func(ctx context.Context) error {
			if client == 0 {
				return fault
			}
			<-ctx.Done()
			return ctx.Err()
		}
	})
	if !errors.Is(err, fault) {
		t.Errorf("error %v, want that of the client that failed", err)
	}
}
