//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"berdlhub/internal/store/storetest"
	"berdlhub/test/e2e/chromiumtest"
	"berdlhub/test/e2e/partstest"
)

// whoami is the command of a service that is written with JupyterHub's own library.
func whoami(t *testing.T) []string {
	t.Helper()
	return []string{filepath.Join(partstest.PythonEnv(t, "hub6"), "bin", "python"), filepath.Join(partstest.Root(t), "test", "e2e", "testdata", "whoami.py")}
}

// withServices gives more settings: these services beside the tests' own, and who may visit whoami.
func withServices(hubPort int, services ...any) classes {
	return classes{"JupyterHub": {
		"hub_bind_url": fmt.Sprintf("http://127.0.0.1:%d", hubPort),
		"services":     append(services, map[string]any{"name": "tests", "api_token": serviceToken, "admin": true}),
		"load_roles":   []any{map[string]any{"name": "visitors", "scopes": []string{"access:services!service=whoami"}, "users": []string{"ada"}}},
		"default_url":  "/hub/home",
	}}
}

// seen is what whoami shows.
type seen struct {
	User struct {
		Name   string
		Kind   string
		Scopes []string
	}
	Cookies []string
}

func lookAtWhoami(t *testing.T, b *chromiumtest.Browser) seen {
	t.Helper()
	b.WaitVisible("#seen")
	var s seen
	if err := json.Unmarshal([]byte(b.Text("#seen")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func signIn(b *chromiumtest.Browser, name string) {
	b.WaitVisible("#login_submit")
	b.Type("#username_input", name)
	b.Type("#password_input", password)
	b.Click("#login_submit")
}

// whoamis counts the processes of the service.
func whoamis(t *testing.T, dir string) (n int) {
	t.Helper()
	for _, pid := range workers(t, dir) {
		if strings.Contains(commandLine(pid), "whoami.py") {
			n++
		}
	}
	return n
}

// TestManagedService: the hub runs a service that signs its visitors in, asks them first, and is used by those who may.
func TestManagedService(t *testing.T) {
	dir := folder(t)
	url := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	file := configure(t, dir, settings(t, dir, "hub6", withServices(freePort(t), map[string]any{"name": "whoami", "url": url, "command": whoami(t), "cwd": dir})))
	p, address := startHub(t, dir, file)
	serves := regexp.MustCompile(`service=whoami line="(whoami serves) at /services/whoami/"`)
	p.waitSaid(30*time.Second, serves)

	b := chromiumtest.New(t)
	b.Navigate(address + "services/whoami/")
	signIn(b, "ada")
	b.WaitVisible("ul.scopes")
	if got := b.Text("main"); !strings.Contains(got, "JupyterHub service whoami") || !strings.Contains(got, "ada") {
		t.Errorf("the page that asks says %q", got)
	}
	b.Screenshot("service-1-consent")
	b.Click("form button.primary")
	got := lookAtWhoami(t, b)
	if got.User.Name != "ada" || got.User.Kind != "user" || !slices.Contains(got.User.Scopes, "access:services!service=whoami") {
		t.Errorf("the service sees %+v", got.User)
	}
	b.Navigate(address + "services/whoami") // without the slash
	got = lookAtWhoami(t, b)
	if want := []string{"_xsrf", "jupyterhub-session-id", "service-whoami"}; !slices.Equal(got.Cookies, want) {
		t.Errorf("the service gets the cookies %q, want %q", got.Cookies, want)
	}
	b.Screenshot("service-2-signed-in")
	b.Navigate(address + "hub/home")
	b.Click(`nav a[href="/services/whoami/"]`)
	lookAtWhoami(t, b)

	// Signing out of the hub signs out of the service at once.
	b.Navigate(address + "hub/logout")
	b.Navigate(address + "services/whoami/")
	signIn(b, "bob")
	b.WaitFor("the page that refuses him", `/do not have permission to access JupyterHub service whoami/.test(document.querySelector("main")?.innerText)`)
	if page := b.URL(); !strings.Contains(page, "/hub/api/oauth2/authorize") {
		t.Errorf("he is refused at %s", page)
	}
	b.Screenshot("service-3-refused")
	b.Navigate(address + "hub/home")
	if got := b.Text("nav"); strings.Contains(got, "whoami") {
		t.Errorf("his menu has the service: %q", got)
	}

	// A hub that is killed leaves no service, and the next one has one.
	p.end(syscall.SIGKILL)
	waitUntil(t, 10*time.Second, "the service died with the hub", func() bool { return whoamis(t, dir) == 0 })
	again, address := startHub(t, dir, file)
	again.waitSaid(30*time.Second, serves)
	if n := whoamis(t, dir); n != 1 {
		t.Errorf("%d processes of the service, want one", n)
	}
	if status, _ := get(t, address+"services/whoami/", ""); status != 200 {
		t.Errorf("the way to the service ends with %d, want the sign-in page's 200", status)
	}
	again.end(syscall.SIGTERM)
	if n := whoamis(t, dir); n != 0 {
		t.Errorf("%d processes of the service outlive the hub", n)
	}
}

// TestServiceOfTwoHubs: of two hubs on one PostgreSQL one runs the service, both lead to it, and when that hub is killed the other runs it.
func TestServiceOfTwoHubs(t *testing.T) {
	dir := folder(t)
	url := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	more := withServices(0, map[string]any{"name": "whoami", "url": url, "command": whoami(t), "cwd": dir})
	more["JupyterHub"]["db_url"] = storetest.Postgres(t)
	file := configure(t, dir, settings(t, dir, "hub6", more))
	runs := regexp.MustCompile(`msg="managed service has started" service=whoami pid=(\d+)`)
	first, firstAt := startHub(t, dir, file)
	first.waitSaid(30*time.Second, runs)
	second, secondAt := startHub(t, dir, file)
	for _, at := range []string{firstAt, secondAt} {
		waitUntil(t, 30*time.Second, "the service answers through "+at, func() bool {
			status, _ := get(t, at+"services/whoami/", "")
			return status == 200
		})
	}
	if n := whoamis(t, dir); n != 1 || runs.MatchString(second.said()) {
		t.Errorf("%d processes of the service, want one of the first hub", n)
	}
	first.end(syscall.SIGKILL)
	second.waitSaid(time.Minute, runs)
	waitUntil(t, 30*time.Second, "the service answers again", func() bool {
		status, _ := get(t, secondAt+"services/whoami/", "")
		return status == 200
	})
	if n := whoamis(t, dir); n != 1 {
		t.Errorf("%d processes of the service, want one", n)
	}
}

// TestExternalService: the same service is run by somebody else, and the operator has said that nobody need be asked.
func TestExternalService(t *testing.T) {
	dir := folder(t)
	hubPort, url := freePort(t), fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	const token = "token-of-the-external-service"
	file := configure(t, dir, settings(t, dir, "hub6", withServices(hubPort,
		map[string]any{"name": "whoami", "url": url, "api_token": token, "oauth_no_confirm": true, "oauth_client_allowed_scopes": []string{"read:users!user"}})))
	_, address := startHub(t, dir, file)
	command := whoami(t)
	service := run(t, dir, []string{
		"JUPYTERHUB_API_TOKEN=" + token, fmt.Sprintf("JUPYTERHUB_API_URL=http://127.0.0.1:%d/hub/api", hubPort), "JUPYTERHUB_BASE_URL=/",
		"JUPYTERHUB_SERVICE_NAME=whoami", "JUPYTERHUB_SERVICE_PREFIX=/services/whoami/", "JUPYTERHUB_SERVICE_URL=" + url, "JUPYTERHUB_CLIENT_ID=service-whoami",
	}, command[0], command[1:]...)
	service.waitSaid(30*time.Second, regexp.MustCompile(`(whoami serves) at`))
	b := chromiumtest.New(t)
	b.Navigate(address + "services/whoami/")
	signIn(b, "ada")
	got := lookAtWhoami(t, b)
	if got.User.Name != "ada" || !slices.Contains(got.User.Scopes, "read:users!user=ada") {
		t.Errorf("the service sees %+v", got.User)
	}
	b.Screenshot("service-4-external")
}

// TestScriptOverTheAPI: an operator's script with a token from the configuration.
func TestScriptOverTheAPI(t *testing.T) {
	dir := folder(t)
	_, address := startHub(t, dir, configure(t, dir, settings(t, dir, "hub6", withServices(freePort(t)))))
	cmd := exec.CommandContext(t.Context(), whoami(t)[0], filepath.Join(partstest.Root(t), "test", "e2e", "testdata", "manage.py"))
	cmd.Env = append(os.Environ(), "HUB_API="+address+"hub/api", "HUB_TOKEN="+serviceToken)
	out, err := cmd.CombinedOutput()
	if want := "users: ada\nmade: eve\nserver is ready\nserver is stopped\ndone\n"; err != nil || string(out) != want {
		t.Errorf("the script says %q, want %q: %v", out, want, err)
	}
}
