package store

import (
	"context"
	"fmt"
	"slices"

	"berdlhub/internal/hub"
)

// RenameUser gives a user another name. Servers, tokens, groups, roles and shares stay the user's; the OAuth clients of servers, whose
// ids hold the name, go with what visitors were granted, and are made again at the next start.
// Errors: hub.NotFound; hub.Conflict when the name is taken or a server of the user runs; hub.Invalid for a name that cannot be.
func (db *DB) RenameUser(ctx context.Context, id int64, userName string) error {
	if err := name("user name", userName); err != nil {
		return err
	}
	err := db.tx(ctx, serial, func(t *tx) error {
		if err := t.lock(ctx, lockStarts); err != nil {
			return err
		}
		u, err := findUserByID(ctx, t, id, t.d.keep("u"))
		if err != nil {
			return err
		}
		servers, err := list(ctx, t, scanServer, serverSelect+` WHERE s.user_id = $1`+t.d.keep("s"), id)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(servers, (*hub.Server).Active) {
			return hub.Errorf(hub.Conflict, "A server of %s is active. Please stop it before renaming the user.", u.Name)
		}
		for _, s := range servers {
			if err := dropClients(ctx, t, s.ID); err != nil {
				return err
			}
			t.server(s)
		}
		if err := exec(ctx, t, `UPDATE users SET name = $2 WHERE id = $1`, id, userName); err != nil {
			return err
		}
		t.publish(Change{Kind: ChangeAccess, ID: id})
		return t.audit(ctx, "user.rename", userTarget(userName), map[string]any{"from": u.Name})
	})
	if db.d.trouble(err) == duplicate {
		return hub.Wrap(hub.Conflict, err, fmt.Sprintf("User %s already exists, username must be unique", userName))
	}
	return err
}

// RenameServer gives a named server another name; its shares stay. Errors: hub.NotFound; hub.Conflict when the name is taken;
// hub.Invalid while the server is active or when it is the default server.
func (db *DB) RenameServer(ctx context.Context, id int64, serverName string) error {
	if err := name("server name", serverName); err != nil {
		return err
	}
	err := db.tx(ctx, serial, func(t *tx) error {
		s, err := findServerByID(ctx, t, id, t.d.keep("s"))
		if err != nil {
			return err
		}
		switch {
		case s.Active():
			return hub.Errorf(hub.Invalid, "%s is active. Please stop it before modifying it.", s.Key)
		case s.Key.Server == "":
			return hub.Errorf(hub.Invalid, "The default server has no name to change")
		}
		if err := dropClients(ctx, t, s.ID); err != nil {
			return err
		}
		if err := exec(ctx, t, `UPDATE servers SET name = $2, version = version + 1 WHERE id = $1`, id, serverName); err != nil {
			return err
		}
		t.server(s)
		t.publish(Change{Kind: ChangeAccess}) // shares and filters name servers
		to := hub.ServerKey{User: s.Key.User, Server: serverName}
		return t.audit(ctx, "server.rename", serverTarget(to), map[string]any{"from": s.Key.Server})
	})
	if db.d.trouble(err) == duplicate {
		return hub.Wrap(hub.Conflict, err, fmt.Sprintf("There is already a server named '%s'", serverName))
	}
	return err
}

// dropClients deletes a server's OAuth clients with the tokens of its visitors.
func dropClients(ctx context.Context, t *tx, serverID int64) error {
	if err := deleteTokens(ctx, t, `client_id IN (SELECT c.id FROM oauth_clients c WHERE c.server_id = $1)`, serverID); err != nil {
		return err
	}
	return exec(ctx, t, `DELETE FROM oauth_clients WHERE server_id = $1`, serverID)
}
