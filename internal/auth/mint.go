package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/secret"
)

// maxNote is the longest note of a token in bytes; the database holds no more.
const maxNote = 1023

// TokenRequest asks for a plain API token.
type TokenRequest struct {
	Note    string
	Expires time.Duration // life; 0: for ever, or as long as limit allows
	Scopes  []string      // raw; empty: inherit, which is everything that the owner may
	Bare    bool          // with empty Scopes: nothing but knowing the owner, instead of inherit
	Limit   time.Duration // token_expires_in_max_seconds; 0: none
}

// Mint makes a plain API token for a user. JupyterHub REST API: POST /users/{name}/tokens.
// The token may not hold what its owner does not.
// Errors: Invalid with JupyterHub's words for scopes that do not exist or are not held, and for a life beyond the limit; Forbidden
// for what the maker of a token for somebody else does not hold.
func (a *Auth) Mint(ctx context.Context, by *Principal, owner *hub.User, req TokenRequest) (hub.Secret, *hub.Token, error) {
	if req.Expires == 0 {
		req.Expires = req.Limit
	}
	if req.Limit > 0 && req.Expires > req.Limit {
		return "", nil, hub.Errorf(hub.Invalid, "token expires_in: %d must not exceed %d", int64(req.Expires.Seconds()), int64(req.Limit.Seconds()))
	}
	if len(req.Scopes) == 0 && !req.Bare {
		req.Scopes = []string{scope.Inherit}
	}
	if err := a.mayHold(ctx, owner, req.Scopes); err != nil {
		return "", nil, err
	}
	if err := a.mayMintFor(ctx, by, owner, &req); err != nil {
		return "", nil, err
	}
	plain, now := secret.NewToken(), a.cfg.Now()
	t := &hub.Token{
		UserID: owner.ID, ClientID: hub.PlainClient, Scopes: req.Scopes, Note: noteOf(req.Note, by, owner), Created: now,
		Hashed: secret.HashToken(plain, secret.GeneratedRounds), Prefix: secret.TokenPrefix(plain),
	}
	if req.Expires > 0 {
		t.Expires = now.Add(req.Expires)
	}
	if err := a.db.CreateToken(ctx, t); err != nil {
		return "", nil, fmt.Errorf("store a token: %w", err)
	}
	a.cfg.Log.InfoContext(ctx, "token made", "user", owner.Name, "by", by.Name(), "token", t.ID)
	return hub.Secret(plain), t, nil
}

// mayHold refuses scopes that do not exist or that the owner does not hold.
func (a *Auth) mayHold(ctx context.Context, owner *hub.User, raw []string) error {
	if err := scope.ValidateFor("token", raw, a.cfg.Custom); err != nil {
		return hub.Wrap(hub.Invalid, err, err.Error())
	}
	held, err := a.ScopesOf(ctx, owner.ID)
	if err != nil {
		return err
	}
	excess := scope.TokenExcess(raw, held, scope.Owner{User: owner.Name}, scope.Client{}, a.cfg.Custom, a.Members())
	if len(excess) > 0 {
		return hub.Errorf(hub.Invalid, "Not assigning requested scopes %s not held by User %s", strings.Join(excess, ","), owner.Name)
	}
	return nil
}

// mayMintFor holds a token for somebody else against what its maker may hold in the owner's name. Such a token inherits nothing
// that its owner comes to hold later, and makes no tokens of the owner, which could be all that he is.
func (a *Auth) mayMintFor(ctx context.Context, by *Principal, owner *hub.User, req *TokenRequest) error {
	if by.User != nil && by.User.ID == owner.ID || a.FullAdmin(by) {
		return nil
	}
	held, err := a.ScopesOf(ctx, owner.ID)
	if err != nil {
		return err
	}
	wanted := scope.TokenScopes(req.Scopes, held, scope.Owner{User: owner.Name}, scope.Client{}, a.cfg.Custom, a.Members())
	if slices.Contains(req.Scopes, scope.Inherit) {
		req.Scopes = slices.DeleteFunc(wanted.Strings(), func(s string) bool { return s == "tokens" || strings.HasPrefix(s, "tokens!") })
		wanted = scope.Parse(req.Scopes)
	}
	if wanted.Has("tokens", scope.OfUser(owner.Name), a.Members()) {
		return hub.Errorf(hub.Forbidden, "You cannot grant what you do not hold: a token for somebody else cannot have tokens!user=%s", owner.Name)
	}
	return a.mayHoldFor(ctx, by, owner, wanted)
}

// noteOf gives a token's note; JupyterHub says who asked when it was not the owner.
func noteOf(note string, by *Principal, owner *hub.User) string {
	if note == "" {
		note = "Requested via api"
		if by.User == nil || by.User.ID != owner.ID {
			note += " by " + by.Kind() + " " + by.Name()
		}
	}
	if len(note) > maxNote {
		note = strings.ToValidUTF8(note[:maxNote], "")
	}
	return note
}
