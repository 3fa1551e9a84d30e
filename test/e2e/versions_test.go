//go:build e2e

package e2e_test

import (
	"regexp"
	"strings"
	"testing"

	"berdlhub/test/e2e/chromiumtest"
)

// TestSingleUserVersions signs in by name and works in JupyterLab with the single-user server of each version, unmodified.
func TestSingleUserVersions(t *testing.T) {
	for _, test := range []struct{ environment, version string }{{"hub6", "6.1.1"}, {"hub5", "5.3.0"}} {
		t.Run(test.environment, func(t *testing.T) {
			dir := folder(t)
			_, address := startHub(t, dir, configure(t, dir, settings(t, dir, test.environment, nil)))
			b := chromiumtest.New(t)
			signInAs(b, address, "ada")
			b.OpenNotebook()
			if got := b.RunCell("print(6*7)"); got != "42" {
				t.Errorf("the cell shows %q, want 42", got)
			}
			// The server says itself which version it is, so that the table cannot mean the same one twice.
			if got := b.RunCell("import jupyterhub; print(jupyterhub.__version__)"); got != test.version {
				t.Errorf("the server is of JupyterHub %s, want %s", got, test.version)
			}
			b.Screenshot("versions-" + test.environment)
			signsOut(t, controlPanel(t, b), address)
		})
	}
}

// controlPanel goes from JupyterLab's File menu to the hub's home page, which knows the user and the running server. It gives
// the tab of that page.
func controlPanel(t *testing.T, b *chromiumtest.Browser) *chromiumtest.Browser {
	t.Helper()
	tab := b.TabOpenedBy(func() { b.ClickMenu("File", "Hub Control Panel") })
	tab.WaitURL(regexp.MustCompile(`/hub/home$`))
	if got := tab.Text(".who .user"); got != "ada" {
		t.Errorf("the hub's home greets %q, want ada", got)
	}
	if got := tab.Text("#open"); got != "Open" {
		t.Errorf("the hub's home offers %q, want Open", got)
	}
	return tab
}

// signsOut uses the server's own way out, and says that neither hub nor server knows the user afterwards.
func signsOut(t *testing.T, b *chromiumtest.Browser, address string) {
	t.Helper()
	b.Navigate(address + "user/ada/logout")
	b.WaitURL(regexp.MustCompile(`/hub/login`))
	b.WaitVisible("#username_input")
	for _, path := range []string{"hub/home", "user/ada/lab"} {
		b.Navigate(address + path)
		b.WaitVisible("#username_input")
		if at := b.URL(); !strings.Contains(at, "/hub/login?next=") {
			t.Errorf("after sign-out %s is at %s, want the sign-in page", path, at)
		}
	}
}
