package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"berdlhub/internal/config"
	"berdlhub/internal/hub"
	"berdlhub/internal/local"
	"berdlhub/internal/scope"
	"berdlhub/internal/secret"
	"berdlhub/internal/store"
	"berdlhub/internal/store/jupyterhub"
)

// MigrateDatabase upgrades the schema of the configured database, and gives what it was (0: none) and is.
func MigrateDatabase(ctx context.Context, cfg *config.Config, log *slog.Logger) (from, to int64, err error) {
	return store.Migrate(ctx, store.Config{URL: cfg.Hub.DBURL.Reveal(), Log: log})
}

// CheckDatabase looks at the configured database without changing it.
func CheckDatabase(ctx context.Context, cfg *config.Config) (store.Health, error) {
	return store.Check(ctx, cfg.Hub.DBURL.Reveal())
}

// BackupDatabase copies the configured database to a file that does not exist yet; the hub may run.
func BackupDatabase(ctx context.Context, cfg *config.Config, to string) error {
	return store.Backup(ctx, cfg.Hub.DBURL.Reveal(), to)
}

// RestoreDatabase puts a copy in the place of the configured database, while no hub runs, and gives the name of what was there.
func RestoreDatabase(ctx context.Context, cfg *config.Config, from string) (kept string, err error) {
	return store.Restore(ctx, cfg.Hub.DBURL.Reveal(), from, time.Now())
}

// ImportDatabase takes over what the database of a JupyterHub holds, at an address as in JupyterHub.db_url. It only reads there.
func ImportDatabase(ctx context.Context, cfg *config.Config, from string, dryRun bool, log *slog.Logger) (*jupyterhub.Report, error) {
	at, err := store.Locate(cfg.Hub.DBURL.Reveal())
	if err != nil {
		return nil, err
	}
	if at.Path == "" && at.Postgres == nil {
		return nil, hub.Errorf(hub.Invalid, "JupyterHub.db_url names a database in memory, which would be gone at once: name a file or a PostgreSQL database.")
	}
	src, name, err := jupyterhub.Read(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	m := &mover{cfg: cfg, custom: (&App{cfg: cfg}).customScopes(), apiURLs: map[string][]string{}}
	db, err := store.Open(ctx, store.Config{URL: m.target(at, dryRun), Log: log})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }() // what was written is committed
	report, err := jupyterhub.Import(ctx, db, src, jupyterhub.Options{
		From: name, DryRun: dryRun, Now: time.Now(), Adopt: m.adopt, NewRunID: secret.NewRunID,
		CheckScopes: func(role string, scopes []string) error { return scope.ValidateFor("role "+role, scopes, m.custom) },
	})
	if err != nil {
		return nil, err
	}
	report.Notes = append(report.Notes, m.notes(ctx, src)...)
	return report, nil
}

// mover knows what the configuration says of a hub that is moved over.
type mover struct {
	cfg     *config.Config
	custom  scope.Custom
	apiURLs map[string][]string // where running servers reach their hub, and whose they are
}

// target is where to write: a dry run does not even make a file.
func (m *mover) target(at store.Place, dryRun bool) string {
	if dryRun && at.Path != "" {
		if _, err := os.Stat(at.Path); err != nil {
			return "sqlite://"
		}
	}
	return m.cfg.Hub.DBURL.Reveal()
}

// adopt looks whether a server that ran under JupyterHub can go on under this hub: its process must live, be that server, and answer.
func (m *mover) adopt(ctx context.Context, key hub.ServerKey, s *jupyterhub.Server) (*jupyterhub.Adopted, error) {
	var state struct {
		PID int    `json:"pid"`
		Pod string `json:"pod_name"`
	}
	if s.State != nil && json.Unmarshal(s.State, &state) != nil {
		return nil, hub.Errorf(hub.Invalid, "what its spawner kept cannot be read")
	}
	switch {
	case state.Pod != "":
		return nil, hub.Errorf(hub.Invalid, "it runs in a pod of Kubernetes, which this version does not take over yet; what its spawner kept is stored")
	case s.Proto == "https":
		return nil, hub.Errorf(hub.Invalid, "it speaks https inside (internal_ssl), which this hub does not")
	case state.PID == 0:
		return nil, hub.Errorf(hub.Invalid, "it was just being started, or its spawner keeps no process id")
	}
	found, err := local.FindForeign(s.State, key, s.Started)
	if err != nil {
		return nil, err
	}
	if err := answers(ctx, found.Address+s.BaseURL+"api"); err != nil {
		return nil, hub.Wrap(hub.Unavailable, err, "its process lives but does not answer")
	}
	m.apiURLs[found.APIURL] = append(m.apiURLs[found.APIURL], key.String())
	return &jupyterhub.Adopted{State: found.State, Address: found.Address, Token: found.Token}, nil
}

