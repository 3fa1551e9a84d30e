//go:build e2e

package e2e_test

import (
	"regexp"
	"testing"

	"berdlhub/internal/store/storetest"
	"berdlhub/test/e2e/chromiumtest"
)

// TestTwoHubs runs two hubs on one PostgreSQL: a server that was asked of the first is used through the second.
func TestTwoHubs(t *testing.T) {
	dir := folder(t)
	file := configure(t, dir, settings(t, dir, "hub6", classes{"JupyterHub": {"db_url": storetest.Postgres(t)}}))
	_, first := startHub(t, dir, file)
	_, second := startHub(t, dir, file)
	if first == second {
		t.Fatalf("both hubs are at %s", first)
	}
	b := chromiumtest.New(t)
	signInAs(b, first, "ada")
	b.OpenNotebook()
	b.RunCell("x = 41")

	// Cookies belong to the host, whatever the port: the user is signed in at the second hub as well.
	other := b.NewTab()
	other.Navigate(second + "hub/home")
	if got := other.Text(".who .user"); got != "ada" {
		t.Errorf("the second hub greets %q, want ada", got)
	}
	other.Click("#open")
	at := other.WaitURL(inLab)
	if !regexp.MustCompile("^" + regexp.QuoteMeta(second)).MatchString(at) {
		t.Errorf("the second hub leads to %s, want an address of its own", at)
	}
	other.Navigate(second + "user/ada/lab/tree/Untitled.ipynb")
	other.WaitNotebook()
	if got := other.RunCell("x + 1"); got != "42" {
		t.Errorf("x + 1 through the second hub is %q, want 42", got)
	}
	other.Screenshot("twohubs-second")
}
