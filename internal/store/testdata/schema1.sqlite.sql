-- A database with schema 1, as it was. It is not changed when the schema grows.

CREATE TABLE users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL UNIQUE,
    admin         BOOLEAN NOT NULL DEFAULT FALSE,
    info          TEXT,
    created       BIGINT NOT NULL,
    last_activity BIGINT NOT NULL DEFAULT 0,
    cookie_id     TEXT NOT NULL UNIQUE,
    auth_state    BLOB,
    session       TEXT NOT NULL DEFAULT '',
    refreshed     BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE groups (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    properties TEXT NOT NULL DEFAULT '{}'
);

CREATE TABLE user_groups (
    user_id  BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_id BIGINT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
);

CREATE TABLE services (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    admin       BOOLEAN NOT NULL DEFAULT FALSE,
    url         TEXT NOT NULL DEFAULT '',
    no_confirm  BOOLEAN NOT NULL DEFAULT FALSE,
    display     BOOLEAN NOT NULL DEFAULT TRUE,
    info        TEXT,
    from_config BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE TABLE roles (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL DEFAULT '',
    scopes      TEXT NOT NULL DEFAULT '[]',
    managed     BOOLEAN NOT NULL DEFAULT FALSE -- made by the authenticator
);

CREATE TABLE user_roles (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role_id BIGINT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    managed BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (user_id, role_id)
);

CREATE TABLE group_roles (
    group_id BIGINT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    role_id  BIGINT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    managed  BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (group_id, role_id)
);

CREATE TABLE service_roles (
    service_id BIGINT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    role_id    BIGINT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    managed    BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (service_id, role_id)
);

CREATE TABLE servers (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id       BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          TEXT NOT NULL, -- empty: the default server
    display_name  TEXT NOT NULL DEFAULT '',
    wanted        TEXT NOT NULL DEFAULT 'stopped' CHECK (wanted IN ('running', 'stopped')),
    phase         TEXT NOT NULL DEFAULT 'stopped'
                  CHECK (phase IN ('stopped', 'queued', 'starting', 'ready', 'stopping', 'failed')),
    run_id        TEXT NOT NULL DEFAULT '',
    options       TEXT,
    state         TEXT,
    address       TEXT NOT NULL DEFAULT '',
    reason        TEXT NOT NULL DEFAULT '',
    fail_status   BIGINT NOT NULL DEFAULT 0,
    claim_owner   TEXT NOT NULL DEFAULT '',
    claim_expires BIGINT NOT NULL DEFAULT 0,
    next_try      BIGINT NOT NULL DEFAULT 0,
    requested     BIGINT NOT NULL DEFAULT 0,
    started       BIGINT NOT NULL DEFAULT 0,
    ready_since   BIGINT NOT NULL DEFAULT 0,
    last_activity BIGINT NOT NULL DEFAULT 0,
    created       BIGINT NOT NULL,
    version       BIGINT NOT NULL DEFAULT 0,
    UNIQUE (user_id, name)
);

CREATE TABLE shares (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    owner_id  BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    server_id BIGINT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
    user_id   BIGINT REFERENCES users (id) ON DELETE CASCADE,
    group_id  BIGINT REFERENCES groups (id) ON DELETE CASCADE,
    scopes    TEXT NOT NULL DEFAULT '[]',
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL DEFAULT 0,
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
);

CREATE TABLE oauth_clients (
    id             TEXT PRIMARY KEY,
    description    TEXT NOT NULL DEFAULT '',
    hashed_secret  TEXT NOT NULL DEFAULT '',
    redirect_uri   TEXT NOT NULL DEFAULT '',
    allowed_scopes TEXT NOT NULL DEFAULT '[]',
    server_id      BIGINT REFERENCES servers (id) ON DELETE CASCADE,
    service_id     BIGINT REFERENCES services (id) ON DELETE CASCADE
);

INSERT INTO oauth_clients (id, description) VALUES ('jupyterhub', 'API tokens');

CREATE TABLE oauth_codes (
    hashed           TEXT PRIMARY KEY, -- SHA-256 of the code
    client_id        TEXT NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
    user_id          BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    redirect_uri     TEXT NOT NULL DEFAULT '',
    session_id       TEXT NOT NULL DEFAULT '',
    scopes           TEXT NOT NULL DEFAULT '[]',
    challenge        TEXT NOT NULL DEFAULT '',
    challenge_method TEXT NOT NULL DEFAULT '',
    expires          BIGINT NOT NULL
);

CREATE TABLE tokens (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id       BIGINT REFERENCES users (id) ON DELETE CASCADE,
    service_id    BIGINT REFERENCES services (id) ON DELETE CASCADE,
    hashed        TEXT NOT NULL,
    prefix        TEXT NOT NULL, -- first four characters of the token
    client_id     TEXT NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
    session_id    TEXT NOT NULL DEFAULT '',
    run_id        TEXT NOT NULL DEFAULT '',
    scopes        TEXT NOT NULL DEFAULT '[]',
    note          TEXT NOT NULL DEFAULT '',
    created       BIGINT NOT NULL,
    expires       BIGINT NOT NULL DEFAULT 0,
    last_activity BIGINT NOT NULL DEFAULT 0,
    CHECK ((user_id IS NULL) <> (service_id IS NULL))
);

CREATE TABLE journal (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    server_id BIGINT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
    run_id    TEXT NOT NULL,
    kind      TEXT NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('planned', 'made', 'gone')),
    identity  TEXT,
    updated   BIGINT NOT NULL,
    UNIQUE (run_id, kind)
);

CREATE TABLE events (
    run_id   TEXT NOT NULL,
    seq      BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    progress BIGINT NOT NULL DEFAULT 0,
    message  TEXT NOT NULL DEFAULT '',
    level    TEXT NOT NULL DEFAULT 'info',
    final    TEXT NOT NULL DEFAULT '',
    url      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, seq)
);

CREATE TABLE leases (
    name    TEXT PRIMARY KEY,
    owner   TEXT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     BIGINT NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL DEFAULT '',
    detail TEXT
);

CREATE TABLE berdlhub_schema (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id BIGINT NOT NULL,
    is_applied BOOLEAN NOT NULL,
    tstamp     TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO berdlhub_schema (version_id, is_applied) VALUES (0, TRUE), (1, TRUE);

INSERT INTO users (id, name, admin, info, created, last_activity, cookie_id, session, refreshed)
    VALUES (1, 'ada', TRUE, '{"name":"Ada"}', 1700000000000000, 1700000001000000, '00112233445566778899aabbccddeeff', 's', 1700000002000000);
INSERT INTO roles (id, name, description, scopes) VALUES (1, 'user', 'What every user may do', '["self"]'), (2, 'admin', '', '["shutdown"]');
INSERT INTO user_roles (user_id, role_id) VALUES (1, 1), (1, 2);
INSERT INTO servers (id, user_id, name, wanted, phase, run_id, options, created) VALUES (1, 1, '', 'running', 'ready', 'r1', '{"image":"a"}', 1700000000000000);
