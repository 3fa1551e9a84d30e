package jupyterhub_test

import (
	"fmt"
	"testing"

	"berdlhub/internal/store/jupyterhub"
	"berdlhub/internal/store/storetest"
)

// BenchmarkImport takes over a JupyterHub with 10,000 users, 1,000 of whom run a server, and 30,000 tokens.
func BenchmarkImport(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				src, db := crowd(), storetest.Open(b, url(b), "r")
				b.StartTimer()
				report, err := jupyterhub.Import(b.Context(), db, src, options())
				ok(b, err)
				if n := report.Changes(); n < 60000 {
					b.Fatalf("%d things are taken", n)
				}
			}
		})
	}
}

func crowd() *jupyterhub.Hub {
	h := &jupyterhub.Hub{Release: "6", Clients: []jupyterhub.Client{{Identifier: "jupyterhub"}}}
	for i := int64(1); i <= 10000; i++ {
		name := fmt.Sprintf("user-%d", i)
		h.Users = append(h.Users, jupyterhub.User{ID: i, Name: name, CookieID: name, Created: now})
		s := jupyterhub.Server{ID: i, User: i}
		if i <= 1000 {
			s.Active, s.State, s.BaseURL = true, []byte(`{"pid":77}`), "/user/"+name+"/"
		}
		h.Servers = append(h.Servers, s)
		for j := range int64(3) {
			h.Tokens = append(h.Tokens, jupyterhub.Token{
				ID: i*3 + j, User: i, Client: "jupyterhub", Hashed: fmt.Sprintf("sha512:1:%d:%d", i, j), Prefix: "abcd", Scopes: []string{"inherit"}, Created: now,
			})
		}
		h.Members = append(h.Members, jupyterhub.Member{User: i, Group: 1})
	}
	h.Groups = []jupyterhub.Group{{ID: 1, Name: "all"}}
	return h
}
