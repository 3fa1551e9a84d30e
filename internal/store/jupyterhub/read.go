package jupyterhub

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// The causes for which a database is not read.
var (
	ErrNotJupyterHub = errors.New("the database is none of a JupyterHub")
	ErrRevision      = errors.New("the database has a schema that cannot be read")
	ErrInUse         = errors.New("the database is being written to")
)

// releases are the schemas that can be read, by their revision. JupyterHub's database: alembic_version.
var releases = map[string]string{
	"0eee8c825d24": "4",
	"4621fec11365": "5",
	"f460b0348206": "6.0 or 6.1",
}

// between are revisions that only a database has whose upgrade was interrupted, or an unreleased JupyterHub.
var between = map[string]string{
	"3c2384c5aae1": "5", "be8ecf03ddac": "6", "afd65840b69e": "6", "ff1860e38070": "6",
}

// older are the revisions of releases that are too old.
var older = map[string]string{"833da8570507": "2", "651f5419b74d": "3"}

func (s *source) read(ctx context.Context) (*Hub, error) {
	h := &Hub{}
	if err := s.readRevision(ctx, h); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context, *Hub) error{
		s.readUsers, s.readGroups, s.readRoles, s.readServices, s.readClients, s.readServers, s.readTokens, s.readShares, s.readCodes,
	} {
		if err := step(ctx, h); err != nil {
			return nil, err
		}
	}
	h.Faults = s.faults
	return h, nil
}

func (s *source) readRevision(ctx context.Context, h *Hub) error {
	var all []string
	if err := s.each(ctx, "alembic_version", "version_num", func(r *row) { all = append(all, r.text("version_num")) }); err != nil {
		return err
	}
	if len(all) != 1 {
		return fmt.Errorf("%w: it has no table alembic_version with one revision. Name the database that c.JupyterHub.db_url names, by default sqlite:///jupyterhub.sqlite", ErrNotJupyterHub)
	}
	h.Revision = all[0]
	if h.Release = releases[h.Revision]; h.Release != "" {
		return nil
	}
	if release := older[h.Revision]; release != "" {
		return fmt.Errorf("%w: revision %s is JupyterHub %s. Make a copy and upgrade that with JupyterHub 5 or 6 first: jupyterhub upgrade-db", ErrRevision, h.Revision, release)
	}
	if release := between[h.Revision]; release != "" {
		return fmt.Errorf("%w: revision %s lies on the way to JupyterHub %s. Finish the upgrade first: jupyterhub upgrade-db", ErrRevision, h.Revision, release)
	}
	revision := strings.ToValidUTF8(h.Revision[:min(len(h.Revision), 32)], "?")
	return fmt.Errorf("%w: revision %q is not one of JupyterHub 4, 5, 6.0 or 6.1. A newer berdlhub may read it", ErrRevision, revision)
}

func (s *source) readUsers(ctx context.Context, h *Hub) error {
	return s.each(ctx, "users", "id", func(r *row) {
		h.Users = append(h.Users, User{
			ID: r.id("id"), Name: r.text("name"), Admin: r.yes("admin"), Info: r.json("user_info"), Created: r.time("created"),
			LastActivity: r.time("last_activity"), CookieID: r.text("cookie_id"), AuthState: r.bytes["encrypted_auth_state"],
		})
	})
}

func (s *source) readGroups(ctx context.Context, h *Hub) error {
	err := s.each(ctx, "groups", "id", func(r *row) {
		h.Groups = append(h.Groups, Group{ID: r.id("id"), Name: r.text("name"), Properties: r.json("properties")})
	})
	if err != nil {
		return err
	}
	return s.each(ctx, "user_group_map", "user_id, group_id", func(r *row) {
		h.Members = append(h.Members, Member{User: r.id("user_id"), Group: r.id("group_id")})
	})
}

