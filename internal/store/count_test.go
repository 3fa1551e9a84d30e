package store_test

import (
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func TestCount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Now()
		for name, idle := range map[string]time.Duration{"ada": time.Hour, "bob": 48 * time.Hour, "cy": 20 * 24 * time.Hour, "dee": 60 * 24 * time.Hour} {
			_, _, err := db.SaveSignIn(t.Context(), store.SignIn{Name: name, Now: now.Add(-idle)})
			if err != nil {
				t.Fatal(err)
			}
		}
		k := hub.ServerKey{User: "ada"}
		if _, _, err := db.EnsureServer(t.Context(), k, "", now); err != nil {
			t.Fatal(err)
		}
		if _, _, err := db.AskStart(t.Context(), store.StartAsk{Key: k, RunID: "r1", Now: now}); err != nil {
			t.Fatal(err)
		}
		c, err := db.Count(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		if c.Users != 4 || c.ActiveDay != 1 || c.ActiveWeek != 2 || c.ActiveMonth != 3 || c.Servers[hub.Starting] != 1 || len(c.Servers) != 1 {
			t.Errorf("counted %+v", c)
		}
	})
}
