package webtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/web"
)

// root is the frame of an administrator's page.
func root(here string) web.AdminFrame {
	return web.AdminFrame{
		Frame: web.Frame{User: "root", Admin: true, XSRF: "MnwxOjB8MTA6fake"}, Here: here, Back: "/hub/admin/" + here,
		May: web.AdminViews{Users: true, Servers: true, Groups: true, Roles: true, Services: true, Audit: true},
	}
}

func adminServer(user, name string, phase hub.Phase) web.AdminServer {
	s := server(name, phase)
	s.Key.User = user
	return web.AdminServer{ServerView: s, Since: Now().Add(-3 * time.Hour), MayStart: true, MayStop: true, MayOpen: true}
}

func adminUser(name string, servers ...web.AdminServer) web.AdminUser {
	return web.AdminUser{
		Name: name, Groups: []string{"kbase-staff", "soil"}, Servers: servers, Created: Now().Add(-300 * 24 * time.Hour), LastActivity: Now().Add(-4 * time.Minute),
		SeesGroups: true, SeesServers: true, SeesActivity: true,
	}
}

func adminUsers(f web.AdminFrame) *web.AdminUsersPage {
	failed := adminServer("grace", "", hub.Failed)
	failed.Reason = "The server did not answer within 2 minutes."
	admin := adminUser("ada", adminServer("ada", "", hub.Ready), adminServer("ada", "phylo", hub.Starting))
	admin.Admin = true
	long := adminUser(longName, adminServer(longName, "", hub.Stopped))
	long.LastActivity = time.Time{}
	return &web.AdminUsersPage{
		AdminFrame: f, Shows: []web.Choice{{Label: "All", Selected: true}, {Value: "failed", Label: "Whose last start failed"}},
		Columns: []web.Column{
			{Label: "Name", URL: "/hub/admin?sort=-name", Sorted: "ascending"},
			{Label: "Groups"},
			{Label: "Servers"},
			{Label: "Last active", URL: "/hub/admin?sort=-activity"},
			{Label: "Created", URL: "/hub/admin?sort=-created"},
		},
		Users:  []web.AdminUser{admin, adminUser("grace", failed), long, {Name: "seen-in-part", Created: Now()}},
		Paging: web.Paging{First: 1, Last: 50, Total: 10000, Next: "/hub/admin?offset=50"}, MayAdd: true, MayAdmins: true,
	}
}

func adminFixtures() []Fixture {
	page := func(name, about string, make func() web.Page) Fixture {
		return Fixture{name, about, http.StatusOK, make}
	}
	all := []Fixture{
		page("admin-users", "the administration: users", func() web.Page { return adminUsers(root("users")) }),
		page("admin-users-none", "a search that finds nobody, and a name that cannot be; dark", func() web.Page {
			p := adminUsers(root("users"))
			p.Theme, p.Text, p.Users, p.Paging = "dark", hostile, nil, web.Paging{}
			p.NewNames, p.NewError = "a/b "+hostile, "These cannot be names of users, correct them: a/b"
			return p
		}),
		page("admin-user", "one user, with starts that failed", func() web.Page { return adminUserPage(root("users"), "grace") }),
		page("admin-user-hostile", "a user whose name and reasons try to be script; dark", func() web.Page {
			f := root("users")
			f.Theme = "dark"
			return adminUserPage(f, hostile)
		}),
		page("admin-servers", "all servers", func() web.Page {
			failed := adminServer("grace", "", hub.Failed)
			failed.Reason = "No node has room for 32 GB. Try again later, or choose a smaller profile."
			return &web.AdminServersPage{
				AdminFrame: root("servers"), Shows: []web.Choice{{Label: "All but stopped ones", Selected: true}},
				Servers: []web.AdminServer{failed, adminServer("mary", "gpu", hub.Queued), adminServer("ada", "", hub.Ready)}, Paging: web.Paging{First: 1, Last: 3, Total: 3},
			}
		}),
	}
	return append(append(all, accessFixtures(page)...), auditFixture(page))
}

func adminUserPage(f web.AdminFrame, name string) web.Page {
	failed := adminServer(name, "", hub.Failed)
	failed.Reason = "The server did not answer within 2 minutes. Try again, or choose a smaller profile."
	last := hub.Event{Time: Now(), Progress: 100, Level: hub.Problem, Final: hub.OutcomeFailed, Message: failed.Reason}
	running := adminServer(name, "phylo", hub.Ready)
	if name == hostile {
		running.Key.Server, running.Reason = hostile, hostile
	}
	return &web.AdminUserPage{
		AdminFrame: f, Account: adminUser(name, failed, running), SeesRoles: true, SeesTokens: true, MayAdmin: true, MayDelete: true, MayRevoke: true, MaySignOut: true,
		Roles: []web.HeldRole{{Name: "user"}, {Name: "group-lead", Group: "soil"}}, Scopes: []string{"access:servers!user=grace", "read:users!group=soil", "servers!user=grace"},
		Failures: []web.FailedStart{{Server: failed, At: Now().Add(-time.Hour), Events: append(Story(), last)}, {Server: running, At: Now().Add(-50 * time.Hour)}},
		Tokens:   []web.TokenView{{ID: "a7", Note: "nightly export", Scopes: []string{"inherit"}, Created: Now(), Expires: Now().Add(30 * 24 * time.Hour)}},
		Clients:  []web.ClientView{{TokenID: "a9", Description: "Server at /user/grace/", LastActivity: Now().Add(-time.Minute)}},
		Sessions: []web.SessionView{{Agent: "Firefox on Linux", Address: "192.0.2.7", Created: Now().Add(-72 * time.Hour), LastSeen: Now().Add(-time.Minute)}},
	}
}

