package store

import (
	"context"
	"encoding/json"
	"fmt"

	"berdlhub/internal/hub"
)

// DescribeServer changes the display name and the options of the next start; an empty name and nil options stay as they are.
// Errors: hub.NotFound; hub.Invalid for a display name that is too long.
func (db *DB) DescribeServer(ctx context.Context, id int64, displayName string, options json.RawMessage) (srv *hub.Server, err error) {
	if err := bounded("display name", displayName, maxName); err != nil {
		return nil, err
	}
	err = db.tx(ctx, byRow, func(t *tx) error {
		err := exec(ctx, t, `UPDATE servers SET display_name = CASE WHEN $2 = '' THEN display_name ELSE $2 END,
			options = COALESCE($3, options) WHERE id = $1`, id, displayName, jsonText(options))
		if err != nil {
			return err
		}
		if srv, err = findServerByID(ctx, t, id, ""); err != nil {
			return err
		}
		t.server(srv)
		return t.audit(ctx, "server.describe", serverTarget(srv.Key), nil)
	})
	if err != nil {
		return nil, fmt.Errorf("describe a server: %w", err)
	}
	return srv, nil
}
