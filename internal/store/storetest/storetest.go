// Package storetest gives tests a fresh database: SQLite in a temporary folder, or PostgreSQL from a server that the tests start
// for themselves and that ends with them.
package storetest

import (
	"path/filepath"
	"testing"

	"berdlhub/internal/store"
)

// New opens a fresh SQLite database that is closed at the end of the test.
func New(t testing.TB) *store.DB {
	t.Helper()
	return Open(t, SQLite(t), "test")
}

// SQLite gives the URL of a file that does not exist yet.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:///" + filepath.Join(t.TempDir(), "hub.sqlite")
}

// Open opens a database for a replica and closes it at the end of the test.
func Open(t testing.TB, url, replica string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{URL: url, Replica: replica})
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the test's database: %v", err)
		}
	})
	return db
}

// Each runs a test on SQLite and on PostgreSQL, side by side. Without PostgreSQL on the machine it fails.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, New(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, Open(t, Postgres(t), "test"))
	})
}