// answerTimeout bounds how long a running server may take to answer.
const answerTimeout = 10 * time.Second

// answers asks a server or a hub; any answer below 500 will do.
func answers(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	return nil
}

// notes compares what the database needs with what the configuration says.
func (m *mover) notes(ctx context.Context, src *jupyterhub.Hub) []string {
	all := m.aliveNotes(ctx)
	all = append(all, m.addressNotes()...)
	all = append(all, m.roleNotes(src)...)
	return append(all, m.stateNotes(src)...)
}

// aliveNotes warns when a hub still answers where the running servers report to.
func (m *mover) aliveNotes(ctx context.Context) []string {
	var all []string
	for _, at := range slices.Sorted(maps.Keys(m.apiURLs)) {
		if answers(ctx, strings.TrimSuffix(at, "/")+"/") == nil {
			all = append(all, fmt.Sprintf("A hub answers at %s. If that is JupyterHub, stop it (cleanup_servers must be false) and import again before this hub is started.", at))
		}
	}
	return all
}

// addressNotes warns when running servers reach their hub where this one will not listen.
func (m *mover) addressNotes() []string {
	expected := strings.TrimSuffix(cmp.Or(m.cfg.Spawner.HubConnectURL, m.cfg.Hub.HubConnectURL), "/") + m.cfg.Hub.BaseURL + "hub/api"
	var all []string
	for _, at := range slices.Sorted(maps.Keys(m.apiURLs)) {
		whose := m.apiURLs[at]
		if sameHost(at, expected) {
			continue
		}
		slices.Sort(whose)
		all = append(all, fmt.Sprintf("The running servers of %s reach their hub at %s, but this hub will be at %s: set JupyterHub.hub_bind_url (and base_url) "+
			"to what it was before the hub is started. Otherwise they cannot let anybody in, and must be stopped and started.",
			strings.Join(whose[:min(len(whose), 10)], ", "), at, expected))
	}
	return all
}

// sameHost compares two addresses; localhost is 127.0.0.1.
func sameHost(a, b string) bool {
	u, err1 := url.Parse(a)
	v, err2 := url.Parse(b)
	if err1 != nil || err2 != nil {
		return false
	}
	host := func(u *url.URL) string { return strings.Replace(u.Host, "localhost", "127.0.0.1", 1) }
	return host(u) == host(v) && strings.Trim(u.Path, "/") == strings.Trim(v.Path, "/")
}

// roleNotes names the roles that the next start removes again. JupyterHub does the same.
func (m *mover) roleNotes(src *jupyterhub.Hub) []string {
	var missing []string
	for _, r := range src.Roles {
		isDefault := slices.ContainsFunc(scope.DefaultRoles(), func(d scope.Role) bool { return d.Name == r.Name })
		configured := slices.ContainsFunc(m.cfg.Hub.LoadRoles, func(c config.Role) bool { return c.Name == r.Name })
		if !isDefault && !configured && !r.Managed {
			missing = append(missing, r.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []string{"The configuration's load_roles does not have " + strings.Join(missing[:min(len(missing), 20)], ", ") +
		": the hub removes roles that are not configured when it starts. Configure them first."}
}

// stateNotes says whether the stored sign-in state can be opened with the configured keys.
func (m *mover) stateNotes(src *jupyterhub.Hub) []string {
	sealed := slices.IndexFunc(src.Users, func(u jupyterhub.User) bool { return len(u.AuthState) > 0 })
	if sealed < 0 {
		return nil
	}
	keyring, err := (&App{cfg: m.cfg}).keyring()
	if err != nil || keyring == nil {
		return []string{"Users have encrypted sign-in state (auth_state), but no key is configured: set CryptKeeper.keys or JUPYTERHUB_CRYPT_KEY to what it was."}
	}
	if _, _, err := keyring.Open(src.Users[sealed].AuthState); err != nil {
		return []string{"The encrypted sign-in state (auth_state) cannot be opened with the configured key: set CryptKeeper.keys or JUPYTERHUB_CRYPT_KEY to what it was."}
	}
	return nil
}
