//go:build e2e

package e2e_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/auth/authtest"
	"berdlhub/test/e2e/chromiumtest"
)

// TestNextInChromium signs a person in with every bad form of next; where Chromium ends up must be the hub, whatever it makes of
// the address.
func TestNextInChromium(t *testing.T) {
	h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"redirect_to_server": false}}})
	origin := strings.TrimSuffix(h.URL, "/")
	b := chromiumtest.New(t)
	b.Wait = 10 * time.Second
	forms := authtest.BadNext(strings.TrimPrefix(origin, "http://"))
	if len(forms) < 60 {
		t.Errorf("only %d forms", len(forms))
	}
	for _, next := range forms {
		b.ClearCookies()
		b.Navigate(origin + "/hub/login?" + url.Values{"next": {next}}.Encode())
		b.Eval(`(document.querySelector("#username_input").value = "ada", document.querySelector("#login_submit").click())`, nil)
		b.WaitFor("somebody is signed in or Chromium has left the hub",
			`location.origin !== "`+origin+`" || (document.readyState === "complete" && document.body.dataset.user === "ada")`)
		var at string
		b.Eval(`location.origin`, &at)
		if at != origin {
			t.Errorf("%q leads to %s", next, b.URL())
		}
	}
}
