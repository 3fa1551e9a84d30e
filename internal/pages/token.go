package pages

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/web"
)

// lives are the lives of a token that the page offers, in seconds; 0 is for ever.
var lives = []struct {
	label   string
	seconds int64
}{{"1 hour", 3600}, {"1 day", 86400}, {"1 week", 7 * 86400}, {"1 month", 30 * 86400}, {"1 year", 365 * 86400}, {"Never", 0}}

// tokens lists the visitor's tokens. JupyterHub's web contract: GET /hub/token.
func (p *Pages) tokens(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	return p.tokenPage(w, r, who, http.StatusOK, &web.TokenPage{})
}

func (p *Pages) tokenPage(w http.ResponseWriter, r *http.Request, who *auth.Principal, status int, page *web.TokenPage) error {
	list, err := p.db.TokensOfUser(r.Context(), who.User.ID, time.Now())
	if err != nil {
		return err
	}
	page.Frame = p.Frame(w, r, who)
	page.Expiries = p.expiries()
	seen := map[string]bool{}
	for _, t := range slices.Backward(list) {
		if t.ClientID == hub.PlainClient {
			page.Tokens = append(page.Tokens, web.TokenView{ID: tokenID(t), Note: t.Note, Scopes: t.Scopes, Created: t.Created, LastActivity: t.LastActivity, Expires: t.Expires})
			continue
		}
		if seen[t.ClientID] {
			continue
		}
		seen[t.ClientID] = true
		view, err := p.clientView(r, t)
		if err != nil {
			return err
		}
		page.Clients = append(page.Clients, view)
	}
	return p.render.Render(w, r, status, page)
}

func (p *Pages) clientView(r *http.Request, t *hub.Token) (web.ClientView, error) {
	view := web.ClientView{TokenID: tokenID(t), Description: t.ClientID, Created: t.Created, LastActivity: t.LastActivity}
	c, err := p.db.ClientByID(r.Context(), t.ClientID)
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return view, err
	}
	if err == nil && c.Description != "" {
		view.Description = c.Description
	}
	return view, nil
}

// expiries gives the lives that the limit allows.
func (p *Pages) expiries() []web.Choice {
	var out []web.Choice
	limit := int64(p.cfg.TokenLimit.Seconds())
	for _, life := range lives {
		if limit > 0 && (life.seconds == 0 || life.seconds > limit) {
			continue
		}
		value := ""
		if life.seconds > 0 {
			value = strconv.FormatInt(life.seconds, 10)
		}
		out = append(out, web.Choice{Value: value, Label: life.label, Selected: life.seconds == 30*86400})
	}
	return out
}

// tokenID is a token's id in the API. JupyterHub REST API: "a" and the row's number.
func tokenID(t *hub.Token) string { return "a" + strconv.FormatInt(t.ID, 10) }

// requestToken makes a token and shows it once.
func (p *Pages) requestToken(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	if err := auth.Require(who, scope.OfUser(who.User.Name), "tokens"); err != nil {
		return err
	}
	page := &web.TokenPage{Form: web.TokenForm{Note: r.PostFormValue("note"), Scopes: r.PostFormValue("scopes")}}
	req := auth.TokenRequest{Note: page.Form.Note, Scopes: strings.Fields(page.Form.Scopes), Limit: p.cfg.TokenLimit}
	if life := r.PostFormValue("expires_in"); life != "" {
		seconds, err := strconv.ParseInt(life, 10, 32)
		if err != nil || seconds <= 0 {
			page.Error = "The life of a token is a whole number of seconds."
			return p.tokenPage(w, r, who, http.StatusBadRequest, page)
		}
		req.Expires = time.Duration(seconds) * time.Second
	}
	plain, _, err := p.auth.Mint(r.Context(), who, who.User, req)
	if hub.CodeOf(err) == hub.Invalid && err != nil {
		page.Error = hub.MessageOf(err)
		return p.tokenPage(w, r, who, http.StatusBadRequest, page)
	}
	if err != nil {
		return err
	}
	return p.tokenPage(w, r, who, http.StatusOK, &web.TokenPage{NewToken: plain})
}

// revokeToken takes a token back; one of an application takes all of the application's back.
func (p *Pages) revokeToken(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	if err := auth.Require(who, scope.OfUser(who.User.Name), "tokens"); err != nil {
		return err
	}
	id, err := strconv.ParseInt(strings.TrimPrefix(r.PostFormValue("token_id"), "a"), 10, 64)
	if err != nil {
		return hub.Errorf(hub.Invalid, "The form names no token.")
	}
	t, err := p.db.TokenByID(r.Context(), id)
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return err
	}
	if err != nil || t.UserID != who.User.ID {
		return hub.Errorf(hub.NotFound, "There is no such token. It may be gone already.")
	}
	if t.ClientID == hub.PlainClient {
		err = p.db.DeleteToken(r.Context(), id)
	} else {
		err = p.db.DeleteTokensOfClient(r.Context(), who.User.ID, t.ClientID)
	}
	if err != nil {
		return fmt.Errorf("delete a token: %w", err)
	}
	redirect(w, p.hub+"token")
	return nil
}
