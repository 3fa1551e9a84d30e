package api

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func listOf(item object) object { return object{"type": "array", "items": item} }

// orNullOf is a schema of a value that may be missing.
func orNullOf(schema object) object { return object{"anyOf": []object{schema, {"type": "null"}}} }

// parts is the schema of an object with these members. What is shown depends on the caller's scopes, so only some are required.
func parts(properties object, required ...string) object {
	return object{"type": "object", "properties": properties, "required": append([]string{}, required...), "additionalProperties": false}
}

// asked is the schema of an object that somebody sends.
func asked(properties object, required ...string) object { return parts(properties, required...) }

var (
	aText   = object{"type": "string"}
	aFlag   = object{"type": "boolean"}
	aNumber = object{"type": "integer"}
	aTime   = object{"type": "string", "format": "date-time"}
	anyJSON = object{"type": "object"}
	noJSON  = object(nil)
)

// schemas are the models. JupyterHub REST API: models; anything that a caller may not see is left out.
var schemas = object{
	"Error": parts(object{"status": aNumber, "message": orNullOf(aText)}, "status", "message"),
	"User": parts(object{
		"kind": object{"const": "user"}, "name": aText, "admin": aFlag, "user_info": orNullOf(anyJSON), "roles": listOf(aText), "groups": listOf(aText),
		"server": orNullOf(aText), "pending": orNullOf(aText), "created": orNullOf(aTime), "last_activity": orNullOf(aTime),
		"servers": object{"type": "object", "additionalProperties": ref("Server")}, "auth_state": orNullOf(anyJSON),
	}),
	"Server": parts(object{
		"name": aText, "display_name": aText, "full_name": aText, "last_activity": orNullOf(aTime), "started": orNullOf(aTime), "pending": orNullOf(aText),
		"ready": aFlag, "stopped": aFlag, "url": aText, "user_options": orNullOf(anyJSON), "progress_url": aText, "full_url": orNullOf(aText),
		"full_progress_url": orNullOf(aText), "state": anyJSON,
	}, "name", "ready", "stopped", "url"),
	"Group": parts(object{"kind": object{"const": "group"}, "name": aText, "properties": anyJSON, "users": listOf(aText), "roles": listOf(aText)}),
	"Service": parts(object{
		"kind": object{"const": "service"}, "name": aText, "admin": aFlag, "url": orNullOf(aText), "prefix": aText, "command": listOf(aText), "pid": aNumber,
		"info": orNullOf(anyJSON), "display": aFlag, "roles": listOf(aText),
	}),
	"Token": parts(object{
		"user": aText, "id": aText, "kind": object{"const": "api_token"}, "roles": listOf(aText), "scopes": listOf(aText), "created": aTime,
		"last_activity": orNullOf(aTime), "expires_at": orNullOf(aTime), "note": aText, "session_id": orNullOf(aText), "oauth_client": aText,
		"token": object{"type": "string", "description": "Only in the answer that makes it."},
	}, "id", "kind", "scopes"),
	"SharedServer": parts(object{"user": anyJSON, "name": aText, "url": aText, "full_url": orNullOf(aText), "ready": aFlag}, "user", "name", "ready"),
	"Share": parts(object{
		"server": ref("SharedServer"), "scopes": listOf(aText), "user": orNullOf(anyJSON), "group": orNullOf(anyJSON),
		"kind": object{"enum": []string{"user", "group"}}, "created_at": aTime,
	}),
	"ShareCode": parts(object{
		"server": ref("SharedServer"), "scopes": listOf(aText), "id": aText, "created_at": aTime, "expires_at": orNullOf(aTime),
		"exchange_count": aNumber, "last_exchanged_at": orNullOf(aTime),
		"code": aText, "accept_url": aText, "full_accept_url": orNullOf(aText),
	}, "id", "scopes"),
	"Route": parts(object{"routespec": aText, "target": aText, "data": anyJSON}, "routespec", "target"),
	"Pagination": parts(object{
		"offset": aNumber, "limit": aNumber, "total": aNumber,
		"next": orNullOf(parts(object{"offset": aNumber, "limit": aNumber, "url": aText})),
	}, "offset", "limit", "total", "next"),
	"Self": object{"type": "object", "description": "The model of the user or service that asks, with what it may.", "properties": object{
		"kind": object{"enum": []string{"user", "service"}}, "name": aText, "scopes": listOf(aText), "session_id": orNullOf(aText), "token_id": orNullOf(aText),
	}, "required": []string{"kind", "name", "scopes", "session_id", "token_id"}},
}

