package spawn

import (
	"context"
	"fmt"
	"iter"
	"time"

	"berdlhub/internal/hub"
)

// Follow gives the story of a server's current start: what happened so far, then what happens, until the final event
// or the end of the context. A late watcher gets the whole story, on any replica. A server that is ready gives
// only its final event; one whose last start failed gives that failure.
// Errors: NotFound when there is no such server, Invalid when it neither runs nor starts nor failed.
func (c *Controller) Follow(ctx context.Context, k hub.ServerKey) (iter.Seq[hub.Event], error) {
	srv, err := c.db.ServerByKey(ctx, k)
	if err != nil {
		return nil, err
	}
	switch srv.Phase {
	case hub.Ready:
		url := Prefix(c.cfg.BaseURL, k)
		ready := hub.Event{RunID: srv.RunID, Time: srv.ReadySince, Progress: 100, Level: hub.Info, Message: "Server ready at " + url, Final: hub.OutcomeReady, URL: url}
		return func(yield func(hub.Event) bool) { yield(ready) }, nil
	case hub.Failed:
		failed := hub.Event{RunID: srv.RunID, Progress: 100, Level: hub.Problem, Message: "Spawn failed: " + srv.Reason, Final: hub.OutcomeFailed}
		return func(yield func(hub.Event) bool) { yield(failed) }, nil
	case hub.Stopped:
		return nil, hub.Errorf(hub.Invalid, "%s is not starting...", k)
	}
	return func(yield func(hub.Event) bool) { c.tell(ctx, srv, yield) }, nil
}

// tell yields the events of one run, woken by its changes.
func (c *Controller) tell(ctx context.Context, srv *hub.Server, yield func(hub.Event) bool) {
	news, quiet := c.bell.listen(srv.ID, srv.RunID)
	defer quiet()
	var last int64
	place := 0
	for {
		events, err := c.db.EventsOfRun(ctx, srv.RunID, last)
		if err != nil {
			return
		}
		for _, e := range events {
			if e.Final == hub.OutcomeReady {
				_ = c.syncServer(ctx, srv.ID) // whoever hears "ready" must find the route in this replica's table
			}
			if !yield(e) || e.Final != "" {
				return
			}
			last = e.Seq
		}
		if last == 0 && !c.tellPlace(ctx, srv, &place, yield) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-time.After(2 * time.Second): // news may be lost while another replica's feed reconnects
		}
	}
}

// tellPlace yields the place in the queue when it changed.
func (c *Controller) tellPlace(ctx context.Context, srv *hub.Server, told *int, yield func(hub.Event) bool) bool {
	place, length, err := c.db.QueuePlace(ctx, srv.ID)
	if err != nil || place == 0 || place == *told {
		return true
	}
	*told = place
	return yield(hub.Event{RunID: srv.RunID, Time: time.Now(), Level: hub.Info, Message: fmt.Sprintf("Waiting for a place: number %d of %d in the queue", place, length)})
}
