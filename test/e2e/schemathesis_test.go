//go:build e2e

package e2e_test

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"berdlhub/test/e2e/partstest"
)

// schemathesisSeconds is how long the API is tried with made-up requests; SCHEMATHESIS_SECONDS asks for more.
const schemathesisSeconds = "40"

// generated finds how many requests were made and how many of them showed something.
var generated = regexp.MustCompile(`(\d+) generated`)

// TestSchemathesis lets schemathesis make up requests from the hub's own OpenAPI document, right and wrong ones, as an administrator:
// no answer is an internal error, and none is outside of the document.
func TestSchemathesis(t *testing.T) {
	dir := folder(t)
	python := partstest.PythonEnv(t, "schemathesis")
	trivial := filepath.Join(dir, "trivial")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", trivial, "./bench/trivial")
	build.Dir = partstest.Root(t)
	if words, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build a single-user server: %v\n%s", err, words)
	}
	servers := filepath.Join(dir, "servers")
	if err := os.Mkdir(servers, 0o700); err != nil {
		t.Fatal(err)
	}
	file := configure(t, dir, settings(t, dir, "hub6", classes{
		"JupyterHub": {"allow_named_servers": true},
		"Spawner":    {"cmd": []string{trivial}, "args": []string{}, "environment": map[string]any{"BENCH_DIR": servers}, "http_timeout": 5},
	}))
	hub, url := startHub(t, dir, file)
	for _, path := range []string{"users/ada", "users/bob", "groups/staff"} {
		post(t, url+"hub/api/"+path, "{}")
	}
	seconds := cmp.Or(os.Getenv("SCHEMATHESIS_SECONDS"), schemathesisSeconds)
	limit, err := strconv.Atoi(seconds)
	if err != nil {
		t.Fatalf("SCHEMATHESIS_SECONDS is %q, which is no number", seconds)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(limit+120)*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(python, "bin", "schemathesis"), "run", url+"hub/api/openapi.json",
		"--header", "Authorization: token "+serviceToken, "--exclude-path", "/shutdown",
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
		"--phases", "examples,coverage,fuzzing", "--max-examples", "100000", "--max-time", seconds, "--continue-on-failure",
		"--suppress-health-check", "all", "--warnings", "off", "--no-color")
	cmd.Dir = dir
	words, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("schemathesis: %v\n%s", err, words)
	}
	found := generated.FindSubmatch(words)
	if found == nil {
		t.Fatalf("schemathesis does not say how much it tried:\n%s", words)
	}
	n, _ := strconv.Atoi(string(found[1])) // digits
	if n < 1000 {
		t.Errorf("schemathesis made only %d requests", n)
	}
	t.Logf("schemathesis made %d requests in %s s", n, seconds)
	if strings.Contains(hub.said(), "panic") {
		t.Error("the hub panicked")
	}
	if status, body := post(t, url+"hub/api/shutdown", `{"servers": true}`); status != http.StatusAccepted {
		t.Errorf("shutdown: status %d: %s", status, body)
	}
	waitUntil(t, 30*time.Second, "the hub has ended", hub.hasEnded)
}

// post sends a body to the API as the tests' service.
func post(t *testing.T, address, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+serviceToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
