package store_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// nobody is the user id that owns nothing.
const nobody = 65534

// rerunAsNobody runs the same test in a process without root's rights.
func rerunAsNobody(t *testing.T) {
	t.Helper()
	dir := must[string](t)(os.MkdirTemp("", "berdlhub-rights-")) //nolint:usetesting // nobody must be able to enter it
	t.Cleanup(func() { ok(t, os.RemoveAll(dir)) })
	ok(t, os.Chown(dir, nobody, nobody))
	binary := filepath.Join(dir, "store.test")
	ok(t, os.WriteFile(binary, must[[]byte](t)(os.ReadFile(must[string](t)(os.Executable()))), 0o700))
	ok(t, os.Chown(binary, nobody, nobody))
	cmd := exec.CommandContext(t.Context(), binary, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir, "GOCOVERDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("as nobody: %v\n%s", err, out)
	}
}
