package oauth

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/secret"
)

// request is an authorization request whose client and redirect URI are known to be good.
type request struct {
	client    *hub.Client
	owner     scope.Client // the server or service that the client stands for
	scopes    []string     // raw, as they will be on the token
	state     string
	challenge string
	method    string
}

// Authorize is the page that a browser is sent to. JupyterHub's OAuth contract: GET and POST /hub/api/oauth2/authorize.
// It knows the sign-in cookie only; nobody is sent to sign in and comes back.
func (p *Provider) Authorize(w http.ResponseWriter, r *http.Request) error {
	who, err := p.auth.FromPage(w, r)
	if err != nil {
		return err
	}
	if who == nil {
		if r.Method == http.MethodPost {
			return hub.Errorf(hub.Forbidden, "You are not signed in. Go back, sign in and try again.")
		}
		http.Redirect(w, r, p.cfg.BaseURL+"hub/login?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusFound)
		return nil
	}
	if err := p.auth.CheckPage(r, who); err != nil {
		return err
	}
	req, err := p.read(r, who)
	if err != nil {
		return p.refuse(w, req, err)
	}
	if err := p.mayEnter(who, req); err != nil {
		return err
	}
	if err := p.limit(r.Context(), who, req); err != nil {
		return err
	}
	if r.Method == http.MethodPost {
		if err := p.consented(r, req); err != nil {
			return p.refuse(w, req, err)
		}
		return p.issue(w, r, who, req)
	}
	ask, err := p.mustAsk(r.Context(), who, req)
	if err != nil {
		return err
	}
	if !ask {
		return p.issue(w, r, who, req)
	}
	return p.cfg.Consent(w, r, who, Consent{
		Client: req.client.Description, Raw: req.scopes, XSRF: p.auth.XSRF(w, r, who),
		Scopes: scope.Describe(req.scopes, scope.Owner{User: who.User.Name}, p.auth.Custom()),
	})
}

// refuse answers a request that is wrong: an error of the protocol goes back to the client, others become an error page.
func (p *Provider) refuse(w http.ResponseWriter, req *request, err error) error {
	perr, ok := err.(*protocolError) //nolint:errorlint // made in this package and never wrapped
	if !ok {
		return err
	}
	query := url.Values{"error": {perr.Code}}
	if perr.Description != "" {
		query.Set("error_description", perr.Description)
	}
	if req.state != "" {
		query.Set("state", req.state)
	}
	redirect(w, req.client.RedirectURI, query)
	return nil
}

// read checks the request's parameters. Until client and redirect URI are known to be good nothing is sent anywhere.
func (p *Provider) read(r *http.Request, who *auth.Principal) (*request, error) {
	q := r.URL.Query()
	client, err := p.db.ClientByID(r.Context(), q.Get("client_id"))
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return nil, fmt.Errorf("look up an OAuth client: %w", err)
	}
	if err != nil || !usable(client) {
		return nil, hub.Errorf(hub.Invalid, "Invalid client_id parameter value. The link that led here names an application that this hub does not know; open your server or the service again from the home page.")
	}
	if uri := q.Get("redirect_uri"); uri != "" && uri != client.RedirectURI {
		return nil, hub.Errorf(hub.Invalid, "Mismatching redirect URI. The application is not set up to come back to the address that it named.")
	}
	req := &request{client: client, state: q.Get("state"), challenge: q.Get("code_challenge"), method: q.Get("code_challenge_method")}
	if req.owner, err = p.auth.ScopeClient(r.Context(), client); err != nil {
		return nil, err
	}
	if err := p.readFlow(req, q); err != nil {
		return req, err
	}
	return req, p.readScopes(r.Context(), req, q.Get("scope"), who)
}

// readFlow checks which flow is asked for, and its PKCE challenge.
func (p *Provider) readFlow(req *request, q url.Values) error {
	switch {
	case !q.Has("response_type"):
		return &protocolError{invalidRequest, "Missing response_type parameter."}
	case q.Get("response_type") != "code":
		return &protocolError{Code: unsupportedResponseType}
	case p.cfg.RequirePKCE && req.challenge == "":
		return &protocolError{invalidRequest, "Code challenge required."}
	case req.challenge != "" && req.method == "":
		req.method = secret.PKCEPlain
	}
	if req.challenge != "" && req.method != secret.PKCES256 && req.method != secret.PKCEPlain {
		return &protocolError{invalidRequest, "Transform algorithm not supported."}
	}
	return nil
}

// required are the scopes that every token of a client holds.
func (req *request) required() []string {
	return append(scope.IdentifyRaw(), req.owner.Access())
}

// readScopes finds which raw scopes are asked for: as scopes or as names of the user's roles; without any, all that the client may have.
func (p *Provider) readScopes(ctx context.Context, req *request, param string, who *auth.Principal) error {
	var asked []string
	for s := range strings.FieldsSeq(param) {
		if s != "identify" {
			asked = append(asked, s)
		}
	}
	if len(asked) == 0 {
		req.scopes = req.everything()
		return nil
	}
	if scope.Validate(asked, p.auth.Custom()) != nil {
		roles, err := p.rolesAsScopes(ctx, asked, who)
		if err != nil {
			return err
		}
		if roles == nil {
			return &protocolError{Code: invalidScope}
		}
		asked = roles
	}
	req.scopes = unique(append(req.required(), asked...))
	may := scope.Expand(append(req.required(), req.client.AllowedScopes...), scope.Owner{User: who.User.Name}, req.owner, p.auth.Custom())
	wants := scope.Expand(req.scopes, scope.Owner{User: who.User.Name}, req.owner, p.auth.Custom())
	if !may.Contains(wants, p.auth.Members()) {
		return &protocolError{Code: invalidScope}
	}
	return nil
}

