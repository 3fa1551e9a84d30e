package admin

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// users lists users.
func (p *Pages) users(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	return p.usersPage(w, r, who, http.StatusOK, &web.AdminUsersPage{})
}

func (p *Pages) usersPage(w http.ResponseWriter, r *http.Request, who *auth.Principal, status int, page *web.AdminUsersPage) error {
	q := r.URL.Query()
	search, err := text(r, "q")
	if err != nil {
		return err
	}
	order := strings.TrimPrefix(q.Get("sort"), "-")
	f := store.UserSearch{
		Text: search, Show: q.Get("show"), Sort: order, Desc: strings.HasPrefix(q.Get("sort"), "-"), Offset: offset(r), Limit: pageSize,
	}
	f.Names, f.Groups = narrow(who, "list:users")
	found, total, err := p.db.SearchUsers(r.Context(), f)
	if err != nil {
		return err
	}
	if page.Users, err = p.rows(r, who, found); err != nil {
		return err
	}
	page.AdminFrame = p.frame(w, r, who, "users")
	if r.Method != http.MethodGet {
		page.Back = p.hub + "admin"
	}
	page.Text, page.Sort = f.Text, q.Get("sort")
	page.Shows = choices(
		f.Show, web.Choice{Label: "All"}, web.Choice{Value: "active", Label: "With a server that runs or starts"},
		web.Choice{Value: "ready", Label: "With a running server"}, web.Choice{Value: "inactive", Label: "Without one"},
		web.Choice{Value: "failed", Label: "Whose last start failed"}, web.Choice{Value: "admin", Label: "Administrators"},
	)
	page.Columns = columns(p.hub+"admin", q, cmp.Or(order, "name"), f.Desc)
	page.Paging = paging(p.hub+"admin", q, len(found), total, f.Offset)
	page.MayAdd, page.MayAdmins = who.Has("admin:users", scope.Anything()), p.auth.FullAdmin(who)
	return p.render.Render(w, r, status, page)
}

// columns gives the heads of the list of users. A column that is sorted by is turned around by its link.
func columns(path string, q url.Values, order string, desc bool) []web.Column {
	all := []struct{ label, key string }{{"Name", "name"}, {"Groups", ""}, {"Servers", ""}, {"Last active", "activity"}, {"Created", "created"}}
	out := make([]web.Column, len(all))
	for i, c := range all {
		out[i].Label = c.label
		if c.key == "" {
			continue
		}
		next := c.key
		switch {
		case c.key != order && c.key != "name": // of times the newest is looked for first
			next = "-" + c.key
		case c.key == order && desc:
			out[i].Sorted = "descending"
		case c.key == order:
			out[i].Sorted, next = "ascending", "-"+c.key
		}
		out[i].URL = with(path, q, "sort", next, "offset", "")
	}
	return out
}

// rows gives users with their groups and servers, as far as the visitor sees them, by one query for each.
func (p *Pages) rows(r *http.Request, who *auth.Principal, users []*hub.User) ([]web.AdminUser, error) {
	ids := make([]int64, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	groups, err := p.db.GroupsOfUsers(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	servers, err := p.db.ServersOfUsers(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	rows := make([]web.AdminUser, len(users))
	for i, u := range users {
		rows[i] = p.row(who, u, groups[u.ID], servers[u.ID])
	}
	return rows, nil
}

// row is a user as the visitor sees it.
func (p *Pages) row(who *auth.Principal, u *hub.User, groups []string, servers []*hub.Server) web.AdminUser {
	target := scope.OfUser(u.Name)
	row := web.AdminUser{
		Name: u.Name, Created: u.Created, Admin: u.Admin && who.Has("read:users", target), SeesGroups: who.Has("read:users:groups", target),
		SeesServers: who.Has("read:servers", target), SeesActivity: who.Has("read:users:activity", target),
	}
	if row.SeesActivity {
		row.LastActivity = u.LastActivity
	}
	if row.SeesGroups {
		row.Groups = groups
	}
	if row.SeesServers && (len(servers) == 0 || servers[0].Key.Server != "") {
		row.Servers = append(row.Servers, p.server(who, &hub.Server{Key: hub.ServerKey{User: u.Name}, Phase: hub.Stopped}))
	}
	for _, srv := range servers {
		if who.Has("read:servers", scope.OfServer(u.Name, srv.Key.Server)) {
			row.SeesServers = true
			row.Servers = append(row.Servers, p.server(who, srv))
		}
	}
	return row
}

// addUsers makes users, all or none of them.
func (p *Pages) addUsers(w http.ResponseWriter, r *http.Request, who *auth.Principal) error {
	if err := auth.Require(who, scope.Anything(), "admin:users"); err != nil {
		return err
	}
	given, admin := r.PostFormValue("names"), r.PostFormValue("admin") == "yes"
	problem := func(code hub.Code, message string) error {
		return p.usersPage(w, r, who, code.Status(), &web.AdminUsersPage{NewNames: given, NewError: message})
	}
	if admin && !p.auth.FullAdmin(who) {
		return hub.Errorf(hub.Forbidden, "Only an administrator makes others administrators. Add the users without it, and ask an administrator for the rest.")
	}
	var names, invalid []string
	for _, name := range fields(given) {
		known := p.auth.KnownAs(name)
		if p.auth.CheckName(known) != nil {
			invalid = append(invalid, name)
		}
		names = append(names, known)
	}
	switch {
	case len(names) == 0:
		return problem(hub.Invalid, "Write at least one name.")
	case len(invalid) > 0:
		return problem(hub.Invalid, "These cannot be names of users, correct them: "+strings.Join(invalid[:min(len(invalid), 10)], ", "))
	}
	created, err := p.db.CreateUsers(r.Context(), names, admin, time.Now())
	switch {
	case err != nil && hub.MessageOf(err) != "":
		return problem(hub.CodeOf(err), hub.MessageOf(err))
	case err != nil:
		return err
	case len(created) == 0:
		return problem(hub.Conflict, "All of these users exist already.")
	}
	p.lead(w, with(p.hub+"admin", nil, "sort", "-created"))
	return nil
}

// fields splits what a person wrote into names.
func fields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == '\n' || r == '\r' || r == '\t' || r == ' ' })
}
