package config

const (
	noSpawnHook = "Python is not run: declare variables in Spawner.environment and options in the other traits of the spawner"
	noTLSHere   = "internal_ssl is not part of berdlhub"
)

// spawnerTraits are the traits that every spawner has.
var spawnerTraits = []Trait{
	{"apply_user_options", "Callable or Dict", `null`, NoEffect, "How a user's options change the spawner.", "options are handed to the server as they are"},
	{"args", "List", `[]`, Used, "Arguments added to cmd.", ""},
	{"auth_state_hook", "Any", `null`, Python, "Hands auth_state to the spawner.", noSpawnHook},
	{"cmd", "Command", `["jupyterhub-singleuser"]`, Used, "Command that is the server.", ""},
	{"consecutive_failure_limit", "Int", `0`, NoEffect, "Failed starts in a row after which the hub ends.", "the hub never ends because of failed starts; watch its metrics"},
	{"cpu_guarantee", "Float", `null`, Used, "Processors that a server surely has.", ""},
	{"cpu_limit", "Float", `null`, Used, "Processors that a server may use.", ""},
	{"debug", "Bool", `false`, Used, "Servers write debug logs.", ""},
	{"default_url", "Unicode", `""`, Used, "Path that a server leads to, for example /lab; {username} is replaced.", ""},
	{"disable_user_config", "Bool", `false`, Used, "Servers do not read configuration of their user.", ""},
	{"env_keep", "List", `["JUPYTERHUB_SINGLEUSER_APP"]`, Used, "Variables of the hub's environment that servers get.", ""},
	{"environment", "Dict", `{}`, Used, "Variables that servers get; they win over all others.", ""},
	{"group_overrides", "Callable or Dict", `{}`, NoEffect, "Settings of the spawner by group.", "settings by group are not part of this version"},
	{"http_timeout", "Int", `30`, Used, "Seconds within which a started server must answer.", ""},
	{"hub_connect_url", "Unicode", `null`, Used, "URL under which servers reach the hub, when it differs from JupyterHub.hub_connect_url.", ""},
	{"ip", "Unicode", `"127.0.0.1"`, Used, "Address that a server listens on.", ""},
	{"mem_guarantee", "ByteSpecification", `null`, Used, "Memory that a server surely has: bytes, or a number with K, M, G or T.", ""},
	{"mem_limit", "ByteSpecification", `null`, Used, "Memory that a server may use: bytes, or a number with K, M, G or T.", ""},
	{"notebook_dir", "Unicode", `""`, Used, "Folder that a server shows; {username} is replaced.", ""},
	{"oauth_client_allowed_scopes", "Callable or List", `[]`, Used, "Scopes that a server may ask of its visitors.", ""},
	{"oauth_roles", "Callable or List", `[]`, NoEffect, "Old: roles that a server may ask of its visitors.", "set Spawner.oauth_client_allowed_scopes"},
	{"options_form", "Unicode or Callable", `""`, Used, "HTML of the form for options before a start; empty: none.", ""},
	{"options_from_form", "Callable or Unicode", `null`, NoEffect, "How the form becomes options.", "each field becomes an option of its name"},
	{"poll_interval", "Int", `30`, Used, "Seconds between two looks at a running server; 0: never.", ""},
	{"poll_jitter", "Float", `0.1`, NoEffect, "Share by which poll_interval varies.", "looks are spread by berdlhub"},
	{"port", "Int", `0`, Used, "Port that a server listens on; 0: a free one.", ""},
	{"post_stop_hook", "Any", `null`, Python, "Called after a stop.", noSpawnHook},
	{"pre_spawn_hook", "Any", `null`, Python, "Called before a start.", noSpawnHook},
	{"progress_ready_hook", "Any", `null`, Python, "Changes the last progress event.", noSpawnHook},
	{"server_token_scopes", "List or Callable", `[]`, Used, "Scopes of a server's token; empty: those of the role server.", ""},
	{"ssl_alt_names", "List or Callable", `[]`, NoEffect, "Names in a server's certificate.", noTLSHere},
	{"ssl_alt_names_include_local", "Bool", `true`, NoEffect, "Local names in a server's certificate.", noTLSHere},
	{"start_timeout", "Int", `60`, Used, "Seconds within which a start must give an address.", ""},
}

var localProcessTraits = []Trait{
	{"env_keep", "List", `["CONDA_DEFAULT_ENV", "CONDA_ROOT", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "VIRTUAL_ENV", "JUPYTERHUB_SINGLEUSER_APP"]`, Used, "Variables of the hub's environment that servers get.", ""},
	{"interrupt_timeout", "Int", `30`, Used, "Seconds that a server has to end after an interrupt.", ""},
	{"kill_timeout", "Int", `5`, Used, "Seconds that a killed server has to vanish.", ""},
	{"popen_kwargs", "Dict", `{}`, NoEffect, "Arguments of Python's Popen.", inGo},
	{"shell_cmd", "Command", `[]`, NoEffect, "Shell that runs the command.", "put the shell into Spawner.cmd"},
	{"term_timeout", "Int", `30`, Used, "Seconds that a server has to end after a termination signal.", ""},
}

var simpleTraits = []Trait{
	{"home_dir_template", "Unicode", `""`, Used, "Home of a server; {username} is replaced. Empty: a folder of the user in BerdlHub.homes_dir (JupyterHub's default is /tmp/{username}).", ""},
}
