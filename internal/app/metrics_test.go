package app_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"berdlhub/internal/app/apptest"
)

// scrape reads the metrics as the service of the tests and parses them as Prometheus would.
func scrape(t *testing.T, b *apptest.Browser, path string) map[string]*dto.MetricFamily {
	t.Helper()
	a := b.Send(http.MethodGet, path, "", "Authorization", "token "+apptest.ServiceToken)
	if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "text/plain; version=1.0.0; charset=utf-8" {
		t.Fatalf("%s: status %d, %s: %s", path, a.Status, a.Header.Get("Content-Type"), a.Body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(a.Body))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// series gives the number of one series: a counter's or gauge's value, or how often a histogram was told something. -1: there is none.
func series(families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	for _, m := range families[name].GetMetric() {
		have := map[string]string{}
		for _, l := range m.GetLabel() {
			have[l.GetName()] = l.GetValue()
		}
		match := true
		for i := 0; i < len(labels); i += 2 {
			match = match && have[labels[i]] == labels[i+1]
		}
		if match {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return -1
}

// wantLabels are the metrics and their labels. JupyterHub's metrics first, then our own.
var wantLabels = map[string]string{
	"jupyterhub_request_duration_seconds":       "code,handler,method",
	"jupyterhub_server_spawn_duration_seconds":  "reason,status",
	"jupyterhub_server_stop_seconds":            "status",
	"jupyterhub_server_poll_duration_seconds":   "status",
	"jupyterhub_proxy_add_duration_seconds":     "status",
	"jupyterhub_proxy_delete_duration_seconds":  "status",
	"jupyterhub_login_duration_seconds":         "status",
	"jupyterhub_logout_duration_seconds":        "",
	"jupyterhub_running_servers":                "",
	"jupyterhub_total_users":                    "",
	"jupyterhub_active_users":                   "period",
	"jupyterhub_check_routes_duration_seconds":  "",
	"jupyterhub_hub_startup_duration_seconds":   "",
	"jupyterhub_init_spawners_duration_seconds": "",
	"jupyterhub_csp_reports_total":              "",
	"berdlhub_start_step_duration_seconds":      "step",
	"berdlhub_servers":                          "phase",
	"berdlhub_start_queue_length":               "",
	"berdlhub_claims_held":                      "",
	"berdlhub_claims_lost_total":                "",
	"berdlhub_watch_age_seconds":                "watch",
	"berdlhub_database_up":                      "",
	"berdlhub_database_ping_seconds":            "",
	"berdlhub_proxy_requests_total":             "to",
	"berdlhub_proxy_answers_total":              "class",
	"berdlhub_proxy_target_failures_total":      "",
	"berdlhub_proxy_active_requests":            "",
	"berdlhub_proxy_bytes_total":                "direction",
	"berdlhub_proxy_websockets":                 "",
	"berdlhub_proxy_routes":                     "",
	"berdlhub_proxy_connections":                "",
}

func labelsOf(f *dto.MetricFamily) string {
	names := []string{}
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if !slices.Contains(names, l.GetName()) {
				names = append(names, l.GetName())
			}
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"Spawner": {"poll_interval": 1}}})
	b := h.Browser(t).SignIn("ada")
	b.Post("/hub/login", nil) // without a name: it fails
	if a := b.Send(http.MethodPost, "/hub/api/users/ada/server", "", "Authorization", "token "+apptest.ServiceToken); a.Status/100 != 2 {
		t.Fatalf("start: %d %s", a.Status, a.Body)
	}
	b.Get("/user/ada/api")
	await(t, "a poll", func() bool {
		return series(scrape(t, b, "/hub/metrics"), "jupyterhub_server_poll_duration_seconds", "status", "running") > 0
	})
	if a := b.Send(http.MethodDelete, "/hub/api/users/ada/server", "", "Authorization", "token "+apptest.ServiceToken); a.Status/100 != 2 {
		t.Fatalf("stop: %d %s", a.Status, a.Body)
	}
	h.Browser(t).Send(http.MethodPost, "/hub/security/csp-report", `{"csp-report":{}}`, "Content-Type", "application/csp-report")
	h.Browser(t).Send("SPAM", "/hub/no-such-path-SECRET", "")
	await(t, "the stop", func() bool {
		return series(scrape(t, b, "/hub/metrics"), "jupyterhub_server_stop_seconds", "status", "success") == 1
	})
	got := scrape(t, b, "/hub/api/metrics")
	for name, labels := range wantLabels {
		if f := got[name]; f == nil {
			t.Errorf("%s is missing", name)
		} else if l := labelsOf(f); l != labels {
			t.Errorf("%s has the labels %q, want %q", name, l, labels)
		}
	}
	for name := range got {
		ours := strings.HasPrefix(name, "jupyterhub_") || strings.HasPrefix(name, "berdlhub_")
		if _, known := wantLabels[name]; ours && !known {
			t.Errorf("%s is not in the list", name)
		}
	}
	checkSeries(t, got)
}

// checkSeries holds numbers against what the test has done.
func checkSeries(t *testing.T, got map[string]*dto.MetricFamily) {
	t.Helper()
	for _, want := range []struct {
		least  float64
		name   string
		labels []string
	}{
		{1, "jupyterhub_server_spawn_duration_seconds", []string{"status", "success", "reason", ""}},
		{1, "jupyterhub_proxy_add_duration_seconds", []string{"status", "success"}},
		{1, "jupyterhub_proxy_delete_duration_seconds", []string{"status", "success"}},
		{1, "jupyterhub_login_duration_seconds", []string{"status", "success"}},
		{1, "jupyterhub_csp_reports_total", nil},
		{1, "jupyterhub_total_users", nil},
		{1, "jupyterhub_active_users", []string{"period", "24h"}},
		{1, "jupyterhub_request_duration_seconds", []string{"method", "POST", "handler", "/hub/api/users/{user}/server"}},
		{1, "jupyterhub_request_duration_seconds", []string{"method", "other"}},
		{1, "berdlhub_start_step_duration_seconds", []string{"step", "process"}},
		{1, "berdlhub_database_up", nil},
		{1, "berdlhub_proxy_connections", nil},
		{1, "berdlhub_proxy_requests_total", []string{"to", "http"}},
		{1, "berdlhub_proxy_bytes_total", []string{"direction", "out"}},
		{0, "berdlhub_watch_age_seconds", []string{"watch", "controller"}},
	} {
		if n := series(got, want.name, want.labels...); n < want.least {
			t.Errorf("%s %v is %v", want.name, want.labels, n)
		}
	}
	for _, m := range got["jupyterhub_request_duration_seconds"].GetMetric() {
		for _, l := range m.GetLabel() {
			if strings.Contains(l.GetValue(), "SECRET") || strings.Contains(l.GetValue(), "ada") || l.GetValue() == "SPAM" {
				t.Errorf("a label holds what a stranger wrote: %s", l)
			}
		}
	}
}

func TestMetricsNeedAScope(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	for _, path := range []string{"/hub/metrics", "/hub/api/metrics"} {
		if a := h.Browser(t).Get(path); a.Status != http.StatusForbidden || strings.Contains(a.Body, "total_users") {
			t.Errorf("nobody gets %d from %s", a.Status, path)
		}
		if a := h.Browser(t).SignIn("ada").Get(path); a.Status != http.StatusForbidden {
			t.Errorf("a user gets %d from %s", a.Status, path)
		}
		if a := h.Browser(t).SignIn("root-admin").Get(path); a.Status != http.StatusOK {
			t.Errorf("an administrator gets %d from %s", a.Status, path)
		}
	}
	open := apptest.Start(t, apptest.Options{
		Config:  map[string]map[string]any{"JupyterHub": {"authenticate_prometheus": false}},
		Environ: []string{"JUPYTERHUB_METRICS_PREFIX=notebooks"},
	})
	a := open.Browser(t).Get("/hub/metrics")
	if a.Status != http.StatusOK || !strings.Contains(a.Body, "\nnotebooks_total_users ") || strings.Contains(a.Body, "jupyterhub_") {
		t.Errorf("with authenticate_prometheus false nobody gets %d and %.200s", a.Status, a.Body)
	}
}

func TestPolicyReportIsBounded(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	if a := h.Browser(t).Send(http.MethodPost, "/hub/security/csp-report", strings.Repeat("x", 1<<20)); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a report of a megabyte gets %d", a.Status)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	kbase := apptest.Start(t, apptest.Options{Environ: []string{"JUPYTERHUB_CRYPT_KEY=" + apptest.CookieSecret}, Config: map[string]map[string]any{
		"JupyterHub":         {"authenticator_class": "kbase"},
		"KBaseAuthenticator": {"auth_url": "http://127.0.0.1:1/services/auth/", "origin": "http://127.0.0.1:1", "approved_roles": []string{"X"}},
	}})
	b := kbase.Browser(t)
	await(t, "the controller's first round", func() bool { return b.Get("/hub/health").Status == http.StatusOK })
	for _, path := range []string{"/hub/health", "/hub/api/health"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			if a := b.Send(method, path, ""); a.Status != http.StatusOK || a.Body != "" {
				t.Errorf("%s %s: %d %q", method, path, a.Status, a.Body)
			}
		}
	}
	a := b.Get("/hub/health?deep")
	var said struct {
		OK    bool
		Parts map[string]struct {
			OK           bool
			Milliseconds *float64
			Problem      string
		}
	}
	if err := json.Unmarshal([]byte(a.Body), &said); err != nil || a.Status != http.StatusOK || !said.OK {
		t.Fatalf("deep: %d %s, %v", a.Status, a.Body, err)
	}
	for _, part := range []string{"database", "controller", "proxy"} {
		if p := said.Parts[part]; !p.OK || p.Milliseconds == nil || p.Problem != "" {
			t.Errorf("%s: %+v", part, p)
		}
	}
	if p := said.Parts["authenticator"]; p.OK || !strings.Contains(p.Problem, "KBaseAuthenticator.auth_url") || strings.Contains(a.Body, "127.0.0.1") {
		t.Errorf("KBase, which does not run: %s; of %v", a.Body, slices.Sorted(maps.Keys(said.Parts)))
	}
}

// await polls until a condition holds.
func await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !cond(); {
		if time.Now().After(end) {
			t.Fatal("not within 10 s: " + what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