// paged is the schema of a list that comes with its links when the header Accept asks for it.
func paged(items object) object {
	return object{"anyOf": []object{items, parts(object{"items": items, "_pagination": ref("Pagination")}, "items", "_pagination")}}
}

func onlyPaged(items object) object {
	return parts(object{"items": items, "_pagination": ref("Pagination")}, "items", "_pagination")
}

func argumentOf(name, words string, schema object) object {
	return object{"name": name, "in": "query", "description": words, "schema": schema}
}

var (
	pageQuery = []object{
		argumentOf("offset", "How many to leave out.", object{"type": "integer", "minimum": 0, "maximum": 1 << 30}),
		argumentOf("limit", "How many to give, at most 200.", object{"type": "integer", "minimum": 1, "maximum": 1 << 30}),
	}
	stoppedQuery = argumentOf("include_stopped_servers", "Servers that do not run, too; false when absent, 0 or false.", aText)
	userQuery    = append([]object{
		argumentOf("state", "Only users with a server that runs or is about to (active, ready), or without one.", object{"enum": []string{"", "active", "ready", "inactive"}}),
		argumentOf("name_filter", "Part of the name.", aText),
		argumentOf("sort", "Order; a minus in front turns it round.", object{"enum": []string{"id", "-id", "name", "-name", "last_activity", "-last_activity"}}),
		stoppedQuery,
	}, pageQuery...)
	codeArguments = []object{
		argumentOf("code", "The code that is to go.", aText), argumentOf("id", "The id of the code that is to go, for example sc_1.", aText),
	}
)

var (
	startBody = object{"anyOf": []object{
		asked(object{"display_name": aText, "user_options": orNullOf(anyJSON)}),
		{"type": "object", "description": "All of it is user options, as JupyterHub 5 has it."},
	}}
	tokenBody = asked(object{
		"note": orNullOf(aText), "expires_in": orNullOf(object{"type": "integer", "minimum": 1}), "scopes": orNullOf(listOf(aText)), "roles": orNullOf(listOf(aText)),
		"auth": object{"type": "object", "description": "What the sign-in form would hold, from somebody who is not signed in."},
	})
	groupBody = asked(object{"users": listOf(aText)})
	shareBody = asked(object{"user": aText, "group": aText, "scopes": listOf(aText)})
)

