package pages

import (
	"cmp"
	"errors"
	"net/http"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/web"
)

// login shows the sign-in page; whoever is signed in goes on.
func (p *Pages) login(w http.ResponseWriter, r *http.Request) error {
	who, err := p.auth.FromPage(w, r)
	if err != nil {
		return err
	}
	if who == nil {
		return p.loginPage(w, r, http.StatusOK, "")
	}
	p.auth.XSRF(w, r, who)
	return p.goOn(w, r, who.User)
}

// goOn leads a user who has just come in to where he wanted to go.
func (p *Pages) goOn(w http.ResponseWriter, r *http.Request, u *hub.User) error {
	if next := p.next(r); next != "" {
		redirect(w, next)
		return nil
	}
	target, err := p.defaultTarget(r, u)
	if err != nil {
		return err
	}
	redirect(w, target)
	return nil
}

func (p *Pages) loginPage(w http.ResponseWriter, r *http.Request, status int, problem string) error {
	page := &web.LoginPage{
		Frame: p.Frame(w, r, nil), Next: p.next(r), Error: problem,
		Username: r.PostFormValue("username"), InsecureHTTP: !p.auth.Secure(r) && !loopback(r),
	}
	if p.cfg.SignIn != nil {
		view := p.cfg.SignIn.SignInView(r, page.Next)
		if status == http.StatusUnauthorized {
			view.HasSession = false // the service does not know it: the way on is a new one
		}
		page.SignIn = &view
	}
	return p.render.Render(w, r, status, page)
}

// signIn takes the sign-in form. JupyterHub's web contract: POST /hub/login; a wrong name or password is a 403 with the
// form, a form without a valid _xsrf too. BERDL: no session of KBase is a 401.
func (p *Pages) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := web.ReadForm(w, r); err != nil {
		return err
	}
	who, err := p.auth.FromPage(w, r) // whoever signs in as somebody else has the form of a page that knows him
	if err != nil {
		return err
	}
	if err := p.auth.CheckPage(r, who); err != nil {
		if !auth.SameOrigin(r) {
			return err
		}
		return p.loginPage(w, r, http.StatusForbidden, "Login form invalid or expired. Try again.")
	}
	u, err := p.auth.SignIn(w, r)
	if err == nil {
		return p.goOn(w, r, u)
	}
	return p.signInFailed(w, r, err)
}

func (p *Pages) signInFailed(w http.ResponseWriter, r *http.Request, err error) error {
	var mfa *hub.MFARequired
	code := hub.CodeOf(err)
	p.cfg.Log.InfoContext(r.Context(), "sign-in refused", "code", code, "err", err)
	switch {
	case errors.As(err, &mfa):
		redirect(w, p.hub+"mfa-required?"+query("mfa_status", mfa.Status))
		return nil
	case p.cfg.SignIn == nil && (code == hub.Unauthorized || code == hub.Forbidden):
		return p.loginPage(w, r, http.StatusForbidden, cmp.Or(hub.MessageOf(err), "Invalid username or password"))
	case code == hub.Forbidden:
		view := p.cfg.SignIn.SignInView(r, p.next(r))
		return p.render.Render(w, r, http.StatusForbidden, &web.RefusedPage{
			Frame: p.Frame(w, r, nil), Message: hub.MessageOf(err), Service: view.Service, SwitchURL: view.SwitchURL,
		})
	case code == hub.Unauthorized || code == hub.Unavailable:
		return p.loginPage(w, r, code.Status(), hub.MessageOf(err))
	default:
		return err
	}
}

// mfaRequired says that a second factor is needed. BERDL: GET /hub/mfa-required, no sign-in needed.
func (p *Pages) mfaRequired(w http.ResponseWriter, r *http.Request) error {
	status := cmp.Or(r.URL.Query().Get("mfa_status"), "Unknown")
	if len(status) > 40 {
		status = "Unknown"
	}
	page := &web.MFAPage{Frame: p.ErrorFrame(w, r), Status: status}
	if p.cfg.SignIn != nil {
		page.ServiceURL = p.cfg.SignIn.SignInView(r, "").SwitchURL
	}
	return p.render.Render(w, r, http.StatusOK, page)
}

// logout ends the session. JupyterHub's web contract: GET, for nobody too. A request that another site made is refused.
func (p *Pages) logout(w http.ResponseWriter, r *http.Request) error {
	who, err := p.auth.FromPage(w, r)
	if err != nil {
		return err
	}
	if !auth.SameOrigin(r) && who != nil {
		return hub.Errorf(hub.Forbidden, "Another site asked to sign you out. Use the hub's own page to sign out.")
	}
	return p.leave(w, r, who)
}

// leave ends this browser's session and leads to the sign-in page.
func (p *Pages) leave(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	if err := p.auth.SignOut(w, r); err != nil {
		return err
	}
	if who != nil && p.cfg.ShutdownOnLogout {
		if err := p.stopAll(r, who.User); err != nil {
			return err
		}
	}
	redirect(w, p.hub+"login")
	return nil
}

func (p *Pages) stopAll(r *http.Request, u *hub.User) error {
	servers, err := p.db.ServersOfUser(r.Context(), u.ID)
	if err != nil {
		return err
	}
	for _, srv := range servers {
		if !srv.Active() {
			continue
		}
		if _, err := p.spawn.Stop(r.Context(), srv.Key, "Stopped at sign-out."); err != nil {
			return err
		}
	}
	return nil
}
