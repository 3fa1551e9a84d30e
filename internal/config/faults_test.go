package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"berdlhub/internal/config"
)

// wrong are configurations with a fault or a warning each; the golden file holds what is said about them.
var wrong = []struct {
	what    string
	file    string // default hub.yaml
	text    string
	environ []string
	args    []string
}{
	{what: "nothing is configured"},
	{what: "dummy for everybody", text: "JupyterHub: {authenticator_class: dummy}"},
	{what: "unknown class", text: dummy + "JupiterHub: {port: 1}"},
	{what: "unknown class far from all", text: dummy + "Zebra: {port: 1}"},
	{what: "Python authenticator's section", text: dummy + "GitHubOAuthenticator: {client_id: x}"},
	{what: "unknown trait", text: dummy + "Spawner:\n  start_timout: 10\n"},
	{what: "trait of another class", text: dummy + "JupyterHub2: {}\nAuthenticator: {start_timeout: 10}"},
	{what: "Python trait", text: dummy + "Spawner: {pre_spawn_hook: my.hook}\nKubeSpawner: {modify_pod_hook: x, get_pod_url: null}"},
	{what: "no effect", text: dummy + "KubeSpawner: {image: x}\nJupyterHub.x: 1"},
	{what: "refused traits", text: "JupyterHub: {authenticator_class: dummy, internal_ssl: true, ssl_key: k, subdomain_host: 'https://x', reset_db: false}"},
	{what: "wrong types", text: "JupyterHub:\n  authenticator_class: 7\n  port: eighty\n  services: {}\n  load_groups: []\n  cookie_max_age_days: true\nSpawner:\n  debug: 'yes'\n  environment: [A]\n  cmd: {}\n  mem_limit: 1.5X\n  args: [1]\n  ip: null\n  start_timeout: 1.5\n"},
	{what: "out of range", text: "JupyterHub: {authenticator_class: dummy, port: 70000, concurrent_spawn_limit: -1, hub_port: 99999}\nSpawner: {start_timeout: 0, mem_limit: 9999999T, poll_jitter: 2}"},
	{what: "not one of the words", text: "JupyterHub: {authenticator_class: dummy, log_level: DEBG, allow_existing_invalid_named_servers: never}"},
	{what: "unknown class names", text: "JupyterHub: {authenticator_class: dumy, spawner_class: dockerspawner.DockerSpawner}"},
	{what: "classes that this version lacks", text: "JupyterHub: {authenticator_class: pam, spawner_class: kubespawner.KubeSpawner}"},
	{what: "control characters in names", text: "JupyterHub: {authenticator_class: dummy, \"a\\nb\\e[0m\": 1}"},
	{what: "inner address beside the default one", text: dummy + "JupyterHub.hub: 1", args: []string{"--JupyterHub.hub_bind_url=http://:8000"}},
	{what: "set twice", text: dummy + "Spawner: {debug: true, debug: false}"},
	{what: "section twice", text: dummy + "Spawner: {debug: true}\nSpawner: {debug: false}"},
	{what: "section is no map", text: dummy + "Spawner: hush-section"},
	{what: "document is a list", text: "[1]"},
	{what: "JSON with a comma too many", file: "hub.json", text: "{\n  \"JupyterHub\": {},\n}"},
	{what: "YAML that cannot be read", text: "JupyterHub:\n  port: [1\n  ip: x: y"},
	{what: "two YAML documents", text: "JupyterHub: {}\n---\nJupyterHub: {}"},
	{what: "merge key", text: "a: &a {x: 1}\nJupyterHub:\n  <<: *a"},
	{what: "Python tag", text: "JupyterHub: {port: !!python/name:os.system x}"},
	{what: "alias of itself", text: "JupyterHub: &a [*a]"},
	{what: "number too large", text: "JupyterHub: {port: 99999999999999999999}"},
	{what: "not a number", text: dummy + "Spawner: {cpu_limit: .nan}"},
	{what: "Python file", file: "jupyterhub_config.py", text: "c = get_config()"},
	{what: "chart values without config", text: "hub: {image: x}"},
	{what: "addresses", text: "JupyterHub: {authenticator_class: dummy, bind_url: 'https://:8000', public_url: hub.example.org, hub_connect_url: 'ftp://x', hub_bind_url: 'unix+http://sock', trusted_downstream_ips: [ten]}"},
	{what: "parts contradict bind_url", text: "JupyterHub: {authenticator_class: dummy, bind_url: 'http://127.0.0.1:8000/a', port: 9000, base_url: /a/, ip: 'no good'}"},
	{what: "same port twice", text: "JupyterHub: {authenticator_class: dummy, port: 8081}"},
	{what: "base_url with dots", text: "JupyterHub: {authenticator_class: dummy, base_url: /a/../b}"},
	{what: "host prefix over http", text: "JupyterHub: {authenticator_class: dummy, public_url: 'http://h', cookie_host_prefix_enabled: true}"},
	{what: "limits contradict", text: "JupyterHub: {authenticator_class: dummy, api_page_default_limit: 500, spawn_throttle_retry_range: [60, 30]}\nSpawner: {mem_limit: 1G, mem_guarantee: 2G, cpu_limit: 1, cpu_guarantee: 2}"},
	{what: "retry range", text: "JupyterHub: {authenticator_class: dummy, spawn_throttle_retry_range: [1, x]}"},
	{what: "retry range of one", text: "JupyterHub: {authenticator_class: dummy, spawn_throttle_retry_range: [1]}"},
	{what: "empty command, shared home", text: "JupyterHub: {authenticator_class: dummy, spawner_class: simple}\nSpawner: {cmd: [], ip: everywhere}\nSimpleLocalProcessSpawner: {home_dir_template: /home}\nBerdlHub: {homes_dir: /}"},
	{what: "tornado settings", text: "JupyterHub: {authenticator_class: dummy, tornado_settings: {slow_spawn_timeout: soon, headers: [1], cookie_options: x, compress_response: true}}"},
	{what: "short cookie secret", text: dummy, environ: []string{"JPY_COOKIE_SECRET=deadbeef"}},
	{what: "repeating cookie secret", text: dummy, environ: []string{"JPY_COOKIE_SECRET=" + strings.Repeat("ab", 32)}},
	{what: "repeating pattern", text: dummy, environ: []string{"JPY_COOKIE_SECRET=" + strings.Repeat("0123456789abcdef", 4)}},
	{what: "counting cookie secret", text: dummy, environ: []string{"JPY_COOKIE_SECRET=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"}},
	{what: "cookie secret of few bytes", text: dummy, environ: []string{"JPY_COOKIE_SECRET=" + strings.Repeat("ab", 31) + "cd"}},
	{what: "cookie secret without hex digits", text: dummy, environ: []string{"JPY_COOKIE_SECRET=" + strings.Repeat("hush", 20)}},
	{what: "cookie secrets differ", text: dummy, environ: []string{"JPY_COOKIE_SECRET=" + goodSecret, "JUPYTERHUB_COOKIE_SECRET_64_HEX_CHARS=" + goodKey}},
	{what: "crypt key", text: dummy, environ: []string{"JUPYTERHUB_CRYPT_KEY=hush-key;" + goodKey + ";" + strings.Repeat("x", 32)}},
	{what: "database with two slashes", text: "JupyterHub: {authenticator_class: dummy, db_url: 'sqlite://hub.sqlite'}"},
	{what: "database is a folder", text: "JupyterHub: {authenticator_class: dummy, db_url: 'sqlite:////srv/'}"},
	{what: "database is a path", text: "JupyterHub: {authenticator_class: dummy, db_url: /srv/hub.sqlite}"},
	{what: "database of another kind", text: "JupyterHub: {authenticator_class: dummy, db_url: 'mysql+pymysql://u:hush-db@h/d'}"},
	{what: "database misspelt", text: "JupyterHub: {authenticator_class: dummy, db_url: 'postgressql://u:hush-db@h/d'}"},
	{what: "database without name", text: "JupyterHub: {authenticator_class: dummy, db_url: 'postgresql+psycopg2://u:hush-db@h'}"},
	{what: "database URL not escaped", text: "JupyterHub: {authenticator_class: dummy, db_url: 'postgresql://u:hush%zz@h/d'}"},
	{what: "kbase without the rest", environ: []string{"KBASE_AUTH_URL=https://kbase.us/auth"}},
	{what: "kbase with a path in its origin", environ: append(append([]string{}, berdl[:6]...), "KBASE_ORIGIN=https://kbase.us/x", "APPROVED_ROLES=,")},
	{what: "kbase origin without scheme", environ: append(append([]string{}, berdl[:6]...), "KBASE_ORIGIN=kbase.us")},
	{what: "auth state without keys", text: dummy + "Authenticator: {enable_auth_state: true}"},
	{what: "username pattern", text: dummy + "Authenticator: {username_pattern: '(?!x)'}"},
	{what: "nobody may come in", text: "JupyterHub: {authenticator_class: shared-password}\nSharedPasswordAuthenticator: {user_password: long-enough}"},
	{what: "shared passwords", text: "JupyterHub: {authenticator_class: shared-password}\nAuthenticator: {allow_all: true}"},
	{what: "short password", text: "JupyterHub: {authenticator_class: shared-password}\nSharedPasswordAuthenticator: {allow_all: true, user_password: hush}"},
	{what: "short admin password", text: "JupyterHub: {authenticator_class: shared-password}\nSharedPasswordAuthenticator: {allow_all: true, user_password: hush-hush, admin_password: hush-hush2}"},
	{what: "same passwords", text: "JupyterHub: {authenticator_class: shared-password}\nSharedPasswordAuthenticator: {allow_all: true, user_password: hush-hush-hush-hush-hush-hush-hush, admin_password: hush-hush-hush-hush-hush-hush-hush}"},
	{what: "blocked administrator", text: dummy + "Authenticator: {admin_users: [ada], blocked_users: [ada]}"},
	{what: "managed groups with groups", text: "JupyterHub: {authenticator_class: dummy, load_groups: {g: []}}\nAuthenticator: {manage_groups: true}"},
	{what: "roles", text: "JupyterHub:\n  authenticator_class: dummy\n  services: [{name: culler}]\n  load_roles:\n    - {name: A, scopes: [x]}\n    - {name: admin, scopes: [x]}\n    - {name: okay, users: ada, scope: [x], services: [cullr]}\n    - {name: okay, scopes: [1]}\n    - nothing\n"},
	{what: "groups", text: "JupyterHub: {authenticator_class: dummy, load_groups: {g: [1], h: x, i: {users: [], members: []}, j: {properties: []}}}"},
	{what: "custom scopes", text: "JupyterHub: {authenticator_class: dummy, custom_scopes: {'custom:ok:x': {description: d, subscopes: ['custom:no:x']}, read: {description: d}, 'custom:none:x': {}}}"},
	{what: "services", text: "JupyterHub:\n  authenticator_class: dummy\n  service_tokens: {hush: a, other-hush-hush: b}\n  services:\n    - {nam: x}\n    - {name: a, url: 'unix:x', admin: 'yes', command: [python], api_token: 123, info: [], oauth_roles: [x]}\n    - {name: a, api_token: hush}\n    - {name: b, api_token: hush-hush}\n    - 3\n    - {name: c, url: 'https://c', command: ['', x], timeout: 0}\n    - {name: d, command: culler, environment: [A], cwd: 7}\n    - {name: e, command: [], cwd: /srv, user: ada, environment: {A: 1}, timeout: x}\n    - {name: f, command: [1]}\n"},
	{what: "environment", text: dummy, environ: []string{
		"JUPYTERHUB_IDLE_TIMEOUT_SECONDS=1h", "ENABLE_IDLE_CULLER=maybe", "GOVERNANCE_API_URL=governance", "MINIO_ENDPOINT_URL=http://minio", "MINIO_SECURE_FLAG=True",
		"BERDL_TOLERATIONS=dev", "BERDL_REDIS_PORT=x", "JUPYTERHUB_LOG_LEVEL=LOUD", "DEFAULT_MASTER_CORES=1", "KBASE_AUTH_URI=x", "MINIO_ENDPOINT_URL_=x",
	}},
	{what: "endpoint", text: dummy, environ: []string{"MINIO_ENDPOINT_URL=http://"}},
	{what: "command line", text: dummy, args: []string{"--prt=hush", "stray-hush", "--Spawner.debgu=hush", "--Spawnr.debug=1", "--JupyterHub.port=hush", "--JupyterHub.services={broken", "--url", "--debug", "--ip"}},
	{what: "old name", text: dummy + "Authenticator: {whitelist: [ada]}"},
}

