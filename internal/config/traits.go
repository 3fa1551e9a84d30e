package config

const (
	inGo    = "berdlhub has its own implementation, which has no such setting"
	noTLS   = "berdlhub does not end TLS itself: let the ingress or load balancer do it, and set JupyterHub.public_url"
	atEnd   = "the proxy is inside the hub"
	noJinja = "Jinja templates are not run: put replacements of berdlhub's own templates into BerdlHub.templates_dir"
	logsOut = "logs go to standard error, where the service manager keeps them"
	dbOwn   = "the database is handled by berdlhub: see its db commands"
)

// classes is the trait table: JupyterHub 6.1.1's classes and berdlhub's own.
var classes = []Class{
	{Name: "Application", Meaning: "What every program has.", Traits: applicationTraits},
	{Name: "JupyterHub", Parent: "Application", Meaning: "The hub.", Traits: hubTraits},
	{Name: "BerdlHub", Own: true, Meaning: "What berdlhub has beyond JupyterHub.", Traits: ownTraits},
	{Name: "IdleCuller", Own: true, Meaning: "Stops servers that nobody uses, inside the hub.", Traits: cullerTraits},
	{Name: "CryptKeeper", Meaning: "Encryption of what the sign-in service told about users (auth_state).", Traits: cryptTraits},
	{Name: "Authenticator", Meaning: "Sign-in, whatever the way.", Traits: authenticatorTraits},
	{Name: "KBaseAuthenticator", Parent: "Authenticator", Own: true, Meaning: "Sign-in by KBase session (`kbase`).", Traits: kbaseTraits},
	{Name: "DummyAuthenticator", Parent: "Authenticator", Meaning: "Sign-in by any name, for trials (`dummy`).", Traits: dummyTraits},
	{Name: "SharedPasswordAuthenticator", Parent: "Authenticator", Meaning: "Sign-in by any name and one password (`shared-password`).", Traits: sharedTraits},
	{Name: "NullAuthenticator", Parent: "Authenticator", Meaning: "Nobody can sign in (`null`)."},
	{Name: "LocalAuthenticator", Parent: "Authenticator", Meaning: "Sign-in with system accounts; not part of berdlhub.", Traits: localAuthTraits},
	{Name: "PAMAuthenticator", Parent: "LocalAuthenticator", Meaning: "Sign-in by PAM; not part of berdlhub.", Traits: pamTraits},
	{Name: "Spawner", Meaning: "Servers, whatever starts them.", Traits: spawnerTraits},
	{Name: "LocalProcessSpawner", Parent: "Spawner", Meaning: "Servers as local processes (`localprocess`).", Traits: localProcessTraits},
	{Name: "SimpleLocalProcessSpawner", Parent: "LocalProcessSpawner", Meaning: "Servers as local processes of the hub's own account (`simple`).", Traits: simpleTraits},
	{Name: "KubeSpawner", Parent: "Spawner", Meaning: "Servers as pods (`kube`); KubeSpawner 7.1.0's traits.", Traits: kubeTraits},
	{Name: "Proxy", Meaning: "The proxy, whichever.", Traits: proxyTraits},
	{Name: "ConfigurableHTTPProxy", Parent: "Proxy", Meaning: "configurable-http-proxy beside the hub.", Traits: chpTraits},
	{Name: "EventLog", Meaning: "JupyterHub's structured events.", Traits: eventLogTraits},
	{Name: "JupyterHubHTTPClient", Meaning: "JupyterHub's own HTTP client.", Traits: httpClientTraits},
}

var applicationTraits = []Trait{
	{"log_level", "Enum or Int", `"INFO"`, Used, "Least severe log line that is written: DEBUG, INFO, WARN, ERROR or CRITICAL, or Python's number.", ""},
	{"log_datefmt", "Unicode", `"%Y-%m-%d %H:%M:%S"`, NoEffect, "Form of dates in the log.", "dates are written as RFC 3339"},
	{"log_format", "Unicode", `"[%(name)s]%(highlevel)s %(message)s"`, Used, "Form of log lines: json for one JSON object a line; anything else, Python's formats too, for key=value text.", ""},
	{"logging_config", "Dict", `{}`, NoEffect, "Python's logging set-up.", logsOut},
	{"show_config", "Bool", `false`, NoEffect, "Print the configuration and end.", "run `berdlhub config show`"},
	{"show_config_json", "Bool", `false`, NoEffect, "Print the configuration as JSON and end.", "run `berdlhub config show`"},
}

