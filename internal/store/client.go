package store

import (
	"context"
	"fmt"

	"berdlhub/internal/hub"
)

const clientSelect = `SELECT c.id, c.description, c.hashed_secret, c.redirect_uri, c.allowed_scopes, c.server_id, COALESCE(v.name, '')
	FROM oauth_clients c LEFT JOIN services v ON v.id = c.service_id`

func scanClient(row scanner) (*hub.Client, error) {
	var c hub.Client
	err := row.Scan(&c.ID, &c.Description, &c.HashedSecret, &c.RedirectURI, listTo{&c.AllowedScopes}, idTo{&c.ServerID}, &c.Service)
	return &c, err
}

// SaveClient stores an OAuth client or replaces what is stored of it; its tokens stay.
// Errors: hub.Invalid when it has no id, or its server or service does not exist; hub.Conflict when the id belongs to another server or service.
func (db *DB) SaveClient(ctx context.Context, c *hub.Client) error {
	err := db.tx(ctx, serial, func(t *tx) error {
		t.publish(Change{Kind: ChangeToken}) // what a token may do depends on its client
		return saveClient(ctx, t, c)
	})
	if db.d.trouble(err) == dangling {
		err = hub.Wrap(hub.Invalid, err, "The server of the OAuth client does not exist.")
	}
	if err != nil {
		return fmt.Errorf("store an OAuth client: %w", err)
	}
	return nil
}

func saveClient(ctx context.Context, t *tx, c *hub.Client) error {
	if err := name("client id", c.ID); err != nil {
		return err
	}
	if c.ID == hub.PlainClient {
		return hub.Errorf(hub.Conflict, "The client id %s is reserved for API tokens.", c.ID)
	}
	var serviceID int64
	if c.Service != "" {
		s, err := findServiceByName(ctx, t, c.Service)
		if err != nil {
			return hub.Wrap(hub.Invalid, err, "The service of the OAuth client does not exist.")
		}
		serviceID = s.ID
	}
	n, err := changed(ctx, t, `INSERT INTO oauth_clients (id, description, hashed_secret, redirect_uri, allowed_scopes, server_id, service_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET description = excluded.description,
		hashed_secret = excluded.hashed_secret, redirect_uri = excluded.redirect_uri, allowed_scopes = excluded.allowed_scopes
		WHERE COALESCE(oauth_clients.server_id, 0) = COALESCE(excluded.server_id, 0)
		AND COALESCE(oauth_clients.service_id, 0) = COALESCE(excluded.service_id, 0)`,
		c.ID, cut(c.Description, maxNote), c.HashedSecret, c.RedirectURI, listText(c.AllowedScopes), idOrNull(c.ServerID), idOrNull(serviceID))
	if err == nil && n == 0 {
		err = hub.Errorf(hub.Conflict, "The client id %s belongs to another server or service.", c.ID)
	}
	return err
}

// ClientByID finds an OAuth client. Errors: hub.NotFound.
func (db *DB) ClientByID(ctx context.Context, id string) (*hub.Client, error) {
	c, err := one(db.engine.reads().QueryRowContext(ctx, clientSelect+` WHERE c.id = $1`, id), scanClient, "No such OAuth client")
	return c, db.explain(err)
}

// DeleteClient deletes an OAuth client with its tokens and codes. One that does not exist is no error.
// Errors: hub.Invalid for the client of plain API tokens.
func (db *DB) DeleteClient(ctx context.Context, id string) error {
	if id == hub.PlainClient {
		return hub.Errorf(hub.Invalid, "The client %s cannot be deleted.", id)
	}
	err := db.tx(ctx, byRow, func(t *tx) error {
		if err := deleteTokens(ctx, t, `client_id = $1`, id); err != nil {
			return err
		}
		return exec(ctx, t, `DELETE FROM oauth_clients WHERE id = $1`, id)
	})
	if err != nil {
		return fmt.Errorf("delete an OAuth client: %w", err)
	}
	return nil
}
