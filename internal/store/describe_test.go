package store_test

import (
	"encoding/json"
	"strings"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

func TestDescribeServer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newUser(t, db, "ada")
		id := newServer(t, db, hub.ServerKey{User: "ada", Server: "gpu"}).ID
		for _, step := range []struct {
			name, options         string
			wantName, wantOptions string
		}{
			{"", "", "", ""},
			{"My GPU", `{"a": 1}`, "My GPU", `{"a": 1}`},
			{"", "", "My GPU", `{"a": 1}`},
			{"Ünï", "", "Ünï", `{"a": 1}`},
			{"", `{}`, "Ünï", `{}`},
		} {
			var options json.RawMessage
			if step.options != "" {
				options = json.RawMessage(step.options)
			}
			srv := must[*hub.Server](t)(db.DescribeServer(t.Context(), id, step.name, options))
			if srv.DisplayName != step.wantName || string(srv.Options) != step.wantOptions {
				t.Errorf("%+v: got %q with %s", step, srv.DisplayName, srv.Options)
			}
		}
		_, err := db.DescribeServer(t.Context(), id, strings.Repeat("s", 256), nil)
		wantCode(t, err, hub.Invalid)
		_, err = db.DescribeServer(t.Context(), id+1, "x", nil)
		wantCode(t, err, hub.NotFound)
	})
}