var ownTraits = []Trait{
	{"queue_starts", "Bool", `true`, Used, "Starts over concurrent_spawn_limit wait in a queue. false: they are refused with 429, as JupyterHub does.", ""},
	{"homes_dir", "Unicode", `"homes"`, Used, "Folder that holds a home per user for servers that are local processes; relative to the working directory.", ""},
	{"metrics_prefix", "Unicode", `"jupyterhub"`, Used, "What the names of the metrics that JupyterHub has too begin with.", ""},
	{"templates_dir", "Unicode", `""`, Used, "Folder whose templates and static files replace berdlhub's own of the same name; empty: none.", ""},
}

var cullerTraits = []Trait{
	{"enabled", "Bool", `false`, Used, "Stop idle servers. On by default when sign-in is by KBase.", ""},
	{"timeout", "Int", `3600`, Used, "Seconds without activity after which a server is stopped.", ""},
	{"every", "Int", `60`, Used, "Seconds between two looks; 0: half of the timeout. Also called cull_every.", ""},
	{"max_age", "Int", `0`, Used, "Seconds after its start at which a server is stopped even when it is in use; 0: never.", ""},
}

var cryptTraits = []Trait{
	{"keys", "List or Unicode", `[]`, Used, "Keys for auth_state, each 32 bytes as 64 hex digits, base64, or plain. The first encrypts, all decrypt.", ""},
	{"n_threads", "Int", `2`, NoEffect, "Threads for encryption.", inGo},
}

var proxyTraits = []Trait{
	{"should_start", "Bool", `true`, NoEffect, "The hub starts the proxy.", "this version always proxies itself, on JupyterHub.bind_url; a proxy elsewhere gets no routes"},
	{"extra_routes", "Dict", `{}`, NoEffect, "Routes beside those of servers and services.", "declare an external service with a url in JupyterHub.services"},
}

var chpTraits = []Trait{
	{"api_url", "Unicode", `""`, NoEffect, "Where the proxy's API answers.", atEnd},
	{"auth_token", "Unicode", `""`, Used, "Secret for the proxy's REST API; environment CONFIGPROXY_AUTH_TOKEN.", ""},
	{"check_running_interval", "Int", `5`, NoEffect, "Seconds between checks of the proxy.", atEnd},
	{"command", "Command", `["configurable-http-proxy"]`, NoEffect, "Command that starts the proxy.", atEnd},
	{"command_umask", "Int", `7`, NoEffect, "Umask of the proxy's process.", atEnd},
	{"concurrency", "Int", `10`, NoEffect, "Requests to the proxy's API at a time.", atEnd},
	{"debug", "Bool", `false`, NoEffect, "Debug log of the proxy.", "set JupyterHub.log_level to DEBUG"},
	{"log_level", "CaselessStrEnum", `"info"`, NoEffect, "Log level of the proxy.", "set JupyterHub.log_level"},
	{"pid_file", "Unicode", `"jupyterhub-proxy.pid"`, NoEffect, "File with the proxy's process id.", atEnd},
}

var eventLogTraits = []Trait{
	{"handlers", "Any", `null`, Python, "Handlers of structured events.", "audit lines are part of the log on standard error"},
	{"allowed_schemas", "List or Dict", `[]`, NoEffect, "Which structured events are written.", "audit lines are part of the log on standard error"},
}

var httpClientTraits = []Trait{
	{"connector_options", "Dict", `{}`, NoEffect, "Options of connections.", inGo},
	{"session_options", "Dict", `{}`, NoEffect, "Options of sessions.", inGo},
}
