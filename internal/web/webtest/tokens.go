package webtest

import (
	"net/http"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/web"
)

func expiries() []web.Choice {
	return []web.Choice{
		{Value: "3600", Label: "1 hour"},
		{Value: "86400", Label: "1 day"},
		{Value: "604800", Label: "1 week", Selected: true},
		{Value: "", Label: "never"},
	}
}

func tokenPage(f web.Frame) *web.TokenPage {
	return &web.TokenPage{
		Frame: f, Expiries: expiries(),
		Tokens: []web.TokenView{
			{
				ID: "a3", Note: "Nightly export of the soil samples", Scopes: []string{"inherit"}, Created: Now().AddDate(0, 0, -40),
				LastActivity: Now().Add(-9 * time.Hour), Expires: Now().AddDate(0, 0, 20),
			},
			{ID: "a12", Note: hostile, Scopes: []string{"access:servers!user=ada", "read:users:name!user=ada"}, Created: Now().Add(-time.Hour)},
		},
		Clients: []web.ClientView{
			{TokenID: "a7", Description: "Server at /user/ada/", Created: Now().Add(-3 * time.Hour), LastActivity: Now().Add(-2 * time.Minute)},
			{TokenID: "a9", Description: "JupyterHub service datalake", Created: Now().AddDate(0, 0, -3), LastActivity: Now().AddDate(0, 0, -1)},
		},
	}
}

func tokenFixtures() []Fixture {
	return []Fixture{
		{"token", "tokens and applications", http.StatusOK, func() web.Page { return tokenPage(ada()) }},
		{"token-none", "no tokens, a failed request; dark", http.StatusBadRequest, func() web.Page {
			return &web.TokenPage{
				Frame: themed(ada(), "dark"), Expiries: expiries(), Form: web.TokenForm{Note: "test", Scopes: "foo"},
				Error: "Scope 'foo' for token does not exist",
			}
		}},
		{"token-new", "a token that was just made", http.StatusCreated, func() web.Page {
			p := tokenPage(ada())
			p.NewToken = "0123456789abcdef0123456789abcdef"
			return p
		}},
		{"api-docs", "what the REST API offers", http.StatusOK, func() web.Page {
			return &web.APIDocsPage{Frame: ada(), Document: "/hub/api/openapi.json", Server: "/hub/api", Groups: []web.EndpointGroup{
				{Name: "users", Endpoints: []web.Endpoint{{
					Method: "POST", Path: "/users", Summary: "Create users", Scopes: []string{"admin:users"}, Body: "{\n  \"type\": \"object\"\n}",
					Query: []web.Argument{{Name: "limit", Description: "How many to give, at most 200."}}, Answers: []string{"201 Created", "400 Bad Request"},
				}}},
			}}
		}},
		{"oauth", "an application asks", http.StatusOK, func() web.Page {
			return &web.OAuthPage{
				Frame: ada(), Client: "JupyterHub service datalake", Action: "/hub/api/oauth2/authorize?client_id=service-datalake&state=a%20b&response_type=code",
				Scopes: []web.ScopeView{
					{Scope: "read:users:name!user", Description: "Read names of users", Filter: "only you"},
					{Scope: "access:servers!server=ada/", Description: "Access user servers via API or browser", Filter: "your server"},
				},
			}
		}},
		{"accept-share", "an invitation to a server that runs", http.StatusOK, func() web.Page {
			return &web.AcceptSharePage{
				Frame: ada(), Key: hub.ServerKey{User: "grace", Server: "phylo"}, Running: true, Code: "0123456789abcdefghijABCDEFGHIJ-_0123456789x", Next: "/user/grace/phylo/lab",
				Scopes: []web.ScopeView{{Scope: "access:servers", Description: "Use servers"}, {Scope: "read:servers", Description: "Read servers and follow their start"}},
			}
		}},
		{"accept-share-hostile", "an invitation of somebody whose name tries to be script, to a server that does not run; dark", http.StatusOK, func() web.Page {
			return &web.AcceptSharePage{
				Frame: themed(ada(), "dark"), Key: hub.ServerKey{User: hostile}, Code: hostile,
				Scopes: []web.ScopeView{{Scope: "access:servers", Description: "Use servers"}},
			}
		}},
		{"oauth-identify", "an application that only wants to know who it is", http.StatusOK, func() web.Page {
			return &web.OAuthPage{Frame: themed(ada(), "dark"), Client: hostile, Action: "/hub/api/oauth2/authorize?client_id=x"}
		}},
	}
}