func (s *source) readRoles(ctx context.Context, h *Hub) error {
	err := s.each(ctx, "roles", "id", func(r *row) {
		h.Roles = append(h.Roles, Role{
			ID: r.id("id"), Name: r.text("name"), Description: r.text("description"), Scopes: r.list("scopes"), Managed: r.yes("managed_by_auth"),
		})
	})
	if err != nil {
		return err
	}
	for _, kind := range []string{"user", "group", "service"} {
		err := s.each(ctx, kind+"_role_map", kind+"_id, role_id", func(r *row) {
			h.Holders = append(h.Holders, Holder{
				User: r.id("user_id"), Group: r.id("group_id"), Service: r.id("service_id"), Role: r.id("role_id"), Managed: r.yes("managed_by_auth"),
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *source) readServices(ctx context.Context, h *Hub) error {
	return s.each(ctx, "services", "id", func(r *row) {
		h.Services = append(h.Services, Service{
			ID: r.id("id"), Name: r.text("name"), Admin: r.yes("admin"), URL: r.text("url"), NoConfirm: r.yes("oauth_no_confirm"),
			Display: r.null("display") || r.yes("display"), Info: r.json("info"), Client: r.text("oauth_client_id"),
			FromConfig: r.null("from_config") || r.yes("from_config"), // older releases know no others
			Command:    len(r.json("command")) > len("[]"),
		})
	})
}

func (s *source) readClients(ctx context.Context, h *Hub) error {
	return s.each(ctx, "oauth_clients", "id", func(r *row) {
		h.Clients = append(h.Clients, Client{
			Identifier: r.text("identifier"), Description: r.text("description"), HashedSecret: r.text("secret"),
			RedirectURI: r.text("redirect_uri"), AllowedScopes: r.list("allowed_scopes"),
		})
	})
}

func (s *source) readServers(ctx context.Context, h *Hub) error {
	type place struct {
		proto, ip, base string
		port            int
	}
	places := map[int64]place{}
	err := s.each(ctx, "servers", "id", func(r *row) {
		places[r.id("id")] = place{proto: r.text("proto"), ip: r.text("ip"), base: r.text("base_url"), port: int(r.id("port"))}
	})
	if err != nil {
		return err
	}
	return s.each(ctx, "spawners", "id", func(r *row) {
		srv := Server{
			ID: r.id("id"), User: r.id("user_id"), Name: r.text("name"), DisplayName: r.text("display_name"), State: r.json("state"),
			Options: r.json("user_options"), Started: r.time("started"), LastActivity: r.time("last_activity"), Client: r.text("oauth_client_id"),
		}
		if p, ok := places[r.id("server_id")]; ok {
			srv.Active, srv.Proto, srv.IP, srv.Port, srv.BaseURL = true, p.proto, p.ip, p.port, p.base
		}
		h.Servers = append(h.Servers, srv)
	})
}

func (s *source) readTokens(ctx context.Context, h *Hub) error {
	return s.each(ctx, "api_tokens", "id", func(r *row) {
		h.Tokens = append(h.Tokens, Token{
			ID: r.id("id"), User: r.id("user_id"), Service: r.id("service_id"), Hashed: r.text("hashed"), Prefix: r.text("prefix"),
			Client: r.text("client_id"), SessionID: r.text("session_id"), Scopes: r.list("scopes"), Note: r.text("note"),
			Created: r.time("created"), Expires: r.time("expires_at"), LastActivity: r.time("last_activity"),
		})
	})
}

func (s *source) readShares(ctx context.Context, h *Hub) error {
	err := s.each(ctx, "shares", "id", func(r *row) {
		h.Shares = append(h.Shares, Share{
			ID: r.id("id"), Owner: r.id("owner_id"), Server: r.id("spawner_id"), User: r.id("user_id"), Group: r.id("group_id"),
			Scopes: r.list("scopes"), Created: r.time("created_at"), Expires: r.time("expires_at"),
		})
	})
	if err != nil {
		return err
	}
	return s.each(ctx, "share_codes", "id", func(r *row) {
		h.ShareCodes = append(h.ShareCodes, ShareCode{
			ID: r.id("id"), Owner: r.id("owner_id"), Server: r.id("spawner_id"), Hashed: r.text("hashed"), Prefix: r.text("prefix"),
			Scopes: r.list("scopes"), Created: r.time("created_at"), Expires: r.time("expires_at"),
			Exchanges: r.id("exchange_count"), LastExchanged: r.time("last_exchanged_at"),
		})
	})
}

func (s *source) readCodes(ctx context.Context, h *Hub) error {
	return s.each(ctx, "oauth_codes", "id", func(*row) { h.Codes++ })
}
