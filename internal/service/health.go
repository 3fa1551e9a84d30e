package service

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"berdlhub/internal/store"
)

const (
	checkTimeout = 5 * time.Second  // of one look, if the service has none of its own
	settling     = 10 * time.Second // before the first look
	manyAtOnce   = 8                // looks at a time
)

// checkAll looks at all services with an address, again and again.
func (m *Supervisor) checkAll(ctx context.Context) {
	if m.cfg.CheckEvery <= 0 {
		return
	}
	for pause := min(settling, m.cfg.CheckEvery); sleep(ctx, pause); pause = m.cfg.CheckEvery {
		turn := make(chan struct{}, manyAtOnce)
		var wg sync.WaitGroup
		for _, s := range m.Services() {
			if s.URL == "" {
				continue
			}
			turn <- struct{}{}
			wg.Go(func() {
				m.Check(ctx, s)
				<-turn
			})
		}
		wg.Wait()
	}
}

// Check looks whether a service answers. A change is logged once.
func (m *Supervisor) Check(ctx context.Context, s *store.Service) {
	err := m.ask(ctx, s)
	if ctx.Err() != nil || !slices.ContainsFunc(m.Services(), func(known *store.Service) bool { return known.Name == s.Name }) {
		return
	}
	m.note(s.Name, func(status *Status) {
		first := !status.Checked
		switch news := status.health(err == nil); {
		case news && err != nil:
			m.cfg.Log.WarnContext(ctx, "service does not answer", "service", s.Name, "url", s.URL, "err", err)
		case news && !first:
			m.cfg.Log.InfoContext(ctx, "service answers again", "service", s.Name)
		}
	})
}

// ask makes one request. JupyterHub's lifecycle: any answer below 500 will do, also one that asks to sign in.
func (m *Supervisor) ask(ctx context.Context, s *store.Service) error {
	ctx, cancel := context.WithTimeout(ctx, m.timeout(s.Name))
	defer cancel()
	u, err := url.Parse(s.URL)
	if err != nil {
		return fmt.Errorf("read its address: %w", err)
	}
	u.Path, u.RawPath = Prefix(m.cfg.BaseURL, s.Name), ""
	if u.Path, err = url.PathUnescape(u.Path); err != nil {
		return fmt.Errorf("read its path: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	resp, err := m.client.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close() // nothing of it is read
	if resp.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("it answers with status %d", resp.StatusCode)
	}
	return nil
}

func (m *Supervisor) timeout(name string) time.Duration {
	for _, s := range m.cfg.Managed {
		if s.Name == name && s.Timeout > 0 {
			return s.Timeout
		}
	}
	return checkTimeout
}
