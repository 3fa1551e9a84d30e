package admin

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// groups lists groups.
func (p *Pages) groups(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	all, filters := who.Scopes.Filters("list:groups")
	if !all && len(filters.Groups) == 0 {
		return auth.Require(who, scope.Anything(), "list:groups")
	}
	f := store.GroupFilter{Offset: offset(r), Limit: pageSize}
	if !all {
		f.Names = filters.Groups
	}
	found, total, err := p.db.Groups(r.Context(), f)
	if err != nil {
		return err
	}
	if !all {
		total = len(filters.Groups)
	}
	page := &web.AdminGroupsPage{
		AdminFrame: p.frame(w, r, who, "groups"), MayAdd: who.Has("admin:groups", scope.Anything()), Fixed: p.cfg.FixedGroups,
		Paging: paging(p.hub+"admin/groups", url.Values{}, len(found), total, f.Offset),
	}
	for _, g := range found {
		row := web.AdminGroup{Name: g.Name, Users: -1}
		if who.Has("read:groups", scope.OfGroup(g.Name)) {
			row.Users = len(g.Users)
		}
		page.Groups = append(page.Groups, row)
	}
	return p.render.Render(w, r, http.StatusOK, page)
}

// group shows one group.
func (p *Pages) group(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	target := scope.OfGroup(r.PathValue("group"))
	if err := auth.Require(who, target, "list:groups", "read:groups", "read:groups:name"); err != nil {
		return err
	}
	g, err := p.db.GroupByName(r.Context(), target.Group)
	if err != nil {
		return err
	}
	page := &web.AdminGroupPage{
		AdminFrame: p.frame(w, r, who, "groups"), Name: g.Name, Fixed: p.cfg.FixedGroups,
		SeesMembers: who.Has("read:groups", target), SeesRoles: who.Has("read:roles:groups", target),
		MayChange: who.Has("groups", target), MayDelete: who.Has("delete:groups", target),
	}
	if page.SeesMembers {
		page.Members, page.Properties = g.Users[:min(len(g.Users), maxHolders)], g.Properties
		page.More = len(g.Users) - len(page.Members)
	}
	if page.SeesRoles {
		page.Roles = g.Roles
	}
	return p.render.Render(w, r, http.StatusOK, page)
}

// addGroup makes a group without members.
func (p *Pages) addGroup(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	if err := auth.Require(who, scope.Anything(), "admin:groups"); err != nil {
		return err
	}
	name := strings.TrimSpace(r.PostFormValue("group"))
	if name == "" || !utf8.ValidString(name) || strings.ContainsAny(name, "\x00/") {
		return hub.Errorf(hub.Invalid, "A group's name is text without a slash. Go back and choose another name.")
	}
	if err := p.db.CreateGroups(r.Context(), []string{name}, nil); err != nil {
		return err
	}
	p.lead(w, p.hub+"admin/groups/"+url.PathEscape(name))
	return nil
}

// changeMembers adds users to a group or removes them, all or none of them.
func (p *Pages) changeMembers(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	name := r.PathValue("group")
	if err := auth.Require(who, scope.OfGroup(name), "groups"); err != nil {
		return err
	}
	names, change := fields(r.PostFormValue("names")), r.PostFormValue("change")
	if len(names) == 0 || change != "add" && change != "remove" {
		return hub.Errorf(hub.Invalid, "The form does not say whom to add or remove. Go back, write the names and send it again.")
	}
	users := make([]*hub.User, len(names))
	for i, given := range names {
		u, err := p.db.UserByName(r.Context(), p.auth.KnownAs(given))
		if hub.CodeOf(err) == hub.NotFound {
			return hub.Errorf(hub.Invalid, "There is no user %s, so nobody was changed. Go back and check the spelling.", given)
		}
		if err != nil {
			return err
		}
		users[i], names[i] = u, u.Name
	}
	if change == "add" {
		if err := p.auth.MayAddTo(r.Context(), who, name, users); err != nil {
			return err
		}
	}
	if err := p.db.ChangeMembers(r.Context(), name, names, change == "add"); err != nil {
		return err
	}
	p.back(w, r, "admin/groups")
	return nil
}

// deleteGroup deletes a group with its memberships, roles and shares.
func (p *Pages) deleteGroup(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	name := r.PathValue("group")
	if err := auth.Require(who, scope.OfGroup(name), "delete:groups"); err != nil {
		return err
	}
	if err := p.auth.MayHoldGroup(r.Context(), who, name); err != nil {
		return err
	}
	if err := p.db.DeleteGroup(r.Context(), name); err != nil {
		return err
	}
	p.lead(w, p.hub+"admin/groups")
	return nil
}
