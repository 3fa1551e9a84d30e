package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
)

// Service is a program that uses the hub's API, or that the hub signs people in to.
type Service struct {
	ID              int64
	Name            string
	Admin           bool
	URL             string // where the service answers; empty when it only calls
	OAuthClientID   string // empty when nobody signs in to it
	OAuthSecretHash string // hash of the client's secret
	RedirectURI     string // where OAuth leads back to
	AllowedScopes   []string
	NoConfirm       bool // people are signed in to it without being asked
	Display         bool // shown in the menu of services
	Info            json.RawMessage
	FromConfig      bool
}

// ServiceSpec is a service as the configuration describes it.
type ServiceSpec struct {
	Service
	APIToken hub.Secret // empty: none is configured
}

const serviceSelect = `SELECT v.id, v.name, v.admin, v.url, v.no_confirm, v.display, v.info, v.from_config,
	COALESCE(c.id, ''), COALESCE(c.hashed_secret, ''), COALESCE(c.redirect_uri, ''), COALESCE(c.allowed_scopes, '[]')
	FROM services v LEFT JOIN oauth_clients c ON c.service_id = v.id`

func scanService(row scanner) (*Service, error) {
	var s Service
	err := row.Scan(&s.ID, &s.Name, &s.Admin, &s.URL, &s.NoConfirm, &s.Display, jsonTo{&s.Info}, &s.FromConfig,
		&s.OAuthClientID, &s.OAuthSecretHash, &s.RedirectURI, listTo{&s.AllowedScopes})
	return &s, err
}

// ServiceByName finds a service. Errors: hub.NotFound.
func (db *DB) ServiceByName(ctx context.Context, serviceName string) (*Service, error) {
	s, err := findServiceByName(ctx, db.engine.reads(), serviceName)
	return s, db.explain(err)
}

func findServiceByName(ctx context.Context, q querier, serviceName string) (*Service, error) {
	return one(q.QueryRowContext(ctx, serviceSelect+` WHERE v.name = $1`, serviceName), scanService, "No such service: %s", cut(serviceName, maxName))
}

// ServiceByID finds a service. Errors: hub.NotFound.
func (db *DB) ServiceByID(ctx context.Context, id int64) (*Service, error) {
	s, err := one(db.engine.reads().QueryRowContext(ctx, serviceSelect+` WHERE v.id = $1`, id), scanService, "No such service")
	return s, db.explain(err)
}

// Services gives all services by name.
func (db *DB) Services(ctx context.Context) ([]*Service, error) {
	all, err := list(ctx, db.engine.reads(), scanService, serviceSelect+` ORDER BY v.name`)
	if err != nil {
		return nil, fmt.Errorf("list services: %w", db.explain(err))
	}
	return all, nil
}

// SyncServices makes the services what the configuration says, in one transaction: their rows, OAuth clients and API tokens.
// Services that came from an earlier configuration and are not in this one are deleted with their tokens and clients;
// an API token that is no longer configured stays. A token that belonged to somebody else goes over to the service.
// Errors: hub.Invalid for a name that cannot be, one given twice, or a token of the wrong length; hub.Conflict for a client id that is taken.
func (db *DB) SyncServices(ctx context.Context, specs []ServiceSpec) error {
	seen := map[string]bool{}
	for _, spec := range specs {
		if err := name("service name", spec.Name); err != nil {
			return err
		}
		if seen[spec.Name] {
			return hub.Errorf(hub.Invalid, "The service %s is configured twice.", spec.Name)
		}
		seen[spec.Name] = true
		if spec.APIToken != "" && !secret.ValidTokenLength(spec.APIToken.Reveal()) {
			return hub.Errorf(hub.Invalid, "The API token of service %s must have 8 to 64 characters.", spec.Name)
		}
	}
	err := db.tx(ctx, serial, func(t *tx) error {
		if err := dropServices(ctx, t, seen); err != nil {
			return err
		}
		for _, spec := range specs {
			if err := syncService(ctx, t, spec); err != nil {
				return fmt.Errorf("service %s: %w", spec.Name, err)
			}
		}
		t.publish(Change{Kind: ChangeAccess})
		t.publish(Change{Kind: ChangeToken})
		return nil
	})
	if err != nil {
		return fmt.Errorf("store the configured services: %w", err)
	}
	return nil
}

// dropServices deletes the services of an earlier configuration.
func dropServices(ctx context.Context, t *tx, keep map[string]bool) error {
	old, err := list(ctx, t, scanService, serviceSelect)
	if err != nil {
		return err
	}
	for _, s := range old {
		if !s.FromConfig || keep[s.Name] {
			continue
		}
		if err := exec(ctx, t, `DELETE FROM services WHERE id = $1`, s.ID); err != nil {
			return err
		}
	}
	return nil
}