// everything is what a client gets that names no scopes.
func (req *request) everything() []string {
	if slices.Contains(req.client.AllowedScopes, scope.Inherit) {
		return slices.Clone(req.client.AllowedScopes)
	}
	return unique(append(req.required(), req.client.AllowedScopes...))
}

// rolesAsScopes reads the words as roles of the user; nil when one of them is none.
func (p *Provider) rolesAsScopes(ctx context.Context, names []string, who *auth.Principal) ([]string, error) {
	access, err := p.db.AccessOfUser(ctx, who.User.ID)
	if err != nil {
		return nil, fmt.Errorf("look up the user's roles: %w", err)
	}
	var raw []string
	for _, name := range names {
		i := slices.IndexFunc(access.Roles, func(r hub.Role) bool { return r.Name == name })
		if i < 0 {
			return nil, nil
		}
		raw = append(raw, access.Roles[i].Scopes...)
	}
	return raw, nil
}

// mayEnter refuses a user who may not use the server or service. JupyterHub's OAuth contract: a page with status 403.
func (p *Provider) mayEnter(who *auth.Principal, req *request) error {
	target, base := scope.OfServer(req.owner.User, req.owner.Server), "access:servers"
	if !req.owner.IsServer {
		target, base = scope.OfService(req.owner.Service), "access:services"
	}
	if who.Has(base, target) {
		return nil
	}
	return hub.Errorf(hub.Forbidden, "You do not have permission to access %s", req.client.Description)
}

// limit drops the scopes that the user does not hold. JupyterHub's OAuth contract: silently.
func (p *Provider) limit(ctx context.Context, who *auth.Principal, req *request) error {
	held, err := p.auth.RawScopes(ctx, who.User.ID)
	if err != nil {
		return err
	}
	held = append(append(held, scope.Inherit), req.required()...)
	req.scopes, _ = scope.Grant(req.scopes, held, scope.Owner{User: who.User.Name}, req.owner, p.auth.Custom(), p.auth.Members())
	return nil
}

// mustAsk says whether the user has to consent: not for an own server, not for a service that is trusted by configuration,
// and not when the user's tokens of this client already cover the request.
func (p *Provider) mustAsk(ctx context.Context, who *auth.Principal, req *request) (bool, error) {
	if req.owner.IsServer && req.owner.User == who.User.Name {
		return false, nil
	}
	if req.owner.Service != "" {
		service, err := p.db.ServiceByName(ctx, req.owner.Service)
		if err != nil {
			return false, fmt.Errorf("look up the client's service: %w", err)
		}
		if service.NoConfirm {
			return false, nil
		}
	}
	tokens, err := p.db.TokensOfUserAndClient(ctx, who.User.ID, req.client.ID)
	if err != nil {
		return false, fmt.Errorf("look up the user's tokens of a client: %w", err)
	}
	var given []string
	for _, t := range tokens {
		given = append(given, t.Scopes...)
	}
	owner := scope.Owner{User: who.User.Name}
	covered := scope.Expand(given, owner, req.owner, p.auth.Custom()).Contains(scope.Expand(req.scopes, owner, req.owner, p.auth.Custom()), p.auth.Members())
	return len(tokens) == 0 || !covered, nil
}

// consented replaces the asked scopes by those that the form came back with, which must be among them.
func (p *Provider) consented(r *http.Request, req *request) error {
	if err := r.ParseForm(); err != nil {
		return hub.Errorf(hub.Invalid, "The form could not be read. Go back and try again.")
	}
	chosen := scope.IdentifyRaw()
	for _, s := range r.PostForm["scopes"] {
		if !slices.Contains(req.scopes, s) {
			return &protocolError{Code: invalidScope}
		}
		chosen = append(chosen, s)
	}
	req.scopes = unique(chosen)
	return nil
}

// issue stores a code and sends the browser back with it.
func (p *Provider) issue(w http.ResponseWriter, r *http.Request, who *auth.Principal, req *request) error {
	code := &hub.AuthorizationCode{
		Code: secret.NewCode(), ClientID: req.client.ID, UserID: who.User.ID, RedirectURI: req.client.RedirectURI,
		SessionID: who.SessionID, Scopes: req.scopes, Challenge: req.challenge, ChallengeMethod: req.method,
		Expires: p.cfg.Now().Add(codeLifetime),
	}
	if err := p.db.CreateCode(r.Context(), code); err != nil {
		return fmt.Errorf("store an authorization code: %w", err)
	}
	query := url.Values{"code": {code.Code}}
	if req.state != "" {
		query.Set("state", req.state)
	}
	redirect(w, req.client.RedirectURI, query)
	return nil
}

func unique(in []string) []string {
	slices.Sort(in)
	return slices.Compact(in)
}
