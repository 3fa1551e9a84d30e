package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The two sides that are measured.
const (
	jupyterhub = "jupyterhub"
	berdlhub   = "berdlhub"
)

// side is a hub that can be started from a configuration file.
type side struct {
	name    string
	trivial string // program of a single-user server
	command func(file string) []string
	environ []string // added to our own
}

// findSides installs or builds what runs, and gives the sides that are asked for, JupyterHub first.
func findSides(ctx context.Context, work, hub, only string) ([]*side, error) {
	trivial := filepath.Join(work, "trivial")
	if err := build(ctx, trivial, "./bench/trivial"); err != nil {
		return nil, err
	}
	var sides []*side
	if only != berdlhub {
		s, err := findJupyterHub(ctx, trivial)
		if err != nil {
			return nil, err
		}
		sides = append(sides, s)
	}
	if only != jupyterhub {
		if hub == "" {
			hub = filepath.Join(work, "berdlhub")
			if err := build(ctx, hub, "./cmd/berdlhub"); err != nil {
				return nil, err
			}
		}
		hub, err := filepath.Abs(hub)
		if err != nil {
			return nil, err
		}
		sides = append(sides, &side{name: berdlhub, trivial: trivial, command: func(file string) []string { return []string{hub, "hub", "--config", file} }})
	}
	return sides, nil
}

// findJupyterHub makes sure of JupyterHub and of configurable-http-proxy, which JupyterHub finds by PATH.
func findJupyterHub(ctx context.Context, trivial string) (*side, error) {
	env, err := output(ctx, "scripts/install-python-env", "hub6")
	if err != nil {
		return nil, err
	}
	chp, err := output(ctx, "scripts/install-chp")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(env, "bin", "jupyterhub")
	path := filepath.Dir(chp) + string(os.PathListSeparator) + filepath.Join(env, "bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	return &side{
		name: jupyterhub, trivial: trivial, environ: []string{"PATH=" + path},
		command: func(file string) []string { return []string{program, "--config", file} },
	}, nil
}

// build compiles a program of this tree as it is shipped: static and without symbols.
func build(ctx context.Context, to, from string) error {
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", to, from)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", from, err, text)
	}
	return nil
}

// output is the line that an installer prints; what it says meanwhile goes to standard error.
func output(ctx context.Context, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, os.Stderr
	if err := c.Run(); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("%w; run the benchmark at the project's root, as `make bench` does", err)
		}
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return strings.TrimSpace(out.String()), nil
}
