-- A JupyterHub with a running server, and with rows that cannot be taken.
INSERT INTO roles (id, name, description, scopes, managed_by_auth) VALUES
    (1, 'user', 'Standard user privileges', '["self"]', FALSE), (2, 'admin', 'Elevated privileges', '["admin-ui"]', FALSE),
    (3, 'server', '', '["access:servers!server"]', FALSE), (4, 'token', '', '["inherit"]', FALSE),
    (5, 'watcher', 'Looks at users', '["list:users", "read:servers"]', FALSE), (6, 'from-kbase', NULL, '["read:hub"]', TRUE),
    (7, 'strange', '', '["fly"]', FALSE);
INSERT INTO groups (id, name, properties) VALUES (1, 'lab', '{"quota": 3}'), (2, 'guests', NULL);
INSERT INTO users (id, name, admin, created, last_activity, cookie_id, encrypted_auth_state) VALUES
    (1, 'ada', TRUE, '2026-01-02 03:04:05.678901', '2026-03-01 00:00:00', 'c00c1e0000000000000000000000ada0', {sealed}),
    (2, 'bea', FALSE, NULL, NULL, 'c00c1e0000000000000000000000bea0', NULL),
    (3, 'a/b', FALSE, '2026-01-02 03:04:05', NULL, 'c00c1e0000000000000000000000abab', NULL);
INSERT INTO user_group_map (user_id, group_id) VALUES (1, 1), (2, 1), (2, 2), (3, 2);
INSERT INTO user_role_map (user_id, role_id, managed_by_auth) VALUES (1, 1, FALSE), (1, 2, FALSE), (1, 6, TRUE), (2, 1, FALSE), (2, 7, FALSE);
INSERT INTO group_role_map (group_id, role_id, managed_by_auth) VALUES (1, 5, FALSE);
INSERT INTO oauth_clients (id, identifier, description, secret, redirect_uri, allowed_scopes) VALUES
    (1, 'jupyterhub', 'JupyterHub', '', '', '[]'),
    (2, 'jupyterhub-user-ada', 'Server at /user/ada/', 'sha512:1:00:00', '/user/ada/oauth_callback', '[]'),
    (3, 'service-report', 'Service', 'sha512:1:00:00', '/services/report/oauth_callback', '["inherit"]'),
    (4, 'orphan', '', '', '', NULL);
INSERT INTO services (id, name, admin, url, info, display, oauth_no_confirm, command, timeout, from_config, oauth_client_id) VALUES
    (1, 'report', FALSE, 'http://127.0.0.1:9', '{"help": "x"}', TRUE, FALSE, '[]', 30, FALSE, 'service-report'),
    (2, 'cull', TRUE, '', '{}', FALSE, FALSE, '["python"]', 30, TRUE, NULL);
INSERT INTO service_role_map (service_id, role_id, managed_by_auth) VALUES (2, 5, FALSE);
INSERT INTO servers (id, proto, ip, port, base_url, cookie_name) VALUES (8, 'http', '127.0.0.1', 4321, '/user/ada/', ''), (9, 'http', '127.0.0.1', 4322, '/user/bea/', '');
INSERT INTO spawners (id, user_id, server_id, state, name, display_name, started, last_activity, user_options, oauth_client_id) VALUES
    (1, 1, 8, '{"pid": 77}', '', NULL, '2026-02-28 10:00:00', '2026-03-01 00:00:00', '{"image": "x"}', 'jupyterhub-user-ada'),
    (2, 1, NULL, '{"pod_name": "jupyter-ada--big", "pvc_name": "claim-ada"}', 'big', 'Big one', NULL, '2026-02-01 00:00:00',
        '{"file": {"__jupyterhub_bytes__": true, "data": "aGVs\nbG8="}}', NULL),
    (3, 2, 9, '{"pid": 78}', '', '', '2026-02-28 11:00:00', NULL, NULL, NULL),
    (4, 3, NULL, '{}', '', '', NULL, NULL, NULL, NULL);
INSERT INTO api_tokens (id, user_id, service_id, hashed, prefix, client_id, session_id, created, expires_at, last_activity, note, scopes) VALUES
    (3, 1, NULL, {server token}, 'serv', 'jupyterhub', NULL, '2026-02-28 10:00:00', NULL, '2026-03-01 00:00:00', 'Server at /user/ada/', '["access:servers!server=ada/"]'),
    (7, 1, NULL, {kept token}, 'kept', 'jupyterhub', NULL, '2026-01-03 00:00:00', '2030-01-01 00:00:00', NULL, 'kept', '["inherit"]'),
    (8, 1, NULL, 'sha512:1:a:a', 'aaaa', 'jupyterhub', NULL, '2026-01-03 00:00:00', '2026-01-04 00:00:00', NULL, 'expired', '[]'),
    (9, 1, NULL, 'sha512:1:b:b', 'bbbb', NULL, NULL, '2026-01-03 00:00:00', NULL, NULL, 'broken', '[]'),
    (10, 1, NULL, 'sha512:1:c:c', 'cccc', 'jupyterhub-user-ada', '5e5510', '2026-01-03 00:00:00', NULL, NULL, '', '["access:servers!server=ada/"]'),
    (11, NULL, 2, 'sha512:16384:d:d', 'dddd', 'jupyterhub', NULL, '2026-01-03 00:00:00', NULL, NULL, 'of the service', '["inherit"]'),
    (14, 1, NULL, 'sha512:1:0:0', '0000', 'jupyterhub', NULL, '2026-01-03 00:00:00', NULL, NULL, 'Server at /user/ada/big/', '[]'),
    (12, 2, NULL, 'sha512:1:e:e', 'eeee', 'orphan', NULL, '2026-01-03 00:00:00', NULL, NULL, '', '[]'),
    (13, 3, NULL, 'sha512:1:f:f', 'ffff', 'jupyterhub', NULL, '2026-01-03 00:00:00', NULL, NULL, '', '[]');
INSERT INTO shares (id, user_id, group_id, created_at, scopes, expires_at, owner_id, spawner_id) VALUES
    (1, 2, NULL, '2026-02-01 00:00:00', '["access:servers!server=ada/"]', NULL, 1, 1),
    (2, NULL, 2, '2026-02-01 00:00:00', '["access:servers!server=ada/", "read:servers!server=ada/"]', '2031-01-01 00:00:00', 1, 1),
    (3, NULL, 1, '2026-02-01 00:00:00', '["access:servers!server=ada/"]', '2026-02-02 00:00:00', 1, 1);
INSERT INTO share_codes (id, hashed, prefix, exchange_count, last_exchanged_at, created_at, scopes, expires_at, owner_id, spawner_id) VALUES
    (5, 'sha512:1:9:9', 'code', 2, '2026-02-03 00:00:00', '2026-02-01 00:00:00', '["access:servers!server=ada/"]', '2031-01-01 00:00:00', 1, 1);
INSERT INTO oauth_codes (id, client_id, code, expires_at, user_id, scopes) VALUES (1, 'orphan', 'x', 1, 1, '[]');
