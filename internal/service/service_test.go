package service_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"berdlhub/internal/proxy"
	"berdlhub/internal/service"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// log keeps what a Supervisor writes.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// replica is a Supervisor at work.
type replica struct {
	*service.Supervisor
	table *proxy.Table
	log   *log
	stop  func()
}

// run makes a Supervisor work until the test ends.
func run(t *testing.T, db *store.DB, cfg service.Config) *replica {
	t.Helper()
	r := &replica{table: proxy.NewTable(), log: &log{}}
	cfg.Log = slog.New(slog.NewTextHandler(r.log, nil))
	if cfg.HubID == "" {
		cfg.HubID = rand.Text()
	}
	cfg.Replica, cfg.BaseURL, cfg.APIURL, cfg.Backoff, cfg.Patience = rand.Text(), "/pre/", "http://127.0.0.1:8081/pre/hub/api", 10*time.Millisecond, time.Second
	r.Supervisor = service.New(cfg, db, r.table)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

func shell(name, text string) service.Managed {
	return service.Managed{Name: name, Command: []string{"sh", "-c", text}, Token: "token-of-the-service", ClientID: "service-" + name}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func configured(t *testing.T, db *store.DB, services ...store.Service) {
	t.Helper()
	specs := make([]store.ServiceSpec, len(services))
	for i, s := range services {
		s.FromConfig = true
		specs[i].Service = s
	}
	if err := db.SyncServices(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
}

func TestRoutesFollowServices(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	r := run(t, db, service.Config{})
	prefixes := func() string {
		var out []string
		for _, route := range r.table.Routes() {
			out = append(out, route.Prefix+" "+route.Target)
		}
		return strings.Join(out, ", ")
	}
	if err := r.table.Set(proxy.Route{Prefix: "/pre/user/ada/", Target: "http://10.0.0.1:8888"}); err != nil {
		t.Fatal(err)
	}
	const ada = ", /pre/user/ada/ http://10.0.0.1:8888"
	who := store.Service{Name: "who am i", URL: "http://127.0.0.1:9000/some/path", OAuthClientID: "service-other", OAuthSecretHash: "x", RedirectURI: "/x"}
	configured(t, db, who, store.Service{Name: "calls"}, store.Service{Name: "odd", URL: "https://10.0.0.2"})
	until(t, "there is a route", func() bool { return prefixes() == "/pre/services/who%20am%20i/ http://127.0.0.1:9000"+ada })
	if got := r.table.Routes()[0]; fmt.Sprint(got.Cookies.Own) != "[service-who am i service-other]" || got.Cookies.Session != "" ||
		string(got.Data) != `{"jupyterhub":true,"service":"who am i"}` {
		t.Errorf("the route is %+v", got)
	}
	if !strings.Contains(r.log.String(), "no route leads to a service") {
		t.Error("nothing is said of the service that has no route")
	}
	who.URL = "http://127.0.0.1:9001"
	configured(t, db, who)
	until(t, "the route leads elsewhere", func() bool { return prefixes() == "/pre/services/who%20am%20i/ http://127.0.0.1:9001"+ada })
	configured(t, db)
	until(t, "the route is gone", func() bool { return prefixes() == strings.TrimPrefix(ada, ", ") })
}

func TestManagedServiceIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := shell("whoami", "pwd; env | sort")
	s.URL, s.Cwd, s.RedirectURI = "http://127.0.0.1:9000", dir, "/pre/services/whoami/oauth_callback"
	s.Environment = map[string]string{"JUPYTERHUB_HOST": "https://own.test", "OWN": "1"}
	s.AllowedScopes = []string{"read:users"}
	db := storetest.New(t)
	r := run(t, db, service.Config{
		Alone: true, PublicURL: "https://hub.test/pre/", Managed: []service.Managed{s},
		Environ: []string{"PATH=" + os.Getenv("PATH"), "JUPYTERHUB_CRYPT_KEY=hush", "LANG=C.UTF-8", "OWN=2"},
	})
	until(t, "it has spoken", func() bool { return strings.Contains(r.log.String(), "exit code 0") })
	said := r.log.String()
	for _, want := range []string{
		dir, "JUPYTERHUB_SERVICE_NAME=whoami", "JUPYTERHUB_SERVICE_URL=http://127.0.0.1:9000", "JUPYTERHUB_SERVICE_PREFIX=/pre/services/whoami/",
		"JUPYTERHUB_CLIENT_ID=service-whoami", "JUPYTERHUB_API_URL=http://127.0.0.1:8081/pre/hub/api", "JUPYTERHUB_BASE_URL=/pre/",
		"JUPYTERHUB_OAUTH_CALLBACK_URL=/pre/services/whoami/oauth_callback", `JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES=[\"read:users\"]`,
		`JUPYTERHUB_OAUTH_ACCESS_SCOPES=[\"access:services\",\"access:services!service=whoami\"]`,
		"JUPYTERHUB_PUBLIC_URL=https://hub.test/pre/services/whoami/", "JUPYTERHUB_PUBLIC_HUB_URL=https://hub.test/pre/hub/",
		"JUPYTERHUB_HOST=https://own.test", "OWN=1", "LANG=C.UTF-8", "JUPYTERHUB_API_TOKEN=[masked]",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it is not told %s", want)
		}
	}
	for _, secret := range []string{"hush", "token-of-the-service"} {
		if strings.Contains(said, secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
	if t.Failed() {
		t.Log(said)
	}
}

func TestManagedServiceIsStartedAgain(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	absent := service.Managed{Name: "absent", Command: []string{"no-such-command-here"}}
	r := run(t, db, service.Config{Alone: true, Managed: []service.Managed{shell("short", "exit 3"), shell("long", "sleep 600"), absent}, Environ: os.Environ()})
	until(t, "it was started again", func() bool {
		short, _ := r.Status("short")
		return short.Restarts >= 3
	})
	until(t, "the others were tried", func() bool {
		long, _ := r.Status("long")
		absent, _ := r.Status("absent")
		return long.PID != 0 && long.Healthy && absent.Restarts > 1
	})
	command, pid := r.Managed("long")
	if len(command) != 3 || !alive(pid) {
		t.Errorf("the command is %q, the process %d", command, pid)
	}
	if command, pid := r.Managed("unknown"); command != nil || pid != 0 {
		t.Errorf("an unknown service has %q, %d", command, pid)
	}
	r.stop()
	if alive(pid) {
		t.Error("it outlives the hub")
	}
	if s, _ := r.Status("long"); s.PID != 0 || s.Healthy || s.Restarts != 0 {
		t.Errorf("it is said to live: %+v", s)
	}
}

func alive(pid int) bool {
	_, err := os.Stat("/proc/" + strconv.Itoa(pid))
	return pid != 0 && err == nil
}

// TestOneReplicaRunsAService: two hubs on one database, on machines of their own as far as marks are concerned.
func TestOneReplicaRunsAService(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	cfg := service.Config{LeaseFor: 600 * time.Millisecond, Managed: []service.Managed{shell("one", "sleep 600")}, Environ: os.Environ()}
	first := run(t, db, cfg)
	pidOf := func(r *replica) int { _, pid := r.Managed("one"); return pid }
	until(t, "the first runs it", func() bool { return pidOf(first) != 0 })
	second := run(t, db, cfg)
	for end := time.Now().Add(2 * cfg.LeaseFor); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if pidOf(second) != 0 {
			t.Fatal("both run it")
		}
	}
	pid := pidOf(first)
	first.stop()
	if alive(pid) {
		t.Error("the first has left it running")
	}
	until(t, "the second runs it", func() bool { return pidOf(second) != 0 })

	// Whoever takes the lease away, as a hub does that could not be heard of for too long, has the service.
	if _, err := db.Lease(t.Context(), "service:one", "another", time.Hour, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	until(t, "the second has let go", func() bool { return pidOf(second) == 0 })
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var status atomic.Int64
	var path atomic.Value
	status.Store(http.StatusForbidden)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path.Store(r.URL.EscapedPath())
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(upstream.Close)
	db := storetest.New(t)
	configured(t, db, store.Service{Name: "a b", URL: upstream.URL}, store.Service{Name: "calls"})
	r := run(t, db, service.Config{CheckEvery: 5 * time.Millisecond})
	healthy := func(want bool) func() bool {
		return func() bool {
			s, ok := r.Status("a b")
			return ok && s.Checked && s.Healthy == want
		}
	}
	until(t, "it is healthy", healthy(true))
	if got := path.Load(); got != "/pre/services/a%20b/" {
		t.Errorf("asked for %s", got)
	}
	status.Store(http.StatusBadGateway)
	until(t, "it is ill", healthy(false))
	status.Store(http.StatusFound)
	until(t, "it is healthy again", healthy(true))
	upstream.Close()
	until(t, "it is gone", healthy(false))
	if n := strings.Count(r.log.String(), "service does not answer"); n != 2 {
		t.Errorf("%d warnings, want one for each time:\n%s", n, r.log)
	}
	if _, ok := r.Status("calls"); ok {
		t.Error("a service without an address has a status")
	}
	configured(t, db)
	until(t, "it is forgotten", func() bool { _, ok := r.Status("a b"); return !ok })
}
