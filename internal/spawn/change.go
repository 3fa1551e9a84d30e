package spawn

import (
	"context"
	"encoding/json"

	"berdlhub/internal/hub"
)

// ServerChange is what can be changed of a server that does not run. What is nil stays.
type ServerChange struct {
	Name        *string
	DisplayName *string
	Options     json.RawMessage
}

// Change changes a server that does not run. JupyterHub REST API: PATCH /users/{name}/servers/{server}, since 6.0.
// Errors: NotFound; Invalid while it is active, when the default server is to be renamed, or for a name that cannot be; Conflict
// when the name is taken.
func (c *Controller) Change(ctx context.Context, k hub.ServerKey, to ServerChange) (*hub.Server, error) {
	srv, err := c.db.ServerByKey(ctx, k)
	if err != nil {
		return nil, err
	}
	if srv.Active() {
		return nil, hub.Errorf(hub.Invalid, "%s is active. Please stop it before modifying it.", k)
	}
	if to.Name != nil && *to.Name != k.Server {
		if k.Server != "" && !validServerName(*to.Name) {
			return nil, hub.Errorf(hub.Invalid, "Invalid server_name: '%s'", bound(*to.Name))
		}
		if err := c.db.RenameServer(ctx, srv.ID, *to.Name); err != nil {
			return nil, err
		}
	}
	name := ""
	if to.DisplayName != nil {
		name = *to.DisplayName
	}
	if name == "" && to.Options == nil {
		return c.db.ServerByID(ctx, srv.ID)
	}
	return c.db.DescribeServer(ctx, srv.ID, name, to.Options)
}
