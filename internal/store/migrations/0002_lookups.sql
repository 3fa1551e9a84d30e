-- What is looked up or listed often, and every foreign key that a deletion follows.

CREATE INDEX users_by_activity ON users (last_activity, id);
CREATE INDEX user_groups_by_group ON user_groups (group_id);
CREATE INDEX user_roles_by_role ON user_roles (role_id);
CREATE INDEX group_roles_by_role ON group_roles (role_id);
CREATE INDEX service_roles_by_role ON service_roles (role_id);

CREATE INDEX servers_by_phase ON servers (phase, requested, id);
CREATE INDEX servers_by_run ON servers (run_id);

CREATE INDEX shares_by_owner ON shares (owner_id);
CREATE INDEX shares_by_server ON shares (server_id);
CREATE INDEX shares_by_user ON shares (user_id);
CREATE INDEX shares_by_group ON shares (group_id);

CREATE INDEX oauth_clients_by_server ON oauth_clients (server_id);
CREATE INDEX oauth_clients_by_service ON oauth_clients (service_id);
CREATE INDEX oauth_codes_by_client ON oauth_codes (client_id);
CREATE INDEX oauth_codes_by_user ON oauth_codes (user_id);

CREATE INDEX tokens_by_prefix ON tokens (prefix);
CREATE INDEX tokens_by_user ON tokens (user_id, client_id);
CREATE INDEX tokens_by_service ON tokens (service_id);
CREATE INDEX tokens_by_client ON tokens (client_id);
CREATE INDEX tokens_by_run ON tokens (run_id);
CREATE INDEX tokens_by_expiry ON tokens (expires);

CREATE INDEX journal_by_server ON journal (server_id);
CREATE INDEX journal_by_state ON journal (state);
CREATE INDEX events_by_time ON events (at);
CREATE INDEX audit_by_time ON audit (at);