// abouts has a row for every route.
var abouts = func() map[string]about {
	all := map[string]about{
		"GET /{$}":            {summary: "Version of JupyterHub whose API this is", answers: map[int]object{200: parts(object{"version": aText}, "version")}},
		"GET /info":           {summary: "What the hub is made of", answers: map[int]object{200: anyJSON}},
		"GET /openapi.json":   {summary: "This document", answers: map[int]object{200: anyJSON}},
		"GET /user":           {summary: "Who asks, and what he may", answers: map[int]object{200: ref("Self")}},
		"POST /refresh-token": {summary: "Ask the sign-in service again about the session of this browser", answers: map[int]object{200: anyJSON}, errors: []int{400, 500}},

		"GET /users":                      {summary: "List users", query: userQuery, answers: map[int]object{200: paged(listOf(ref("User")))}},
		"POST /users":                     {summary: "Create users; those that exist are left out", must: true, body: asked(object{"usernames": listOf(aText), "admin": aFlag}, "usernames"), answers: map[int]object{201: listOf(ref("User"))}, errors: []int{409}},
		"GET /users/{user}":               {summary: "Read a user", query: []object{stoppedQuery}, answers: map[int]object{200: ref("User")}},
		"POST /users/{user}":              {summary: "Create a user", body: asked(object{"admin": aFlag}), answers: map[int]object{201: ref("User")}, errors: []int{409}},
		"PATCH /users/{user}":             {summary: "Rename a user, make or unmake an administrator, set the auth state", must: true, body: asked(object{"name": aText, "admin": aFlag, "auth_state": orNullOf(anyJSON)}), answers: map[int]object{200: ref("User")}},
		"DELETE /users/{user}":            {summary: "Delete a user with all servers", answers: map[int]object{204: noJSON}, errors: []int{400, 409}},
		"POST /users/{user}/activity":     {summary: "Report that a user and servers were active", must: true, body: asked(object{"last_activity": aTime, "servers": object{"type": "object", "additionalProperties": parts(object{"last_activity": aTime}, "last_activity")}}), answers: map[int]object{200: noJSON}},
		"POST /users/{user}/admin-access": {summary: "Deprecated: may administrators open users' servers?", answers: map[int]object{200: noJSON}},

		"GET /users/{user}/tokens":            {summary: "List a user's tokens", answers: map[int]object{200: parts(object{"api_tokens": listOf(ref("Token"))}, "api_tokens")}},
		"POST /users/{user}/tokens":           {summary: "Make a token; the only answer that holds it", body: tokenBody, answers: map[int]object{201: ref("Token")}},
		"GET /users/{user}/tokens/{token}":    {summary: "Read a token", answers: map[int]object{200: ref("Token")}},
		"DELETE /users/{user}/tokens/{token}": {summary: "Take a token back", answers: map[int]object{204: noJSON}},

		"GET /users/{user}/server/progress":           {summary: "Watch a start", answers: map[int]object{200: noJSON}, errors: []int{400}, stream: true},
		"GET /users/{user}/servers/{server}/progress": {summary: "Watch a start", answers: map[int]object{200: noJSON}, errors: []int{400}, stream: true},

		"GET /groups":                    {summary: "List groups", query: pageQuery, answers: map[int]object{200: paged(listOf(ref("Group")))}},
		"POST /groups":                   {summary: "Create groups, all or none", must: true, body: asked(object{"groups": listOf(object{"type": "string", "minLength": 1}), "users": listOf(aText)}, "groups"), answers: map[int]object{201: listOf(ref("Group"))}, errors: []int{409}},
		"GET /groups/{group}":            {summary: "Read a group", answers: map[int]object{200: ref("Group")}},
		"POST /groups/{group}":           {summary: "Create a group", body: groupBody, answers: map[int]object{201: ref("Group")}, errors: []int{409}},
		"DELETE /groups/{group}":         {summary: "Delete a group", answers: map[int]object{204: noJSON}},
		"POST /groups/{group}/users":     {summary: "Add users to a group", must: true, body: asked(object{"users": listOf(aText)}, "users"), answers: map[int]object{200: ref("Group")}},
		"DELETE /groups/{group}/users":   {summary: "Remove users from a group", must: true, body: asked(object{"users": listOf(aText)}, "users"), answers: map[int]object{200: ref("Group")}},
		"PUT /groups/{group}/properties": {summary: "Replace a group's properties", must: true, body: anyJSON, answers: map[int]object{200: ref("Group")}},

		"GET /services":           {summary: "Services by name", answers: map[int]object{200: {"type": "object", "additionalProperties": ref("Service")}}},
		"GET /services/{service}": {summary: "Read a service", answers: map[int]object{200: ref("Service")}},
		"POST /services/{service}": {summary: "Make a service that others run", must: true, body: asked(object{
			"name": aText, "admin": aFlag, "url": aText, "oauth_client_allowed_scopes": listOf(aText), "api_token": aText, "info": anyJSON, "display": aFlag,
			"oauth_no_confirm": aFlag, "command": listOf(aText), "cwd": aText, "environment": anyJSON, "user": aText, "oauth_client_id": aText, "oauth_redirect_uri": aText,
		}), answers: map[int]object{201: ref("Service")}, errors: []int{409}},
		"DELETE /services/{service}": {summary: "Delete a service that was made so", answers: map[int]object{200: noJSON}, errors: []int{405}},

		"GET /proxy":                                  {summary: "Routes", query: pageQuery, answers: map[int]object{200: paged(object{"type": "object", "additionalProperties": true})}},
		"POST /proxy":                                 {summary: "Bring the routes into line with what runs", answers: map[int]object{200: noJSON}},
		"PATCH /proxy":                                {summary: "Tell the hub of another proxy", must: true, body: asked(object{"api_url": aText, "auth_token": aText}), answers: map[int]object{200: noJSON}},
		"POST /shutdown":                              {summary: "End the hub", body: asked(object{"proxy": aFlag, "servers": aFlag}), answers: map[int]object{202: parts(object{"message": aText}, "message")}},
		"POST /authorizations/token":                  {summary: "Removed", answers: map[int]object{}, errors: []int{404}},
		"GET /authorizations/token/{token}":           {summary: "Deprecated: whose a token is", answers: map[int]object{200: anyJSON}},
		"GET /authorizations/cookie/{cookie}":         {summary: "Deprecated: whose a sign-in cookie is, which the body holds", answers: map[int]object{200: ref("User")}},
		"GET /authorizations/cookie/{cookie}/{value}": {summary: "Deprecated: whose a sign-in cookie is", answers: map[int]object{200: ref("User")}},

		"GET /shares/{user}":         {summary: "Shares of an owner's servers", query: pageQuery, answers: map[int]object{200: onlyPaged(listOf(ref("Share")))}},
		"GET /share-codes/{user}":    {summary: "Share codes of an owner's servers", query: pageQuery, answers: map[int]object{200: onlyPaged(listOf(ref("ShareCode")))}},
		"GET /users/{user}/shared":   {summary: "What is shared with a user", query: pageQuery, answers: map[int]object{200: onlyPaged(listOf(ref("Share")))}},
		"GET /groups/{group}/shared": {summary: "What is shared with a group", query: pageQuery, answers: map[int]object{200: onlyPaged(listOf(ref("Share")))}},
	}
	for _, at := range []string{"/users/{user}/server", "/users/{user}/servers/{$}", "/users/{user}/servers/{server}"} {
		all["GET "+at] = about{summary: "Read a server", answers: map[int]object{200: ref("Server")}}
		all["PUT "+at] = about{summary: "Make a server without starting it", body: startBody, answers: map[int]object{201: ref("Server")}, errors: []int{409}}
		all["POST "+at] = about{summary: "Start a server: 201 when it is ready, 202 while it is not", body: startBody, answers: map[int]object{201: noJSON, 202: noJSON}, errors: []int{422, 424, 429, 500}}
		all["PATCH "+at] = about{summary: "Change a server that does not run", must: true, body: asked(object{"name": aText, "display_name": aText, "user_options": anyJSON}), answers: map[int]object{200: ref("Server")}, errors: []int{409}}
		all["DELETE "+at] = about{summary: "Stop a server: 204 when it is stopped, 202 while it is not", body: asked(object{"remove": aFlag}), answers: map[int]object{202: noJSON, 204: noJSON}, errors: []int{409}}
	}
	for _, server := range []string{"/{$}", "/{server}"} {
		shares, codes := "/shares/{user}"+server, "/share-codes/{user}"+server
		withUser, withGroup := "/users/{user}/shared/{owner}"+server, "/groups/{group}/shared/{owner}"+server
		all["GET "+shares] = about{summary: "Shares of a server", query: pageQuery, answers: map[int]object{200: onlyPaged(listOf(ref("Share")))}}
		all["POST "+shares] = about{summary: "Share a server with a user or a group", must: true, body: shareBody, answers: map[int]object{200: ref("Share")}, errors: []int{405}}
		all["PATCH "+shares] = about{summary: "Take scopes of a share back", must: true, body: shareBody, answers: map[int]object{200: {"anyOf": []object{ref("Share"), parts(object{})}}}, errors: []int{405}}
		all["DELETE "+shares] = about{summary: "Take all shares of a server back", answers: map[int]object{204: noJSON}, errors: []int{405}}
		all["GET "+codes] = about{summary: "Share codes of a server", query: pageQuery, answers: map[int]object{200: onlyPaged(listOf(ref("ShareCode")))}}
		all["POST "+codes] = about{summary: "Make a share code; the only answer that holds it", body: asked(object{"scopes": listOf(aText), "expires_in": object{"type": "integer", "minimum": shareCodeMinLife, "maximum": shareCodeMaxLife}}), answers: map[int]object{200: ref("ShareCode"), 201: ref("ShareCode")}, errors: []int{405}}
		all["DELETE "+codes] = about{summary: "Take share codes back: one, or all", query: codeArguments, answers: map[int]object{204: noJSON}, errors: []int{405}}
		for _, with := range []string{withUser, withGroup} {
			all["GET "+with] = about{summary: "Read a share", answers: map[int]object{200: ref("Share")}}
			all["DELETE "+with] = about{summary: "Leave a share", answers: map[int]object{204: noJSON}}
		}
	}
	return all
}()
