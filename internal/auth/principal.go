package auth

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/secret"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// Principal is who is asking: a user or a service, by cookie or by token. It is never changed after it is made.
type Principal struct {
	User      *hub.User
	Service   *store.Service
	Token     *hub.Token // nil when the proof was a cookie
	Session   int64      // session of the sign-in cookie; 0 when the proof was a token
	SessionID string     // browser id of the session, or of the session a token was made in
	Scopes    scope.Set
	Groups    []string
	Banner    string // something that the user should read on every page; empty mostly

	members scope.Membership
}

// Name gives the user's or service's name.
func (p *Principal) Name() string {
	if p.User != nil {
		return p.User.Name
	}
	return p.Service.Name
}

// Kind gives user or service. JupyterHub REST API: field kind of GET /user.
func (p *Principal) Kind() string {
	if p.User != nil {
		return "user"
	}
	return "service"
}

// ByToken says that the proof was a token, so the request does not come from a browser's session.
func (p *Principal) ByToken() bool { return p.Token != nil }

// Has says whether the principal may do something to a target. Nobody (nil) may nothing.
func (p *Principal) Has(base string, t scope.Target) bool {
	return p != nil && p.Scopes.Has(base, t, p.members)
}

// Members answers who is in which group, for the packages that filter lists.
func (p *Principal) Members() scope.Membership { return p.members }

// Act writes down who acts in a request, for the audit log. The faces need it only for a GET that changes something:
// of every other request it is written down when it is found out who asks.
func (a *Auth) Act(r *http.Request, p *Principal) {
	actor := hub.Actor{Kind: p.Kind(), Name: p.Name(), Address: a.ClientIP(r), RequestID: web.RequestIDFrom(r.Context())}
	if p.Token != nil {
		actor.Token = fmt.Sprintf("a%d", p.Token.ID)
	}
	hub.SetActor(r.Context(), actor)
}

// acts is Act for requests whose method changes something.
func (a *Auth) acts(r *http.Request, p *Principal) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		a.Act(r, p)
	}
}

// Require gives nil when the principal holds one of the scopes for the target.
// JupyterHub REST API, permission outcome: nobody is 403; a scope held with another filter is 404, so that nobody learns
// which names exist; otherwise 403 with the scopes that would do.
func Require(p *Principal, t scope.Target, scopes ...string) error {
	if p == nil {
		return hub.Errorf(hub.Forbidden, "Missing or invalid credentials.")
	}
	switch p.Scopes.Check(t, p.members, scopes...) {
	case scope.Allowed:
		return nil
	case scope.NotFound:
		return hub.Errorf(hub.NotFound, "No access to resources or resources not found")
	default:
		return hub.Errorf(hub.Forbidden, "Action is not authorized with current scopes; requires any of [%s]", strings.Join(scopes, ", "))
	}
}

// FromRequest says who calls the API: by token, else by cookie. nil means nobody.
// JupyterHub REST API, transport rules: an unknown token is ignored and the cookie tried; a POST whose Content-Type is not
// JSON does not count as the cookie's user, because a form of another site could send it.
func (a *Auth) FromRequest(w http.ResponseWriter, r *http.Request) (*Principal, error) {
	if p, err := a.fromToken(r); p != nil || err != nil {
		return p, err
	}
	if r.Method == http.MethodPost && !jsonBody(r) {
		return nil, nil
	}
	return a.FromPage(w, r)
}

func jsonBody(r *http.Request) bool {
	ct := r.Header.Get("Content-Type")
	if ct == "" {
		return true
	}
	return slices.ContainsFunc(strings.Split(ct, ";"), func(f string) bool {
		return strings.HasPrefix(strings.TrimSpace(f), "application/json")
	})
}

// fromToken says whose token a request carries. nil means that it carries none that is valid.
func (a *Auth) fromToken(r *http.Request) (*Principal, error) {
	plain := bearer(r.Header.Get("Authorization"))
	if !secret.ValidTokenLength(plain) {
		return nil, nil
	}
	now := a.cfg.Now()
	p, key, generation := a.cache.token(plain)
	if p == nil {
		var err error
		if p, err = a.loadToken(r.Context(), plain); p == nil || err != nil {
			return nil, err
		}
		a.cache.keepToken(key, p, generation)
	}
	if !p.Token.Expires.IsZero() && !p.Token.Expires.After(now) {
		return nil, nil
	}
	a.noteToken(p, now)
	a.acts(r, p)
	return p, nil
}

// bearer gives the token of an Authorization header: token or Bearer, any case, then one word.
func bearer(header string) string {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(header), " ")
	if !ok || !strings.EqualFold(scheme, "token") && !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	rest = strings.TrimSpace(rest)
	if strings.ContainsAny(rest, " \t") {
		return ""
	}
	return rest
}

// loadToken reads a token and computes what it may do now. nil without an error: there is no such token.
func (a *Auth) loadToken(ctx context.Context, plain string) (*Principal, error) {
	t, err := a.db.TokenByPlain(ctx, plain, a.cfg.Now())
	if err != nil {
		if hub.CodeOf(err) == hub.NotFound {
			return nil, nil
		}
		return nil, fmt.Errorf("look up a token: %w", err)
	}
	client, err := a.clientOf(ctx, t)
	if err != nil {
		return nil, err
	}
	p := &Principal{Token: t, SessionID: t.SessionID, members: a.Members()}
	var owner scope.Owner
	w := &who{}
	if t.UserID != 0 {
		w, err = a.lookUp(ctx, t.UserID)
	} else {
		w, err = a.lookUpService(ctx, t.ServiceID)
	}
	if err != nil {
		return nil, err
	}
	p.User, p.Service, p.Groups = w.user, w.service, w.groups
	if w.user != nil {
		owner.User = w.user.Name
	} else {
		owner.Service = w.service.Name
	}
	p.Scopes = scope.TokenScopes(t.Scopes, w.scopes, owner, client, a.cfg.Custom, p.members)
	return p, nil
}

