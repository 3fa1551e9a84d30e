package spawn

import (
	"context"

	"berdlhub/internal/hub"
)

// Alive looks at a server that counts as ready: true when it still is, false when its process has ended, which asks for its stop.
// JupyterHub REST API: POST /users/{name}/server looks before it refuses.
// Errors: NotFound.
func (c *Controller) Alive(ctx context.Context, k hub.ServerKey) (bool, error) {
	srv, err := c.db.ServerByKey(ctx, k)
	if err != nil || srv.Phase != hub.Ready {
		return false, err
	}
	c.look(ctx, srv)
	srv, err = c.db.ServerByKey(ctx, k)
	return err == nil && srv.Phase == hub.Ready && srv.Wanted == hub.WantRunning, err
}
