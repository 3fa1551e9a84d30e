//go:build e2e

package e2e_test

import (
	"fmt"
	"syscall"
	"testing"

	"berdlhub/test/e2e/chromiumtest"
)

// TestHubKilledUnderANotebook kills the hub while a notebook is open. When it is back, the page must reconnect by itself,
// the kernel must know what it knew, and the user must be signed in.
func TestHubKilledUnderANotebook(t *testing.T) {
	dir := folder(t)
	file := configure(t, dir, settings(t, dir, "hub6", classes{"JupyterHub": {
		"bind_url": fmt.Sprintf("http://127.0.0.1:%d/", freePort(t)), "hub_bind_url": fmt.Sprintf("http://127.0.0.1:%d", freePort(t)),
	}}))
	first, address := startHub(t, dir, file)
	b := chromiumtest.New(t)
	signInAs(b, address, "ada")
	b.OpenNotebook()
	b.RunCell("x = 41")
	b.Eval(`window.sameDocument = true`, nil)

	first.end(syscall.SIGKILL)
	b.WaitDisconnected()
	b.Screenshot("restart-1-hub-killed")
	_, again := startHub(t, dir, file)
	if again != address {
		t.Fatalf("the hub is back at %s, it was at %s", again, address)
	}
	b.WaitReconnected()
	if got := b.RunCell("x + 1"); got != "42" {
		t.Errorf("x + 1 is %q, want 42", got)
	}
	var same bool
	b.Eval(`window.sameDocument === true`, &same)
	if !same {
		t.Error("the page was loaded again, it should have reconnected by itself")
	}
	b.Screenshot("restart-2-hub-back")

	home := b.NewTab()
	home.Navigate(address + "hub/home")
	if got := home.Text(".who .user"); got != "ada" {
		t.Errorf("the hub's home greets %q, want ada", got)
	}
	if got := home.Text("#open"); got != "Open" {
		t.Errorf("the hub's home offers %q, want Open", got)
	}
}
