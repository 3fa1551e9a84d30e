//go:build e2e

package conformance_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"berdlhub/test/e2e/partstest"
)

// Bounds of what a hub does.
const (
	startLimit   = 60 * time.Second
	stopLimit    = 30 * time.Second
	requestLimit = 20 * time.Second
	untilLimit   = 15 * time.Second
)

// side is one of the two hubs, in a folder of its own.
type side struct {
	t       *testing.T
	name    string
	dir     string
	public  string // HOST:PORT for browsers
	private string // HOST:PORT for servers
	base    string // path under which everything is
	command *exec.Cmd
	ended   chan struct{}

	values   map[string]string // what steps kept
	browsers map[string]*http.Client
}

// single is the command of every server: it waits, fails or serves, as its user's name asks.
const single = `#!/bin/sh
case "$JUPYTERHUB_USER" in
bad-*) exit 3 ;;
slow-*) while [ ! -e "$BENCH_DIR/release-$JUPYTERHUB_USER" ]; do sleep 0.02; done ;;
esac
exec "$TRIVIAL"
`

// newSide writes the configuration for one hub and starts it.
func newSide(t *testing.T, name, setup, trivial string, program []string, environ ...string) *side {
	t.Helper()
	dir := t.TempDir()
	s := &side{
		t: t, name: name, dir: dir, public: freeAddress(t), private: freeAddress(t), base: "/",
		values: serviceTokens(), browsers: map[string]*http.Client{},
	}
	text, err := os.ReadFile(filepath.Join(setup, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	s.values["public"], s.values["private"], s.values["dir"], s.values["chp"] = s.public, s.private, dir, freeAddress(t)
	if bytes.Contains(text, []byte(`"http://${public}/deep/"`)) {
		s.base = "/deep/"
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(s.fill(string(text), "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "single"), []byte(single), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	s.start(program, append(environ, "BENCH_DIR="+dir, "TRIVIAL="+trivial))
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs the hub until its API answers; the test's clean-up ends it and its servers.
func (s *side) start(program, environ []string) {
	s.t.Helper()
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.command = exec.Command(program[0], append(program[1:], "--config", filepath.Join(s.dir, "config.json"))...) // ended by stop
	s.command.Dir, s.command.Stdout, s.command.Stderr = s.dir, log, log
	s.command.Env = append(os.Environ(), environ...)
	s.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.ended = make(chan struct{})
	go func() { _ = s.command.Wait(); close(s.ended) }()
	s.t.Cleanup(s.stop)
	address := "http://" + s.public + s.base + "hub/api"
	for deadline := time.Now().Add(startLimit); ; time.Sleep(20 * time.Millisecond) {
		if resp, err := http.Get(address); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-s.ended:
			s.t.Fatalf("%s ended; its log:\n%s", s.name, s.log())
		default:
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not answer within %s; its log:\n%s", s.name, startLimit, s.log())
		}
	}
}

// log is the end of what the hub said.
func (s *side) log() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(text[max(0, len(text)-6000):])
}

// stop ends the hub, and whatever of its processes is left.
func (s *side) stop() {
	begin := time.Now()
	_ = s.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(stopLimit):
		s.t.Errorf("%s does not end within %s", s.name, stopLimit)
		_ = s.command.Process.Kill()
		<-s.ended
	}
	s.t.Logf("%s ended after %s", s.name, time.Since(begin))
	partstest.EndWorkers(s.t, s.dir)
	if s.t.Failed() {
		if dir := os.Getenv("CONFORMANCE_LOGS"); dir != "" {
			text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			_ = os.WriteFile(filepath.Join(dir, s.name+".log"), text, 0o600)
		}
	}
}

// fill replaces ${NAME} by what was kept, and a few names with a meaning of their own.
func (s *side) fill(text, browser string) string {
	return os.Expand(text, func(name string) string {
		if value, ok := s.values[name]; ok {
			return value
		}
		switch before, after, _ := strings.Cut(name, ":"); {
		case name == "xsrf":
			return s.xsrf(browser)
		case name == "now":
			return time.Now().UTC().Format(time.RFC3339)
		case strings.HasPrefix(name, "now+"), strings.HasPrefix(name, "now-"):
			shift, err := time.ParseDuration(name[3:])
			if err != nil {
				s.t.Errorf("%s: %v", name, err)
			}
			return time.Now().UTC().Add(shift).Format(time.RFC3339)
		case before == "server":
			_, token := s.server(after)
			return token
		}
		s.t.Errorf("%s: nothing kept ${%s}", s.name, name)
		return ""
	})
}

// server is the process and the API token of the server that is this OAuth client.
func (s *side) server(client string) (pid int, token string) {
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(s.dir, client))
		if err == nil {
			if _, err = fmt.Sscan(string(text), &pid, &token); err == nil {
				return pid, token
			}
		}
		if time.Now().After(deadline) {
			s.t.Errorf("%s: %v", s.name, err)
			return 0, ""
		}
	}
}

// kill ends a process and gives its parent a moment to hear of it.
func (s *side) kill(pid int) {
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			break
		}
	}
	time.Sleep(200 * time.Millisecond)
}

