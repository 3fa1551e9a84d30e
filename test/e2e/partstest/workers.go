package partstest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// EndWorkers kills the processes that work in a folder or have it in their environment, and waits until they are gone. The
// folder must be the test's own.
func EndWorkers(t testing.TB, dir string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := workers(dir)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("processes %v in %s do not end", left, dir)
			return
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func workers(dir string) []int {
	entries, _ := filepath.Glob("/proc/[0-9]*")
	var found []int
	for _, at := range entries {
		pid, err := strconv.Atoi(filepath.Base(at))
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, _ := os.ReadFile(at + "/environ") // gone meanwhile: empty
		words, _ := os.ReadFile(at + "/cmdline")
		cwd, _ := os.Readlink(at + "/cwd")
		if strings.Contains(string(environ), dir) || strings.Contains(string(words), dir) || strings.HasPrefix(cwd, dir) {
			found = append(found, pid)
		}
	}
	return found
}
