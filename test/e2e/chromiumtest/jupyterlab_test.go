//go:build e2e

package chromiumtest_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"berdlhub/test/e2e/chromiumtest"
	"berdlhub/test/e2e/partstest"
)

// TestJupyterLab runs a cell in a JupyterLab without a hub: what fails here is
// the harness or JupyterLab, not the hub.
func TestJupyterLab(t *testing.T) {
	address := startJupyterLab(t)
	b := chromiumtest.New(t)
	b.Navigate(address + "/lab")
	b.OpenNotebook()
	if got := b.RunCell("print(6*7)"); got != "42" {
		t.Errorf("the cell shows %q, want 42", got)
	}
	if got := b.RunCell("for i in range(2):\n    print('row', i)"); got != "row 0\nrow 1" {
		t.Errorf("the second cell shows %q, want two rows", got)
	}
	b.Screenshot("harness-jupyterlab")
}

// startJupyterLab starts a JupyterLab that ends with the test, and waits until
// it answers.
func startJupyterLab(t *testing.T) string {
	t.Helper()
	program := filepath.Join(partstest.PythonEnv(t, "hub6"), "bin", "jupyter-lab")
	port := freePort(t)
	home := t.TempDir()
	var words bytes.Buffer
	cmd := exec.Command(program, "--no-browser", "--allow-root", "--ip=127.0.0.1", fmt.Sprintf("--port=%d", port),
		"--port-retries=0", "--IdentityProvider.token=", "--ServerApp.root_dir="+home)
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "JUPYTER_CONFIG_DIR="+home+"/.jupyter", "JUPYTER_DATA_DIR="+home+"/.data",
		"JUPYTER_RUNTIME_DIR="+home+"/.run", "IPYTHONDIR="+home+"/.ipython")
	cmd.Stdout, cmd.Stderr = &words, &words
	cmd.WaitDelay = 10 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start JupyterLab: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		// SIGTERM lets it end its kernels; the group gets what is left.
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(15 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
		if t.Failed() {
			t.Logf("JupyterLab said:\n%s", words.String())
		}
	})
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !answers(ctx, address+"/api") {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("JupyterLab ended before it answered: %v", err)
		case <-ctx.Done():
			t.Fatal("JupyterLab did not answer within a minute")
		case <-time.After(100 * time.Millisecond):
		}
	}
	return address
}

func answers(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
