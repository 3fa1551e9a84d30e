package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
)

// BenchmarkUsers asks for users as an administrator's program does, in a hub of 10,000 users of whom every tenth has a server.
func BenchmarkUsers(b *testing.B) {
	p := assemble(b)
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("user-%05d", i)
	}
	if _, err := p.db.CreateUsers(b.Context(), names, false, time.Now()); err != nil {
		b.Fatal(err)
	}
	for i := 0; i < len(names); i += 10 {
		if _, _, err := p.db.EnsureServer(b.Context(), hub.ServerKey{User: names[i]}, "", time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	if err := p.db.SyncGroups(b.Context(), []store.GroupSpec{{Name: "all", Users: names[:1000]}}); err != nil {
		b.Fatal(err)
	}
	boss, err := p.db.CreateUser(b.Context(), "boss", true, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	token := p.token(b, boss, "inherit")
	for name, path := range map[string]string{
		"page": "/users?limit=200", "deep": "/users?limit=200&offset=9000", "stopped": "/users?limit=200&include_stopped_servers=1",
		"linked": "/users?limit=200&state=", "one": "/users/user-00500",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, "/hub/api"+path, http.NoBody)
				r.Header.Set("Authorization", "Bearer "+token)
				if name == "linked" {
					r.Header.Set("Accept", "application/jupyterhub-pagination+json")
				}
				w := httptest.NewRecorder()
				if p.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
		})
	}
}
