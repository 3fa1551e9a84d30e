package admin

import (
	"net/http"

	"berdlhub/internal/hub"
	"berdlhub/internal/web"
)

// loadSessions adds the browsers in which the user is signed in.
func (p *Pages) loadSessions(r *http.Request, u *hub.User, page *web.AdminUserPage) error {
	if !page.MaySignOut {
		return nil
	}
	sessions, err := p.db.SessionsOfUser(r.Context(), u.ID)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		page.Sessions = append(page.Sessions, web.SessionView{Agent: web.BrowserInWords(s.Agent), Address: s.Address, Created: s.Created, LastSeen: s.LastSeen, Expires: s.Expires})
	}
	return nil
}
