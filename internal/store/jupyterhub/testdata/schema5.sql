-- JupyterHub 5 as an upgrade from 3 left it: later columns are last. Words in braces differ between the engines.
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES ('4621fec11365');
CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(255) UNIQUE, admin BOOLEAN, last_activity {datetime}, cookie_id VARCHAR(255) NOT NULL UNIQUE, state TEXT,
    encrypted_auth_state {blob}, created {datetime});
CREATE TABLE servers (id INTEGER PRIMARY KEY, proto VARCHAR(15), ip VARCHAR(255), port INTEGER, base_url VARCHAR(255), cookie_name VARCHAR(255));
CREATE TABLE spawners (id INTEGER PRIMARY KEY, user_id INTEGER, server_id INTEGER, state TEXT, name VARCHAR(255), started {datetime}, last_activity {datetime},
    user_options TEXT, oauth_client_id VARCHAR(255));
CREATE TABLE services (id INTEGER PRIMARY KEY, name VARCHAR(255), admin BOOLEAN, _server_id INTEGER, pid INTEGER, oauth_client_id VARCHAR(255), url VARCHAR(2047),
    oauth_client_allowed_scopes TEXT, info TEXT, display BOOLEAN, oauth_no_confirm BOOLEAN, command TEXT, cwd VARCHAR(4095), environment TEXT,
    "user" VARCHAR(255), from_config BOOLEAN);
INSERT INTO users VALUES (4, 'eve', FALSE, '2026-01-02 03:04:05.1', 'c00c1e', NULL, NULL, '2025-01-01 00:00:00');
INSERT INTO servers VALUES (2, 'http', '127.0.0.1', 50, '/user/eve/two/', '');
INSERT INTO spawners VALUES (1, 4, 2, '{"pid": 5}', 'two', '2026-01-01 00:00:00', NULL, 'no JSON', 'jupyterhub-user-eve-two');
INSERT INTO services VALUES (1, 'old', TRUE, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
