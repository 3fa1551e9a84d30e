package store

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// target is where a db_url leads.
type target struct {
	path     string          // absolute path of a SQLite file; empty for memory
	postgres *pgx.ConnConfig // nil for SQLite
}

const urlForms = "write sqlite:///jupyterhub.sqlite, sqlite:////absolute/path.sqlite or postgresql://user:password@host:5432/database"

// parseURL reads JupyterHub's db_url. Its errors never show the text, because it may hold a password.
func parseURL(raw string) (target, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	engine, _, _ := strings.Cut(scheme, "+") // the part behind + names a Python driver
	switch {
	case ok && engine == "sqlite":
		return parseSQLite(rest)
	case ok && (engine == "postgresql" || engine == "postgres"):
		cfg, err := pgx.ParseConfig("postgresql://" + rest)
		if err != nil {
			return target{}, errors.New("db_url is not a valid PostgreSQL address (not shown because it may hold a password): " + urlForms)
		}
		return target{postgres: cfg}, nil
	case ok && len(engine) < 20 && !strings.ContainsAny(engine, "@:/"):
		return target{}, fmt.Errorf("db_url names the database %q, which is not supported: %s", engine, urlForms)
	}
	return target{}, errors.New("db_url is not understood (not shown because it may hold a password): " + urlForms)
}

func parseSQLite(rest string) (target, error) {
	rest, _, _ = strings.Cut(rest, "?") // options of the Python driver
	if rest != "" && rest[0] != '/' {
		return target{}, fmt.Errorf("db_url has a host, which SQLite does not have: %s", urlForms)
	}
	path := strings.TrimPrefix(rest, "/")
	if path == "" || path == ":memory:" {
		return target{}, nil
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return target{}, fmt.Errorf("find the database file %s: %w", path, err)
	}
	return target{path: absolute}, nil
}

// describe names a database without its password.
func describe(raw string) string {
	to, err := parseURL(raw)
	if err != nil {
		return "an unknown database"
	}
	return to.String()
}

func (to target) String() string {
	switch {
	case to.postgres != nil:
		at := net.JoinHostPort(to.postgres.Host, strconv.Itoa(int(to.postgres.Port)))
		return fmt.Sprintf("PostgreSQL database %s at %s", to.postgres.Database, at)
	case to.path == "":
		return "SQLite in memory"
	}
	return "SQLite file " + to.path
}
