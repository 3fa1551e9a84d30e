package admin

import (
	"net/http"
	"strconv"

	"berdlhub/internal/auth"
	"berdlhub/internal/scope"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// seesAudit says whether somebody may read the audit log: it tells of every user and every server.
func seesAudit(who *auth.Principal) bool {
	return who.Has("admin:users", scope.Anything()) && who.Has("admin:servers", scope.Anything())
}

// audit shows the audit log, newest first.
func (p *Pages) audit(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	for _, needed := range []string{"admin:users", "admin:servers"} {
		if err := auth.Require(who, scope.Anything(), needed); err != nil {
			return err
		}
	}
	page := &web.AdminAuditPage{AdminFrame: p.frame(w, r, who, "audit")}
	for name, into := range map[string]*string{"actor": &page.Actor, "target": &page.Target, "action": &page.Action} {
		var err error
		if *into, err = text(r, name); err != nil {
			return err
		}
	}
	before, err := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	if err != nil {
		before = 0
	}
	f := store.AuditFilter{Before: before, Actor: page.Actor, Target: page.Target, Action: page.Action, Limit: pageSize + 1}
	entries, err := p.db.AuditLog(r.Context(), f)
	if err != nil {
		return err
	}
	path, q := p.hub+"admin/audit", r.URL.Query()
	if before > 0 {
		page.Newest = with(path, q, "before", "")
	}
	if len(entries) > pageSize {
		entries = entries[:pageSize]
		page.Older = with(path, q, "before", strconv.FormatInt(entries[pageSize-1].ID, 10))
	}
	for _, e := range entries {
		page.Entries = append(page.Entries, web.AuditLine{
			At: e.At, Kind: e.Actor.Kind, Name: e.Actor.Name, Token: e.Actor.Token, Address: e.Actor.Address, Action: e.Action, Target: e.Target,
			Detail: string(e.Detail), Request: e.Actor.RequestID,
		})
	}
	return p.render.Render(w, r, http.StatusOK, page)
}
