package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"berdlhub/internal/store"
)

// missing is what a test says on a machine without PostgreSQL.
const missing = "install Debian's postgresql: make setup"

const (
	superuser = "berdlhub"
	template  = "migrated"
)

// cluster is a PostgreSQL server that lives as long as the test process.
type cluster struct {
	port     int
	password string
	alive    io.Closer // the server ends when this is closed, at the latest with the process
	admin    *sql.DB
	template error      // whether the migrated template could be made
	mu       sync.Mutex // CREATE DATABASE takes the template for itself
}

var theCluster = sync.OnceValues(startCluster)

// Postgres gives the URL of a fresh PostgreSQL database with the newest schema; it is dropped at the end of the test.
func Postgres(t testing.TB) string {
	t.Helper()
	c := running(t)
	if c.template != nil {
		t.Fatalf("prepare the test's PostgreSQL: %v", c.template)
	}
	return c.create(t, template)
}

// EmptyPostgres gives the URL of a fresh PostgreSQL database without any tables; it is dropped at the end of the test.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	return running(t).create(t, "template0")
}

func running(t testing.TB) *cluster {
	t.Helper()
	c, err := theCluster()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatal(missing)
	}
	if err != nil {
		t.Fatalf("start PostgreSQL for the tests: %v", err)
	}
	return c
}

func (c *cluster) url(database string) string {
	return fmt.Sprintf("postgresql://%s:%s@127.0.0.1:%d/%s?sslmode=disable", superuser, c.password, c.port, database)
}

func (c *cluster) create(t testing.TB, from string) string {
	t.Helper()
	database := "t" + strings.ToLower(rand.Text())
	c.mu.Lock()
	_, err := c.admin.ExecContext(t.Context(), "CREATE DATABASE "+database+" TEMPLATE "+from)
	c.mu.Unlock()
	if err != nil {
		t.Fatalf("create the test's database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := c.admin.ExecContext(context.Background(), "DROP DATABASE "+database+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return c.url(database)
}

func startCluster() (*cluster, error) {
	bin, err := findPrograms()
	if err != nil {
		return nil, err
	}
	as, err := account()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "berdlhub-postgres-")
	if err != nil {
		return nil, err
	}
	c := &cluster{password: rand.Text()}
	if err := c.initialise(bin, dir, as); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := c.start(bin, dir, as); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c.template = c.makeTemplate()
	return c, nil
}

// findPrograms finds the folder of initdb and postgres: of the newest version that Debian installed, or on the PATH.
func findPrograms() (string, error) {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(dirs) > 0 {
		return filepath.Dir(slices.MaxFunc(dirs, func(a, b string) int { return version(a) - version(b) })), nil
	}
	path, err := exec.LookPath("initdb")
	return filepath.Dir(path), err
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // others count as 0
	return n
}

// account says as whom the server runs: PostgreSQL refuses root.
func account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", missing, err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

func (c *cluster) initialise(bin, dir string, as *syscall.Credential) error {
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte(c.password), 0o600); err != nil {
		return err
	}
	if as != nil {
		for _, path := range []string{dir, password} {
			if err := os.Chown(path, int(as.Uid), int(as.Gid)); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// A locale that sorts as people do shows whether a query relies on the order of bytes.
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--pgdata", filepath.Join(dir, "data"), "--no-sync", "--encoding", "UTF8",
		"--locale", "C.UTF-8", "--locale-provider", "icu", "--icu-locale", "en", "--username", superuser, "--auth", "scram-sha-256", "--pwfile", password)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// keeper runs the server until its own input ends, which happens when the test process does, however it ends; then it tidies up.
const keeper = `
"$1" -D "$2/data" -p "$3" -k "$2" -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
	-c max_connections=300 -c shared_buffers=64MB -c wal_level=minimal -c max_wal_senders=0 >"$2/log" 2>&1 &
pid=$!
cat >/dev/null
kill -QUIT $pid
wait $pid
rm -rf "$2"
`

func (c *cluster) start(bin, dir string, as *syscall.Credential) error {
	for range 5 { // the port may be taken between choosing and using it
		port, err := freePort()
		if err != nil {
			return err
		}
		cmd := exec.Command("/bin/sh", "-c", keeper, "keeper", filepath.Join(bin, "postgres"), dir, strconv.Itoa(port))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Setsid: true}
		cmd.Dir = dir
		in, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		c.port, c.alive = port, in
		if err = c.connect(); err == nil {
			return nil
		}
		if log, readErr := os.ReadFile(filepath.Join(dir, "log")); readErr != nil || !strings.Contains(string(log), "Address already in use") {
			return errors.Join(err, errors.New(string(log)), in.Close())
		}
	}
	return errors.New("no free port for PostgreSQL")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// connect waits until the server answers.
func (c *cluster) connect() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	admin, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return err
	}
	for {
		if err = admin.PingContext(ctx); err == nil {
			c.admin = admin
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, admin.Close())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// makeTemplate migrates a database that the tests' databases are copied from.
func (c *cluster) makeTemplate() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := c.admin.ExecContext(ctx, "CREATE DATABASE "+template); err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Config{URL: c.url(template), Replica: "template"})
	if err != nil {
		return err
	}
	return db.Close()
}
