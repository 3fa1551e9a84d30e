// Package dev runs the whole main job on one machine: a stand-in for KBase's sign-in, the hub with SQLite and local
// processes, and a real JupyterLab that is installed on first use.
package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"berdlhub/internal/app"
	"berdlhub/internal/config"
	"berdlhub/internal/kbase/kbasetest"
)

// Config says where things are and where the hub listens.
type Config struct {
	Port    int    // of the hub on 127.0.0.1; 0: a free one
	Dir     string // database, homes, logs and the Python environment
	Python  string // folder of a Python environment with jupyterhub-singleuser; empty: one in Dir, made on first use
	Out     io.Writer
	Log     *slog.Logger
	Environ []string // of the process
	// Started is called with the hub's address once it serves; nil: nothing.
	Started func(url string)
}

// Run runs until the context ends, then stops everything that it started, single-user servers included, and nothing else.
func Run(ctx context.Context, cfg Config) (err error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return fmt.Errorf("find the data folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	python := cfg.Python
	if python == "" {
		if python, err = environment(ctx, filepath.Join(dir, "python"), cfg.Out); err != nil {
			return err
		}
	}
	if python, err = filepath.Abs(python); err != nil {
		return fmt.Errorf("find the Python environment: %w", err)
	}
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("enter the data folder: %w", err)
	}
	stand, stop, err := serveKBase(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	key, err := cryptKey(filepath.Join(dir, "crypt_key"))
	if err != nil {
		return err
	}
	environ := append(environ(cfg, stand, dir, python), "JUPYTERHUB_CRYPT_KEY="+key)
	settings, faults := config.Load(config.Input{Environ: environ, Args: arguments(cfg, python)})
	if err := faults.Err(); err != nil {
		return err
	}
	h, err := app.New(ctx, settings, app.Options{Log: cfg.Log})
	if err != nil {
		return err
	}
	if err := welcome(cfg.Out, h.URL(), stand); err != nil {
		return err
	}
	if cfg.Started != nil {
		cfg.Started(h.URL())
	}
	return h.Run(ctx)
}

// serveKBase starts the stand-in of KBase's sign-in on a free port; stop ends it.
func serveKBase(ctx context.Context) (origin string, stop func() error, err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen for the KBase stand-in: %w", err)
	}
	k := kbasetest.New(kbasetest.Config{})
	server := &http.Server{Handler: k, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	return "http://" + l.Addr().String(), func() error {
		k.Close()
		_ = server.Close() // nothing to save
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}, nil
}

// environ gives the names that BERDL's deployment sets, with the stand-ins behind them.
func environ(cfg Config, origin, dir, python string) []string {
	return append(cfg.Environ,
		"KBASE_ORIGIN="+origin, "KBASE_AUTH_URL="+origin+"/services/auth/",
		"APPROVED_ROLES="+kbasetest.ApprovedRole, "AUTH_FULL_ADMIN_ROLES="+kbasetest.AdminRole,
		"BERDL_NOTEBOOK_HOMES_DIR="+filepath.Join(dir, "homes"),
		"PATH="+filepath.Join(python, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
	)
}

func arguments(cfg Config, python string) []string {
	args := []string{
		"--JupyterHub.bind_url=http://127.0.0.1:" + strconv.Itoa(cfg.Port) + "/", "--JupyterHub.hub_bind_url=http://127.0.0.1:0",
		"--JupyterHub.allow_named_servers=true", "--JupyterHub.cleanup_servers=true", "--JupyterHub.spawner_class=simple",
		"--Spawner.cmd=[\"" + filepath.Join(python, "bin", "jupyterhub-singleuser") + "\"]", "--Spawner.default_url=/lab",
		"--Spawner.start_timeout=120", "--Spawner.http_timeout=120",
	}
	if cfg.Port != 0 {
		// Servers that outlive a killed hub find the next one at the same address.
		args = append(args, "--JupyterHub.hub_connect_url=http://127.0.0.1:"+strconv.Itoa(cfg.Port))
	}
	if os.Geteuid() == 0 {
		args = append(args, "--Spawner.args=[\"--allow-root\"]")
	}
	return args
}

// welcome prints where to go and who can come in.
func welcome(w io.Writer, url, origin string) error {
	says := map[string]string{
		"ada": "approved: gets a JupyterLab", "grace": "admin", "noel": "no role: refused, and told which role is missing",
		"mona": "no second factor: refused, and told how to get one", "xena": "expired session: asked to sign in again",
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\n  berdlhub runs at  %s\n\n  Sign in (a stand-in of KBase at %s asks who you are) as\n", url, origin)
	for _, account := range kbasetest.Accounts() {
		fmt.Fprintf(&text, "    %-8s %s\n", account.Name, says[account.Name])
	}
	text.WriteString("\n  Ctrl-C ends the hub, the servers that it started and the stand-in.\n\n")
	_, err := io.WriteString(w, text.String())
	return err
}
