-- The tables of JupyterHub 6.0 and 6.1 as a new database has them. Words in braces differ between the engines.
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES ('f460b0348206');
CREATE TABLE servers (id INTEGER PRIMARY KEY, proto VARCHAR(15), ip VARCHAR(255), port INTEGER, base_url VARCHAR(255), cookie_name VARCHAR(255));
CREATE TABLE roles (id INTEGER PRIMARY KEY, name VARCHAR(255) UNIQUE, description VARCHAR(1023), scopes TEXT, managed_by_auth BOOLEAN NOT NULL);
CREATE TABLE groups (id INTEGER PRIMARY KEY, name VARCHAR(255) UNIQUE, properties TEXT);
CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(255) UNIQUE, user_info TEXT, admin BOOLEAN, created {datetime}, last_activity {datetime},
    cookie_id VARCHAR(255) NOT NULL UNIQUE, state TEXT, encrypted_auth_state {blob});
CREATE TABLE oauth_clients (id INTEGER PRIMARY KEY, identifier VARCHAR(255) UNIQUE, description VARCHAR(1023), secret VARCHAR(255),
    redirect_uri VARCHAR(1023), allowed_scopes TEXT);
CREATE TABLE user_role_map (user_id INTEGER NOT NULL, role_id INTEGER NOT NULL, managed_by_auth BOOLEAN NOT NULL);
CREATE TABLE group_role_map (group_id INTEGER NOT NULL, role_id INTEGER NOT NULL, managed_by_auth BOOLEAN NOT NULL);
CREATE TABLE service_role_map (service_id INTEGER NOT NULL, role_id INTEGER NOT NULL, managed_by_auth BOOLEAN NOT NULL);
CREATE TABLE user_group_map (user_id INTEGER NOT NULL, group_id INTEGER NOT NULL);
CREATE TABLE spawners (id INTEGER PRIMARY KEY, user_id INTEGER, server_id INTEGER, state TEXT, name VARCHAR(255), display_name VARCHAR(255),
    started {datetime}, last_activity {datetime}, user_options TEXT, oauth_client_id VARCHAR(255));
CREATE TABLE services (id INTEGER PRIMARY KEY, name VARCHAR(255) UNIQUE, admin BOOLEAN, url VARCHAR(2047), oauth_client_allowed_scopes TEXT, info TEXT,
    display BOOLEAN, oauth_no_confirm BOOLEAN, command TEXT, cwd VARCHAR(4095), environment TEXT, "user" VARCHAR(255), timeout INTEGER NOT NULL,
    from_config BOOLEAN, _server_id INTEGER, pid INTEGER, oauth_client_id VARCHAR(255));
CREATE TABLE oauth_codes (id INTEGER PRIMARY KEY, client_id VARCHAR(255), code VARCHAR(36), expires_at INTEGER, redirect_uri VARCHAR(1023),
    session_id VARCHAR(255), user_id INTEGER, scopes TEXT, code_challenge VARCHAR(255), code_challenge_method VARCHAR(64));
CREATE TABLE api_tokens (user_id INTEGER, service_id INTEGER, id INTEGER PRIMARY KEY, hashed VARCHAR(255) UNIQUE, prefix VARCHAR(16), client_id VARCHAR(255),
    session_id VARCHAR(255), created {datetime}, expires_at {datetime}, last_activity {datetime}, note VARCHAR(1023), scopes TEXT);
CREATE TABLE shares (user_id INTEGER, group_id INTEGER, id INTEGER PRIMARY KEY, created_at {datetime} NOT NULL, scopes TEXT, expires_at {datetime},
    owner_id INTEGER, spawner_id INTEGER);
CREATE TABLE share_codes (hashed VARCHAR(255) UNIQUE, prefix VARCHAR(16), exchange_count INTEGER, last_exchanged_at {datetime}, id INTEGER PRIMARY KEY,
    created_at {datetime} NOT NULL, scopes TEXT, expires_at {datetime}, owner_id INTEGER, spawner_id INTEGER);
