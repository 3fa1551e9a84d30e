package metrics_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/metrics"
)

func read(t *testing.T, m *metrics.Registry) string {
	t.Helper()
	rec := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	m.Handler().ServeHTTP(rec, r)
	if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != metrics.ContentType {
		t.Fatalf("status %d, %s: %s", rec.Code, rec.Header().Get("Content-Type"), rec.Body)
	}
	return rec.Body.String()
}

func TestDatabaseThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	m, err := metrics.New(metrics.Config{})
	if err != nil {
		t.Fatal(err)
	}
	asked, logged := 0, 0
	down := true
	m.Read(metrics.Sources{
		Counts: func(context.Context) (metrics.Counts, error) {
			asked++
			if down {
				return metrics.Counts{}, errors.New("no route to the database")
			}
			return metrics.Counts{Users: 7}, nil
		},
		Ping: func(context.Context) error {
			if down {
				return errors.New("no route to the database")
			}
			return nil
		},
		Log: func(context.Context, error) { logged++ },
	})
	text := read(t, m)
	if !strings.Contains(text, "\nberdlhub_database_up 0\n") || strings.Contains(text, "total_users ") || logged != 1 {
		t.Errorf("without a database, %d lines logged, the metrics say:\n%s", logged, text)
	}
	down = false
	for range 3 {
		if text = read(t, m); !strings.Contains(text, "\nberdlhub_database_up 1\n") || !strings.Contains(text, "\njupyterhub_total_users 7\n") {
			t.Errorf("with the database again, the metrics say:\n%s", text)
		}
	}
	if asked != 2 {
		t.Errorf("the database was counted %d times, want 2: what is a few seconds old is shown again", asked)
	}
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	for prefix, good := range map[string]bool{"": true, "hub_of_berdl": true, "2nd": false, "a-b": false, "a\n": false, "a b": false} {
		if _, err := metrics.New(metrics.Config{Prefix: prefix}); (err == nil) != good {
			t.Errorf("the prefix %q: %v", prefix, err)
		}
	}
}

func TestLabelsOfStrangersAreBounded(t *testing.T) {
	t.Parallel()
	m, err := metrics.New(metrics.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"A", "B", "GET", "get"} {
		m.Request(method, "", 404, time.Millisecond)
	}
	text := read(t, m)
	if !strings.Contains(text, `_count{code="404",handler="unknown",method="other"} 3`) || !strings.Contains(text, `_count{code="404",handler="unknown",method="GET"} 1`) {
		t.Errorf("the metrics say:\n%s", text)
	}
}