func TestFaults(t *testing.T) {
	var out strings.Builder
	for _, c := range wrong {
		file := c.file
		if file == "" {
			file = "hub.yaml"
		}
		cfg, faults := load(file, c.text, c.environ, c.args)
		if (cfg == nil) != (faults.Err() != nil) {
			t.Errorf("%s: a configuration and faults do not exclude each other", c.what)
		}
		if len(faults) == 0 {
			t.Errorf("%s: nothing is said", c.what)
		}
		fmt.Fprintf(&out, "== %s\n", c.what)
		if err := faults.Check(&out); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.SplitSeq(out.String(), "\n") {
		if strings.Contains(line, "hush") {
			t.Errorf("a fault repeats a secret: %s", line)
		}
	}
	golden(t, "testdata/faults.txt", []byte(out.String()))
}

func TestPublishedSecretsAreRefused(t *testing.T) {
	// The values themselves were published with an example manifest; they open nothing that is configured properly.
	for _, secret := range []string{
		"d1a3f8a56c4b27e939f81bc6dfcd3e81" + "913a2b79e5f4674a6bd37f5e4a29de38",
		"7b40d6e5c09f34a721e8a9f05bfc6c2e" + "3a41d8f97c63b28eab249fd89c1e0737",
	} {
		for _, name := range []string{"JUPYTERHUB_COOKIE_SECRET_64_HEX_CHARS", "JUPYTERHUB_CRYPT_KEY"} {
			_, faults := load("hub.yaml", dummy, []string{name + "=" + secret}, nil)
			err := faults.Err()
			if err == nil || !strings.Contains(err.Error(), "was published") || strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	for _, err := range []error{&os.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, errors.New("disk on fire")} {
		cfg, faults := config.Load(config.Input{File: "x.yaml", Args: []string{"--JupyterHub.authenticator_class=null"}, Read: func(string) ([]byte, error) { return nil, err }})
		if cfg != nil || len(faults) != 1 || !strings.HasPrefix(faults[0].String(), "x.yaml: cannot be read: ") {
			t.Errorf("%v", faults)
		}
	}
}

func TestCheckCounts(t *testing.T) {
	var out bytes.Buffer
	faults := config.Faults{{Option: "A.b", Problem: "is odd", Warning: true}, {Place: "f:1:2", Option: "A.c", Problem: "is wrong", Near: "A.d", Remedy: "mend it"}}
	if err := faults.Check(&out); err != nil {
		t.Fatal(err)
	}
	want := "warning: A.b is odd\nf:1:2: A.c is wrong; did you mean A.d? [mend it]\n1 fault, 1 warning\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
