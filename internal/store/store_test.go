package store_test

import (
	"testing"

	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func TestPing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
