//go:build e2e

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"berdlhub/test/e2e/chromiumtest"
	"berdlhub/test/e2e/partstest"
)

// devAt is how berdlhub dev prints its address.
var devAt = regexp.MustCompile(`berdlhub runs at\s+(http://127\.0\.0\.1:\d+/)`)

// TestDev is the main job: sign in with KBase, work in a real JupyterLab, be refused with a reason, and end it all with Ctrl-C.
func TestDev(t *testing.T) {
	dir := folder(t)
	python := partstest.PythonEnv(t, "hub6")
	p := run(t, dir, nil, program(t), "dev", "--port", "0", "--data-dir", filepath.Join(dir, "data"), "--python-env", python)
	address := p.waitSaid(30*time.Second, devAt)
	for _, name := range []string{"ada", "grace", "noel", "mona", "xena"} {
		if !regexp.MustCompile(`(?m)^\s+` + name + `\s+\S+`).MatchString(p.said()) {
			t.Errorf("dev does not tell what signing in as %s shows:\n%s", name, p.said())
		}
	}
	bystander := bystander(t, python)

	t.Run("approved", func(t *testing.T) {
		b := chromiumtest.New(t)
		chooseAccount(b, address, "ada", "dev-")
		b.WaitURL(regexp.MustCompile(`/hub/spawn-pending/ada`))
		b.WaitVisible("#progress")
		b.Eval(`window.sameDocument = true`, nil)
		b.WaitFor("the story of the start is told by events", `window.sameDocument && document.querySelectorAll("#story li").length >= 2 && Number(document.querySelector("#progress").value) > 0`)
		b.Screenshot("dev-3-starting")
		waitLab(b)
		b.OpenNotebook()
		b.Screenshot("dev-4-lab")
		if got := b.RunCell("print(6*7)"); got != "42" {
			t.Errorf("the cell shows %q, want 42", got)
		}
		b.Screenshot("dev-5-answer")
		if len(workers(t, filepath.Join(dir, "data", "homes", "ada"))) < 2 {
			t.Error("no single-user server and kernel of ada can be seen: the look for what is left over would see nothing either")
		}
	})
	t.Run("refused", func(t *testing.T) { refuses(t, dir, address) })

	p.end(syscall.SIGINT)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("dev ends with status %d after Ctrl-C, want 0:\n%s", code, p.said())
	}
	nothingLeft(t, dir)
	if bystander.hasEnded() {
		t.Error("Ctrl-C ended a process that dev did not start")
	}
}

// bystander is a process of the same Python environment that is none of the hub's business.
func bystander(t *testing.T, python string) *process {
	t.Helper()
	return run(t, t.TempDir(), []string{"JUPYTERHUB_USER=ada"}, filepath.Join(python, "bin", "python3"), "-c", "import time; time.sleep(600)", "jupyterhub-singleuser")
}

// chooseAccount goes to the hub, on to KBase's page, chooses an account there and comes back, where the form sends itself.
func chooseAccount(b *chromiumtest.Browser, address, name, shots string) {
	b.Navigate(address)
	b.WaitURL(regexp.MustCompile(`/hub/login`))
	b.WaitVisible("main a.button.primary")
	if shots != "" {
		b.Screenshot(shots + "1-sign-in")
	}
	b.Click("main a.button.primary")
	b.WaitVisible("#user-" + name)
	if shots != "" {
		b.Screenshot(shots + "2-kbase")
	}
	b.Click("#user-" + name)
}

// refuses says that each account that may not come in reads why, and gets no server.
func refuses(t *testing.T, dir, address string) {
	tests := []struct {
		name, at string
		says     []string
	}{
		{"noel", `/hub/login`, []string{"Access denied", "BERDL_USER", "administrators"}},
		{"mona", `/hub/mfa-required`, []string{"Multi-Factor Authentication Required", "NotUsed", "ORCID", "Log Out of KBase"}},
		{"xena", `/hub/login`, []string{"Sign in", "expired"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := chromiumtest.New(t)
			chooseAccount(b, address, test.name, "")
			b.WaitFor("the refusal shows", `document.readyState === "complete" && document.querySelector("main .alert")`)
			b.WaitURL(regexp.MustCompile(test.at))
			text := b.Text("main")
			for _, want := range test.says {
				if !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
					t.Errorf("the page does not say %q:\n%s", want, text)
				}
			}
			b.Screenshot("dev-refused-" + test.name)
			for _, c := range b.Cookies() {
				if c.Name == "jupyterhub-session-id" || c.Name == "jupyterhub-hub-login" {
					t.Errorf("a refused user has the cookie %s", c.Name)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "data", "homes", test.name)); !os.IsNotExist(err) {
				t.Errorf("a refused user has a home: %v", err)
			}
		})
	}
}

// TestDevFirstUse is what somebody does who has Go and Python and nothing else: JupyterLab is installed, its progress shown,
// and works; the second time nothing is installed.
func TestDevFirstUse(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatalf("%v: make setup", err)
	}
	dir := folder(t)
	p := run(t, dir, nil, program(t), "dev", "--port", "0", "--data-dir", filepath.Join(dir, "data"))
	address := p.waitSaid(8*time.Minute, devAt)
	for _, want := range []string{"Installing JupyterLab into", "Collecting jupyterlab"} {
		if !strings.Contains(p.said(), want) {
			t.Errorf("the first use does not say %q:\n%s", want, p.said())
		}
	}
	b := chromiumtest.New(t)
	chooseAccount(b, address, "ada", "")
	waitLab(b)
	b.OpenNotebook()
	if got := b.RunCell("print(6*7)"); got != "42" {
		t.Errorf("the cell shows %q, want 42", got)
	}
	p.end(syscall.SIGINT)

	again := run(t, dir, nil, program(t), "dev", "--port", "0", "--data-dir", filepath.Join(dir, "data"))
	again.waitSaid(30*time.Second, devAt)
	if strings.Contains(again.said(), "Installing") {
		t.Errorf("the second use installs again:\n%s", again.said())
	}
	again.end(syscall.SIGINT)
}
