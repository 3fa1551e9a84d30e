-- Codes by which a server is shared with whoever has one; sessions of browsers; and an audit table that only grows.

CREATE UNIQUE INDEX shares_once_for_a_user ON shares (server_id, user_id);
CREATE UNIQUE INDEX shares_once_for_a_group ON shares (server_id, group_id);

CREATE TABLE share_codes (
    id             {id},
    owner_id       BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    server_id      BIGINT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
    hashed         TEXT NOT NULL,
    prefix         {key} NOT NULL, -- first four characters of the code
    scopes         TEXT NOT NULL DEFAULT '[]',
    created        BIGINT NOT NULL,
    expires        BIGINT NOT NULL DEFAULT 0,
    exchanges      BIGINT NOT NULL DEFAULT 0,
    last_exchanged BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX share_codes_by_owner ON share_codes (owner_id);
CREATE INDEX share_codes_by_server ON share_codes (server_id);
CREATE INDEX share_codes_by_prefix ON share_codes (prefix);
CREATE INDEX share_codes_by_expiry ON share_codes (expires);

CREATE TABLE sessions (
    id         {id},
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    proof      {key} NOT NULL UNIQUE,           -- SHA-256 of the sign-in cookie's value, in hex
    session_id {key} NOT NULL DEFAULT '',       -- of the browser; the tokens that the session made carry it
    address    TEXT NOT NULL DEFAULT '',
    agent      TEXT NOT NULL DEFAULT '',        -- User-Agent of the browser
    created    BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    expires    BIGINT NOT NULL,                 -- when the cookie is not accepted any more
    ended      BIGINT NOT NULL DEFAULT 0        -- 0 while the session holds
);

-- Rows of sessions are not kept for ever. A cookie that was signed at this time or before, and that has no row, is not accepted.
ALTER TABLE users ADD COLUMN cookies_after BIGINT NOT NULL DEFAULT 0;

CREATE INDEX sessions_by_user ON sessions (user_id, ended);
CREATE INDEX sessions_by_expiry ON sessions (expires);

ALTER TABLE audit ADD COLUMN actor_kind TEXT NOT NULL DEFAULT ''; -- user, service, or hub for what it did by itself
ALTER TABLE audit ADD COLUMN token TEXT NOT NULL DEFAULT '';      -- id of the token that was used; empty for a browser session
ALTER TABLE audit ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_by_target ON audit (target, id);
CREATE INDEX audit_by_actor ON audit (actor, id);
CREATE INDEX audit_by_action ON audit (action, id);
{audit only grows}

CREATE INDEX users_by_admin ON users (admin, id);

-- What was taken over from a JupyterHub, so that taking it over again changes only what has changed there since.
CREATE TABLE imports (
    kind        {key} NOT NULL,
    name        {key} NOT NULL,
    fingerprint TEXT NOT NULL, -- SHA-256 of the row as it was there
    PRIMARY KEY (kind, name)
);