func accessFixtures(page func(string, string, func() web.Page) Fixture) []Fixture {
	return []Fixture{
		page("admin-groups", "groups, which the sign-in service decides on", func() web.Page {
			return &web.AdminGroupsPage{AdminFrame: root("groups"), Groups: []web.AdminGroup{{Name: "kbase-staff", Users: 31}, {Name: "soil", Users: 4}, {Name: "secret", Users: -1}}, Paging: web.Paging{First: 1, Last: 3, Total: 3}, MayAdd: true, Fixed: true}
		}),
		page("admin-group", "one group", func() web.Page {
			return &web.AdminGroupPage{
				AdminFrame: root("groups"), Name: "soil", Properties: json.RawMessage(`{"quota":"10G"}`), Members: []string{"ada", "grace", longName}, More: 12,
				Roles: []string{"group-lead"}, MayChange: true, MayDelete: true, SeesMembers: true, SeesRoles: true,
			}
		}),
		page("admin-roles", "roles", func() web.Page {
			return &web.AdminRolesPage{AdminFrame: root("roles"), Roles: []web.AdminRole{
				{Name: "admin", Description: "What administrators may do: everything", Users: 3, Services: 1},
				{Name: "group-lead", Groups: 2},
				{Name: "user", Description: "What every user may do", Users: 10000},
			}}
		}),
		page("admin-role", "one role, that may be given", func() web.Page {
			return &web.AdminRolePage{
				AdminFrame: root("roles"), Role: web.AdminRole{Name: "group-lead", Description: "Looks after a group"}, MayChange: true,
				Keeps:  "The configuration names the members of this role: they are as it says when the hub starts again.",
				Scopes: []web.ScopeView{{Scope: "read:users", Description: "Read users with their groups and activity", Filter: "group soil"}},
				Holders: []web.RoleHolders{
					{Kind: "user", Title: "Users", Names: []string{"ada"}, More: 3, URL: "admin/users/"},
					{Kind: "group", Title: "Groups", Names: []string{"soil"}, URL: "admin/groups/"},
					{Kind: "service", Title: "Services"},
				},
			}
		}),
		page("admin-role-excess", "a role that permits more than the visitor may", func() web.Page {
			f := root("roles")
			f.Theme = "dark"
			return &web.AdminRolePage{AdminFrame: f, Role: web.AdminRole{Name: "operator"}, MayChange: true, Excess: []string{"shutdown", "proxy"}}
		}),
		page("admin-services", "services", func() web.Page {
			return &web.AdminServicesPage{AdminFrame: root("services"), Services: []web.AdminService{
				{
					Name: "idle-culler", FromConfig: true, Process: 4711, Health: "running", Roles: []string{"culler"}, SeesTokens: true,
					Tokens: []web.TokenView{{ID: "a1", Note: "configured token of service idle-culler", Scopes: []string{"inherit"}}},
				},
				{Name: "datalake", Admin: true, URL: "http://127.0.0.1:9000", Path: "/services/datalake/", Health: "does not answer", Failing: true},
			}}
		}),
	}
}

func auditFixture(page func(string, string, func() web.Page) Fixture) Fixture {
	return page("admin-audit", "the audit log", func() web.Page {
		p := &web.AdminAuditPage{AdminFrame: root("audit"), Action: "server", Older: "/hub/admin/audit?before=17", Newest: "/hub/admin/audit"}
		for i, l := range []web.AuditLine{
			{Kind: "user", Name: "root", Address: "192.0.2.7", Action: "server.open", Target: "server/grace/", Detail: `{"reason":"You asked why the kernel dies."}`},
			{Kind: "service", Name: "idle-culler", Token: "a12", Address: "127.0.0.1", Action: "server.stop", Target: "server/ada/phylo"},
			{Kind: "hub", Action: "role.define", Target: "role/group-lead", Detail: `{"scopes":["read:users!group=soil"]}`},
			{Kind: "user", Name: hostile, Action: "user.delete", Target: "user/" + hostile, Detail: fmt.Sprintf(`{"why":%q}`, hostile)},
		} {
			l.At = Now().Add(-time.Duration(i) * time.Hour)
			p.Entries = append(p.Entries, l)
		}
		return p
	})
}
