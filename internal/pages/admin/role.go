package admin

import (
	"net/http"
	"slices"
	"strings"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// maxHolders is how many holders of a role, or members of a group, a page names.
const maxHolders = 100

// roleChange says which scope changes who holds roles among each kind.
var roleChange = map[store.RoleKind]string{
	store.RoleOfUser: "admin:users", store.RoleOfGroup: "admin:groups", store.RoleOfService: "admin:services",
}

// seesRoles says whether somebody may see who holds which role.
func seesRoles(who *auth.Principal) bool {
	return who.Has("read:roles", scope.Anything())
}

// roles lists roles.
func (p *Pages) roles(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	if err := auth.Require(who, scope.Anything(), "read:roles"); err != nil {
		return err
	}
	all, err := p.db.RoleSummaries(r.Context())
	if err != nil {
		return err
	}
	page := &web.AdminRolesPage{AdminFrame: p.frame(w, r, who, "roles")}
	for _, role := range all {
		page.Roles = append(page.Roles, summary(role))
	}
	return p.render.Render(w, r, http.StatusOK, page)
}

func summary(r store.RoleSummary) web.AdminRole {
	return web.AdminRole{Name: r.Name, Description: r.Description, Users: r.Users, Groups: r.Groups, Services: r.Services}
}

// findRole gives the role that a path names.
func (p *Pages) findRole(r *http.Request) (*store.RoleSummary, error) {
	all, err := p.db.RoleSummaries(r.Context())
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(s store.RoleSummary) bool { return s.Name == r.PathValue("role") })
	if i < 0 {
		return nil, hub.Errorf(hub.NotFound, "There is no such role. Choose one from the list of roles.")
	}
	return &all[i], nil
}

// role shows one role and who holds it.
func (p *Pages) role(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	if err := auth.Require(who, scope.Anything(), "read:roles"); err != nil {
		return err
	}
	role, err := p.findRole(r)
	if err != nil {
		return err
	}
	page := &web.AdminRolePage{
		AdminFrame: p.frame(w, r, who, "roles"), Role: summary(*role), Excess: p.excess(who, role.Scopes, ""), Keeps: p.keeps(role),
		ByTokens: byTokens(role.Name),
	}
	for _, d := range scope.Describe(role.Scopes, scope.Owner{}, p.auth.Custom()) {
		page.Scopes = append(page.Scopes, web.ScopeView{Scope: d.Scope, Description: d.Description, Filter: d.Filter})
	}
	for _, h := range []struct {
		kind       store.RoleKind
		title, url string
		count      int
	}{
		{store.RoleOfUser, "Users", "admin/users/", role.Users},
		{store.RoleOfGroup, "Groups", "admin/groups/", role.Groups},
		{store.RoleOfService, "Services", "", role.Services},
	} {
		names, err := p.db.MembersOfRole(r.Context(), role.Name, h.kind, maxHolders)
		if err != nil {
			return err
		}
		page.Holders = append(page.Holders, web.RoleHolders{Kind: string(h.kind), Title: h.title, Names: names, More: max(0, h.count-len(names)), URL: h.url})
		page.MayChange = page.MayChange || who.Scopes.HasAny(roleChange[h.kind])
	}
	return p.render.Render(w, r, http.StatusOK, page)
}

// byTokens says that only tokens and servers have a role.
func byTokens(role string) bool { return role == scope.RoleToken || role == scope.RoleServer }

// keeps says what becomes of a role's members when the hub starts again.
func (p *Pages) keeps(role *store.RoleSummary) string {
	switch {
	case byTokens(role.Name):
		return "Nobody holds this role: it says what tokens or servers may do that were given no permissions of their own."
	case role.Managed:
		return "The sign-in service gives this role: what you change here lasts until somebody signs in again."
	case slices.Contains(p.cfg.ConfiguredRoles, role.Name):
		return "The configuration names the members of this role: they are as it says when the hub starts again. Make a change there, too (JupyterHub.load_roles), if it is to last."
	}
	return "Users keep this role when the hub starts again; groups and services that are to keep it stand in the configuration (JupyterHub.load_roles)."
}

// nobody is no user's name: what is meant for the holder of a role reaches only as far as for somebody unknown.
const nobody = "/"

// excess lists what a role permits and who is asking does not hold; for a holder who is a user, what is meant for the user's own
// things is looked at for that user. An empty name stands for anybody. An administrator may give everything.
func (p *Pages) excess(who *auth.Principal, raw []string, user string) []string {
	if p.auth.FullAdmin(who) {
		return nil
	}
	owner := scope.Owner{User: user}
	if user == "" {
		owner.User = nobody
	}
	var list []string
	for _, s := range who.Scopes.Excess(scope.Expand(raw, owner, scope.Client{}, p.auth.Custom()), who.Members()) {
		list = append(list, strings.TrimSuffix(s, "!user="+nobody))
	}
	return list
}

// setRole gives or takes a role. Nobody gives or takes one that permits what he may not do himself.
func (p *Pages) setRole(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	kind, holder, change := store.RoleKind(r.PostFormValue("kind")), strings.TrimSpace(r.PostFormValue("name")), r.PostFormValue("change")
	needed, known := roleChange[kind]
	if !known || holder == "" || change != "add" && change != "remove" {
		return hub.Errorf(hub.Invalid, "The form does not say whom to give the role or from whom to take it. Fill it in and send it again.")
	}
	target := map[store.RoleKind]scope.Target{
		store.RoleOfUser: scope.OfUser(holder), store.RoleOfGroup: scope.OfGroup(holder), store.RoleOfService: scope.OfService(holder),
	}[kind]
	if err := auth.Require(who, target, needed); err != nil {
		return err
	}
	role, err := p.findRole(r)
	if err != nil {
		return err
	}
	if err := p.mayChange(who, role, kind, holder, change); err != nil {
		return err
	}
	if err := p.db.SetRoleMember(r.Context(), role.Name, kind, holder, change == "add"); err != nil {
		return err
	}
	p.back(w, r, "admin/roles")
	return nil
}

// mayChange says whether somebody may give or take a role whose kind of holder he may change. Errors: Invalid, Forbidden, Conflict.
func (p *Pages) mayChange(who *auth.Principal, role *store.RoleSummary, kind store.RoleKind, holder, change string) error {
	user := ""
	if kind == store.RoleOfUser {
		user = holder
	}
	if byTokens(role.Name) {
		return hub.Errorf(hub.Invalid, "The role %s says what %ss may do that were given no permissions of their own: nobody holds it. Choose another role.", role.Name, role.Name)
	}
	if excess := p.excess(who, role.Scopes, user); len(excess) > 0 {
		return hub.Errorf(hub.Forbidden, "The role %s permits what you may not do yourself: %s. Ask an administrator who may.", role.Name, strings.Join(excess, ", "))
	}
	if user == "" || role.Name != scope.RoleAdmin {
		return nil
	}
	switch {
	case !p.auth.FullAdmin(who):
		return hub.Errorf(hub.Forbidden, "Only an administrator makes others administrators.")
	case holder == who.User.Name && change == "remove":
		return hub.Errorf(hub.Conflict, "You cannot take the administration from yourself: ask another administrator.")
	}
	return nil
}