func syncService(ctx context.Context, t *tx, spec ServiceSpec) error {
	id, err := column[int64](t.QueryRowContext(ctx, `INSERT INTO services (name, admin, url, no_confirm, display, info, from_config)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO UPDATE SET admin = excluded.admin, url = excluded.url,
		no_confirm = excluded.no_confirm, display = excluded.display, info = excluded.info, from_config = excluded.from_config RETURNING id`,
		spec.Name, spec.Admin, spec.URL, spec.NoConfirm, spec.Display, jsonText(spec.Info), spec.FromConfig))
	if err != nil {
		return err
	}
	change := revoke
	if spec.Admin {
		change = grant
	}
	if err := change(ctx, t, servicesInRole, id, "admin"); err != nil {
		return err
	}
	if err := exec(ctx, t, `DELETE FROM oauth_clients WHERE service_id = $1 AND id <> $2`, id, spec.OAuthClientID); err != nil {
		return err
	}
	clientID := hub.PlainClient
	if spec.OAuthClientID != "" {
		clientID = spec.OAuthClientID
		c := &hub.Client{
			ID: clientID, Description: "JupyterHub service " + spec.Name, HashedSecret: spec.OAuthSecretHash, RedirectURI: spec.RedirectURI,
			AllowedScopes: spec.AllowedScopes, Service: spec.Name,
		}
		if err := saveClient(ctx, t, c); err != nil {
			return err
		}
	}
	if spec.APIToken == "" {
		return nil
	}
	return syncServiceToken(ctx, t, id, clientID, spec)
}

// syncServiceToken makes the configured token the service's own.
func syncServiceToken(ctx context.Context, t *tx, serviceID int64, clientID string, spec ServiceSpec) error {
	plain := spec.APIToken.Reveal()
	candidates, err := list(ctx, t, scanToken, `SELECT `+tokenColumns+` FROM tokens WHERE prefix = $1`, secret.TokenPrefix(plain))
	if err != nil {
		return err
	}
	for _, have := range candidates {
		if secret.CheckToken(plain, have.Hashed) {
			return exec(ctx, t, `UPDATE tokens SET user_id = NULL, service_id = $2, client_id = $3, expires = 0 WHERE id = $1`, have.ID, serviceID, clientID)
		}
	}
	return insertToken(ctx, t, &hub.Token{
		ServiceID: serviceID, Hashed: secret.HashToken(plain, secret.ConfiguredRounds), Prefix: secret.TokenPrefix(plain),
		ClientID: clientID, Scopes: []string{"inherit"}, Note: "configured token of service " + spec.Name, Created: time.Now(),
	})
}

// CreateService makes a service while the hub runs, with its OAuth client and API token, all or nothing.
// Errors: hub.Conflict when the name or the client's id is taken, hub.Invalid for a name or a token that cannot be.
func (db *DB) CreateService(ctx context.Context, spec ServiceSpec) error {
	if err := name("service name", spec.Name); err != nil {
		return err
	}
	if spec.APIToken != "" && !secret.ValidTokenLength(spec.APIToken.Reveal()) {
		return hub.Errorf(hub.Invalid, "The API token of service %s must have 8 to 64 characters.", spec.Name)
	}
	return db.tx(ctx, serial, func(t *tx) error {
		_, err := findServiceByName(ctx, t, spec.Name)
		if err == nil {
			return hub.Errorf(hub.Conflict, "Service %s already exists", spec.Name)
		}
		if hub.CodeOf(err) != hub.NotFound {
			return err
		}
		if err := freeToken(ctx, t, spec.APIToken); err != nil {
			return err
		}
		if err := syncService(ctx, t, spec); err != nil {
			return err
		}
		t.publish(Change{Kind: ChangeAccess})
		t.publish(Change{Kind: ChangeToken})
		return t.audit(ctx, "service.create", serviceTarget(spec.Name), map[string]any{"admin": spec.Admin, "url": spec.URL})
	})
}

// freeToken refuses a token that somebody has: who makes a service does not take it over, nor learns whose it is.
func freeToken(ctx context.Context, t *tx, token hub.Secret) error {
	if token == "" {
		return nil
	}
	candidates, err := list(ctx, t, scanToken, `SELECT `+tokenColumns+` FROM tokens WHERE prefix = $1`, secret.TokenPrefix(token.Reveal()))
	if err != nil {
		return err
	}
	for _, have := range candidates {
		if secret.CheckToken(token.Reveal(), have.Hashed) {
			return hub.Errorf(hub.Invalid, "The API token cannot be used: make a new one, for example by `openssl rand -hex 32`.")
		}
	}
	return nil
}

// DeleteService deletes a service that was made while a hub ran, with its tokens and OAuth client.
// Errors: hub.NotFound; hub.Unsupported for one of the configuration.
func (db *DB) DeleteService(ctx context.Context, serviceName string) error {
	return db.tx(ctx, serial, func(t *tx) error {
		s, err := findServiceByName(ctx, t, serviceName)
		if err != nil {
			return err
		}
		if s.FromConfig {
			return hub.Errorf(hub.Unsupported, "Service %s is not modifiable at runtime", s.Name)
		}
		if err := exec(ctx, t, `DELETE FROM services WHERE id = $1`, s.ID); err != nil {
			return err
		}
		t.publish(Change{Kind: ChangeAccess})
		t.publish(Change{Kind: ChangeToken})
		return t.audit(ctx, "service.delete", serviceTarget(s.Name), nil)
	})
}
