package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"berdlhub/internal/hub"
)

// Probe looks whether a server could be started: its program is there, and the folder of logs and of what is kept of runs can be written.
// Errors: Unavailable, with what to do.
func (p *Processes) Probe(context.Context) error {
	if _, err := lookPath(p.c.Cmd[0], os.Getenv("PATH")); err != nil {
		return hub.Wrap(hub.Unavailable, err, "The program of single-user servers is not found: install it, or correct Spawner.cmd.")
	}
	dir := p.c.StateDir // it is made at the first start; until then the nearest folder above it must take it
	for {
		_, err := os.Stat(dir)
		if up := filepath.Dir(dir); errors.Is(err, os.ErrNotExist) && up != dir {
			dir = up
			continue
		}
		break
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return hub.Wrap(hub.Unavailable, err, "The folder for the logs of servers cannot be written: make it writable for the hub, or free space.")
	}
	return nil
}
