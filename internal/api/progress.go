package api

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"sync"
	"time"

	"berdlhub/internal/hub"
)

// keepAlive is how often an empty line keeps an event stream open. JupyterHub's web contract: 8 s.
const keepAlive = 8 * time.Second

// progress streams the story of a start. JupyterHub REST API: GET /users/{name}/server/progress; server-sent events whose
// data is JSON, the last one with ready or failed.
func (a *API) progress(c *call) error {
	if _, err := a.server(c); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Context())
	story, err := a.spawn.Follow(ctx, c.key)
	if err != nil {
		cancel()
		return err
	}
	events := make(chan hub.Event)
	var teller sync.WaitGroup
	defer teller.Wait()
	defer cancel()
	teller.Go(func() {
		defer close(events)
		for e := range story {
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	})
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.Header().Set("Cache-Control", "no-cache")
	c.w.WriteHeader(http.StatusOK)
	stream(c, events)
	return nil
}

// stream writes events until they end or the reader goes away.
func stream(c *call, events <-chan hub.Event) {
	out := http.NewResponseController(c.w)
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	text := "\n\n"
	for {
		if _, err := c.w.Write([]byte(text)); err != nil {
			return
		}
		if out.Flush() != nil {
			return
		}
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			text = frame(e)
		case <-tick.C:
			text = "\n\n"
		}
	}
}

// frame gives an event in the form of JupyterHub's web contract, progress stream.
func frame(e hub.Event) string {
	m := object{"progress": e.Progress, "message": e.Message}
	if e.Level != hub.Info && e.Level != "" {
		m["level"] = e.Level
	}
	switch e.Final {
	case hub.OutcomeReady:
		link := html.EscapeString(e.URL)
		m["ready"], m["url"] = true, e.URL
		m["html_message"] = fmt.Sprintf(`Server ready at <a href="%s">%s</a>`, link, link)
	case hub.OutcomeFailed:
		m["failed"] = true
	}
	text, err := json.Marshal(m)
	if err != nil {
		return "\n\n" // maps of strings and numbers always encode
	}
	return "data: " + string(text) + "\n\n"
}
