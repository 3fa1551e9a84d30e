package config

const (
	noPAM    = "system accounts are not part of berdlhub: choose kbase, dummy, shared-password or null"
	noHook   = "Python is not run: declare groups in JupyterHub.load_groups and roles in JupyterHub.load_roles"
	formOnly = "berdlhub's sign-in page has no such field"
)

// authenticatorTraits are the traits that every authenticator has.
var authenticatorTraits = []Trait{
	{"admin_users", "Set", `[]`, Used, "Users who are administrators.", ""},
	{"allow_all", "Bool", `false`, Used, "Everybody who can sign in may come in. true by default for kbase, whose roles decide, and for dummy without allowed_users.", ""},
	{"allow_existing_users", "Bool", `false`, Used, "Users in the database may come in. true by default when allowed_users is set.", ""},
	{"allowed_users", "Set", `[]`, Used, "Users who may come in.", ""},
	{"any_allow_config", "Bool", `false`, NoEffect, "Silences a warning about missing allow settings.", "the warning needs no silencing: `berdlhub config check` shows it"},
	{"auth_refresh_age", "Int", `300`, Used, "Seconds after which a user's sign-in is checked again with the sign-in service; 0: never. 120 by default for kbase.", ""},
	{"auth_refresh_strict", "Bool", `false`, NoEffect, "Refuse requests while a check is running.", "a check is waited for"},
	{"auto_login", "Bool", `false`, Used, "Skip the sign-in page where the sign-in service allows it.", ""},
	{"auto_login_oauth2_authorize", "Bool", `false`, NoEffect, "Skip the sign-in page for OAuth requests.", "auto_login holds for OAuth requests too"},
	{"blocked_users", "Set", `[]`, Used, "Users who may never come in.", ""},
	{"delete_invalid_users", "Bool", `false`, NoEffect, "Delete users whose name is not allowed at the start.", "no user is ever deleted by a start; use the administration page"},
	{"enable_auth_state", "Bool", `false`, Used, "Keep, encrypted, what the sign-in service told. true by default for kbase. Needs CryptKeeper.keys.", ""},
	{"manage_groups", "Bool", `false`, Used, "Groups come from the sign-in service; with KBase, a user's KBase roles are the groups.", ""},
	{"manage_roles", "Bool", `false`, NoEffect, "Roles come from the sign-in service.", noHook},
	{"otp_prompt", "Any", `"OTP:"`, NoEffect, "Label of the field for a one-time password.", formOnly},
	{"post_auth_hook", "Any", `null`, Python, "Changes what the sign-in service told.", noHook},
	{"reconcile_auth_state_hook", "Any", `null`, Python, "Merges new and old auth_state.", noHook},
	{"refresh_pre_spawn", "Bool", `false`, NoEffect, "Check the sign-in before a start.", "a start always uses a sign-in no older than auth_refresh_age"},
	{"refresh_pre_stop", "Bool", `false`, NoEffect, "Check the sign-in before a stop.", "a stop never depends on the sign-in service"},
	{"request_otp", "Bool", `false`, NoEffect, "Ask for a one-time password.", formOnly},
	{"reset_managed_roles_on_startup", "Bool", `false`, NoEffect, "Drop roles that came from the sign-in service at the start.", noHook},
	{"username_map", "Dict", `{}`, Used, "Names of the sign-in service to names of users.", ""},
	{"username_pattern", "Unicode", `""`, Used, "Regular expression that a whole user name must match; empty: any.", ""},
}

var kbaseTraits = []Trait{
	{"auth_url", "Unicode", `""`, Used, "URL of KBase's auth service; environment KBASE_AUTH_URL.", ""},
	{"origin", "Unicode", `""`, Used, "Origin of KBase's pages, with https://; environment KBASE_ORIGIN.", ""},
	{"approved_roles", "List", `[]`, Used, "KBase roles of which a user must have one; environment APPROVED_ROLES.", ""},
	{"admin_roles", "List", `[]`, Used, "KBase roles that make an administrator; environment AUTH_FULL_ADMIN_ROLES.", ""},
	{"timeout", "Float", `5`, Used, "Seconds that a call to the auth service may take.", ""},
	{"grace", "Int", `14400`, Used, "Seconds that a signed-in user keeps what they have while the auth service does not answer.", ""},
}

var dummyTraits = []Trait{
	{"password", "Unicode", `""`, Used, "Password that everybody must give; empty: any.", ""},
}

var sharedTraits = []Trait{
	{"admin_password", "Unicode", `null`, Used, "Password of administrators, at least 32 characters.", ""},
	{"password_groups", "Dict", `{}`, NoEffect, "Passwords to groups.", "declare groups in JupyterHub.load_groups"},
	{"user_password", "Unicode", `null`, Used, "Password of users, at least 8 characters.", ""},
}

var localAuthTraits = []Trait{
	{"add_user_cmd", "Command", `[]`, NoEffect, "Command that makes a system account.", noPAM},
	{"admin_groups", "Set", `[]`, NoEffect, "System groups of administrators.", noPAM},
	{"allowed_groups", "Set", `[]`, NoEffect, "System groups that may come in.", noPAM},
	{"create_system_users", "Bool", `false`, NoEffect, "Make missing system accounts.", noPAM},
	{"uids", "Dict", `{}`, NoEffect, "Ids of system accounts.", noPAM},
}

var pamTraits = []Trait{
	{"check_account", "Bool", `true`, NoEffect, "Check the account with PAM.", noPAM},
	{"encoding", "Unicode", `"utf8"`, NoEffect, "Encoding for PAM.", noPAM},
	{"executor_threads", "Int", `4`, NoEffect, "Threads for PAM.", noPAM},
	{"open_sessions", "Bool", `false`, NoEffect, "Open PAM sessions.", noPAM},
	{"pam_normalize_username", "Bool", `false`, NoEffect, "Let PAM normalize names.", noPAM},
	{"service", "Unicode", `"login"`, NoEffect, "PAM service.", noPAM},
}