// browser is a client with cookies; without a name one without.
func (s *side) browser(name string) *http.Client {
	if s.browsers[name] == nil {
		jar, err := cookiejar.New(nil)
		if err != nil {
			s.t.Fatal(err)
		}
		c := &http.Client{
			Timeout: requestLimit, Transport: &http.Transport{DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		if name != "" {
			c.Jar = jar
		}
		s.browsers[name] = c
	}
	return s.browsers[name]
}

// xsrf is the hub's _xsrf cookie of a browser.
func (s *side) xsrf(browser string) string {
	jar := s.browser(browser).Jar
	if jar == nil {
		return ""
	}
	for _, c := range jar.Cookies(&url.URL{Scheme: "http", Host: s.public, Path: s.base + "hub/"}) {
		if c.Name == "_xsrf" {
			return c.Value
		}
	}
	return ""
}

// do makes a step happen; the answer is nil if it is no request.
func (s *side) do(st *step) answer {
	begin := time.Now()
	defer func() {
		if d := time.Since(begin); d > 2*time.Second {
			s.t.Logf("%s needs %s for %s.txt:%d: %s", s.name, d.Round(100*time.Millisecond), st.area, st.line, st.text)
		}
	}()
	switch st.verb {
	case "release":
		if err := os.WriteFile(filepath.Join(s.dir, "release-"+st.path), nil, 0o600); err != nil {
			s.t.Error(err)
		}
		return nil
	case "kill":
		if pid, _ := s.server(st.path); pid > 0 {
			s.kill(pid)
		}
		return nil
	case "clear":
		s.ask(&step{verb: http.MethodDelete, path: "hub/" + st.path, token: "admin"})
		return nil
	case "new":
		delete(s.browsers, st.path)
		return nil
	}
	for deadline := time.Now().Add(untilLimit); ; time.Sleep(30 * time.Millisecond) {
		a := s.ask(st)
		if st.until[0] == "" || matches(st.until[1], a[st.until[0]]) || time.Now().After(deadline) {
			return a
		}
	}
}

// ask makes a request and keeps of the reply what the step names.
func (s *side) ask(st *step) answer {
	path := s.fill(st.path, st.browser)
	if !strings.HasPrefix(path, "/") {
		path = s.base + path
	}
	req, err := http.NewRequestWithContext(s.t.Context(), st.verb, "http://"+s.public+path, strings.NewReader(s.fill(st.body, st.browser)))
	if err != nil {
		return answer{"status": "no request: " + err.Error()}
	}
	switch {
	case st.form:
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case st.body != "":
		req.Header.Set("Content-Type", "application/json")
	}
	if st.token != "" {
		req.Header.Set("Authorization", "token "+s.fill("${"+st.token+"}", ""))
	}
	for _, h := range st.headers {
		switch value := s.fill(h[1], st.browser); {
		case h[0] == "Host":
			req.Host = value
		case value == "-":
			req.Header.Del(h[0])
		default:
			req.Header.Set(h[0], value)
		}
	}
	resp, err := s.browser(st.browser).Do(req)
	if err != nil {
		return answer{"status": "no answer: " + s.clean(err.Error())}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{"status": "no end: " + s.clean(err.Error())}
	}
	for _, k := range st.keeps {
		s.values[k[0]] = keep(k[1], resp, body)
	}
	return newAnswer(resp, body, st.shows, s.clean)
}

// clean replaces what belongs to this hub alone.
func (s *side) clean(text string) string {
	text = strings.ReplaceAll(text, s.public, "PUBLIC")
	text = strings.ReplaceAll(text, s.private, "PRIVATE")
	text = strings.ReplaceAll(text, s.dir, "DIR")
	text = escapedCode.ReplaceAllString(text, "code%3DCODE")
	text = codeQuery.ReplaceAllString(text, "code=CODE")
	text = xsrfQuery.ReplaceAllString(text, "_xsrf=XSRF")
	return hex64.ReplaceAllString(text, "64 HEX DIGITS")
}

// serviceTokens are the API tokens of the services that the configurations declare, by the services' names.
func serviceTokens() map[string]string {
	tokens := map[string]string{}
	for _, name := range []string{"admin", "reader", "visited", "trusted"} {
		tokens[name] = (name + "-token-of-the-conformance-tests-" + strings.Repeat("0123456789", 2))[:46]
	}
	return tokens
}
