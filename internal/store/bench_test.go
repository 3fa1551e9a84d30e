package store_test

import (
	"fmt"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// benchEach runs a benchmark on both engines, with a thousand users that have a server and a token each.
func benchEach(b *testing.B, fn func(b *testing.B, db *store.DB, plain []string)) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			db := storetest.Open(b, url(b), "bench")
			var plain []string
			for i := range 1000 {
				u := newUser(b, db, fmt.Sprintf("user-%04d", i))
				newServer(b, db, hub.ServerKey{User: u.Name})
				_, p := newToken(b, db, hub.Token{UserID: u.ID})
				plain = append(plain, p)
			}
			ok(b, db.Analyze(b.Context()))
			b.ReportAllocs()
			b.ResetTimer()
			fn(b, db, plain)
		})
	}
}

func BenchmarkTokenByPlain(b *testing.B) {
	benchEach(b, func(b *testing.B, db *store.DB, plain []string) {
		for i := range b.N {
			if _, err := db.TokenByPlain(b.Context(), plain[i%len(plain)], t0); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkServerByKey(b *testing.B) {
	benchEach(b, func(b *testing.B, db *store.DB, _ []string) {
		for i := range b.N {
			if _, err := db.ServerByKey(b.Context(), hub.ServerKey{User: fmt.Sprintf("user-%04d", i%1000)}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRecordActivity1000(b *testing.B) {
	benchEach(b, func(b *testing.B, db *store.DB, _ []string) {
		for i := range b.N {
			all := make([]store.Activity, 1000)
			for n := range all {
				id := int64(n + 1)
				all[n] = store.Activity{UserID: id, ServerID: id, TokenID: id, At: t0.Add(secondsOf(i + 1))}
			}
			ok(b, db.RecordActivity(b.Context(), all))
		}
	})
}

func BenchmarkCreateToken(b *testing.B) {
	benchEach(b, func(b *testing.B, db *store.DB, _ []string) {
		for range b.N {
			plain := secret.NewToken()
			k := hub.Token{UserID: 1, Hashed: secret.HashToken(plain, 1), Prefix: secret.TokenPrefix(plain), Created: t0}
			ok(b, db.CreateToken(b.Context(), &k))
		}
	})
}

func BenchmarkFindUsers100(b *testing.B) {
	benchEach(b, func(b *testing.B, db *store.DB, _ []string) {
		for range b.N {
			if _, _, err := db.FindUsers(b.Context(), store.UserFilter{Sort: "last_activity", Desc: true, Offset: 400, Limit: 100}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
