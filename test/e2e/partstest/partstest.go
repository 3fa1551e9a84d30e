// Package partstest finds the real programs that the end-to-end tests run, and
// has the scripts of this repository install them where they are missing.
package partstest

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// installTimeout bounds one installer; a Python environment takes about a
// minute on two cores, Chromium from Debian somewhat more.
const installTimeout = 10 * time.Minute

// Root returns the folder of the repository.
func Root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		t.Fatal("the source folder is unknown; run the tests without -trimpath")
	}
	return filepath.Clean(filepath.Join(filepath.Dir(file), "..", "..", ".."))
}

// PythonPackages returns the folder with the packages of a virtual environment,
// for another one's PYTHONPATH: "psycopg2" has the driver of PostgreSQL.
func PythonPackages(t testing.TB, name string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(PythonEnv(t, name), "lib", "python3*", "site-packages"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the packages of %s are in %v: %v", name, found, err)
	}
	return found[0]
}

// PythonEnv returns the folder of a virtual environment: "hub6" (JupyterHub
// 6.1.1) or "hub5" (JupyterHub 5.3.0), both with JupyterLab.
func PythonEnv(t testing.TB, name string) string {
	t.Helper()
	return install(t, "install-python-env", name)
}

// Chromium returns the path of a Chromium.
func Chromium(t testing.TB) string {
	t.Helper()
	return install(t, "install-chromium")
}

// PostgresBin returns the folder with PostgreSQL's initdb and postgres.
func PostgresBin(t testing.TB) string {
	t.Helper()
	return install(t, "install-postgres")
}

// ConfigurableHTTPProxy returns the path of the program of that name.
func ConfigurableHTTPProxy(t testing.TB) string {
	t.Helper()
	return install(t, "install-chp")
}

// Axe returns the path of axe-core's script, for a page.
func Axe(t testing.TB) string {
	t.Helper()
	return install(t, "install-axe")
}

// install runs one installer and returns the line that it prints. It fails the
// test with the installer's own words, which name the remedy.
func install(t testing.TB, script string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(Root(t), "scripts", script), args...)
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, words.String())
	}
	return strings.TrimSpace(string(out))
}