// ScopesOfToken gives what a user's token may do now, for showing it.
func (a *Auth) ScopesOfToken(ctx context.Context, u *hub.User, t *hub.Token) (scope.Set, error) {
	held, err := a.ScopesOf(ctx, u.ID)
	if err != nil {
		return scope.Set{}, err
	}
	client, err := a.clientOf(ctx, t)
	if err != nil {
		return scope.Set{}, err
	}
	return scope.TokenScopes(t.Scopes, held, scope.Owner{User: u.Name}, client, a.cfg.Custom, a.Members()), nil
}

// clientOf finds the server or service that a token's OAuth client stands for; a server's own token counts as its client's.
func (a *Auth) clientOf(ctx context.Context, t *hub.Token) (scope.Client, error) {
	if t.ClientID == "" || t.ClientID == hub.PlainClient {
		return scope.Client{}, nil
	}
	c, err := a.db.ClientByID(ctx, t.ClientID)
	if err != nil {
		if hub.CodeOf(err) == hub.NotFound {
			return scope.Client{}, nil
		}
		return scope.Client{}, fmt.Errorf("look up a token's client: %w", err)
	}
	return a.ScopeClient(ctx, c)
}

// ScopeClient says which server or service an OAuth client stands for.
func (a *Auth) ScopeClient(ctx context.Context, c *hub.Client) (scope.Client, error) {
	if c.ServerID == 0 {
		return scope.Client{Service: c.Service}, nil
	}
	srv, err := a.db.ServerByID(ctx, c.ServerID)
	if err != nil {
		return scope.Client{}, fmt.Errorf("look up a client's server: %w", err)
	}
	return scope.Client{User: srv.Key.User, Server: srv.Key.Server, IsServer: true}, nil
}

// lookUp gives everything about a user that scopes are computed from.
func (a *Auth) lookUp(ctx context.Context, userID int64) (*who, error) {
	if w, _ := a.cache.user(userID); w != nil {
		return w, nil
	}
	_, generation := a.cache.user(userID)
	u, err := a.db.UserByID(ctx, userID)
	if err != nil {
		return nil, err
	}
	access, err := a.db.AccessOfUser(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("look up what %s may do: %w", u.Name, err)
	}
	w := &who{user: u, groups: access.Groups, raw: rawScopes(access), scopes: a.expand(access, scope.Owner{User: u.Name})}
	a.cache.keepUser(w, generation)
	return w, nil
}

func (a *Auth) lookUpService(ctx context.Context, id int64) (*who, error) {
	s, err := a.db.ServiceByID(ctx, id)
	if err != nil {
		return nil, err
	}
	access, err := a.db.AccessOfService(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("look up what service %s may do: %w", s.Name, err)
	}
	return &who{service: s, scopes: a.expand(access, scope.Owner{Service: s.Name})}, nil
}

// rawScopes gives the raw scopes of roles and shares together.
func rawScopes(access *store.Access) []string {
	raw := slices.Clone(access.Shares)
	for _, role := range slices.Concat(access.Roles, access.GroupRoles) {
		raw = append(raw, role.Scopes...)
	}
	return raw
}

// expand computes the effective scopes of an owner: direct roles, roles of groups, and shares.
func (a *Auth) expand(access *store.Access, owner scope.Owner) scope.Set {
	return scope.Expand(rawScopes(access), owner, scope.Client{}, a.cfg.Custom)
}

// RawScopes gives the raw scopes of a user's roles and shares, for the OAuth provider's limits. The caller may change the list.
func (a *Auth) RawScopes(ctx context.Context, userID int64) ([]string, error) {
	w, err := a.lookUp(ctx, userID)
	if err != nil {
		return nil, err
	}
	return slices.Clone(w.raw), nil
}

// ScopesOf gives what a user may do in a browser session.
func (a *Auth) ScopesOf(ctx context.Context, userID int64) (scope.Set, error) {
	w, err := a.lookUp(ctx, userID)
	if err != nil {
		return scope.Set{}, err
	}
	return w.scopes, nil
}

// Custom gives the configured custom scopes.
func (a *Auth) Custom() scope.Custom { return a.cfg.Custom }

// Members answers group membership from memory, and from the database on a first question.
func (a *Auth) Members() scope.Membership { return members{a} }

type members struct{ auth *Auth }

// InGroup says whether a user is in a group. A question that cannot be answered counts as no.
func (m members) InGroup(user, group string) bool {
	w := m.auth.cache.name(user)
	if w == nil {
		ctx, cancel := context.WithTimeout(m.auth.life, membershipTimeout)
		defer cancel()
		u, err := m.auth.db.UserByName(ctx, user)
		if err != nil {
			return false
		}
		if w, err = m.auth.lookUp(ctx, u.ID); err != nil {
			return false
		}
	}
	return slices.Contains(w.groups, group)
}
