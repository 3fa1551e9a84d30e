package dev

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"berdlhub/scripts/requirements"
)

// environment makes a Python environment with JupyterLab, or finds the one that an earlier call made from the same pins.
// Errors say what to install when Python is missing.
func environment(ctx context.Context, dir string, out io.Writer) (string, error) {
	sum := sha256.Sum256(requirements.Hub6)
	dir += "-" + hex.EncodeToString(sum[:6])
	mark := filepath.Join(dir, ".ready")
	if _, err := os.Stat(mark); err == nil {
		return dir, nil
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return "", fmt.Errorf("find python3: %w: install Python 3.11 or newer with its venv module (on Debian: apt install python3 python3-venv)", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("clear a half-made Python environment: %w", err)
	}
	fmt.Fprintln(out, "  Installing JupyterLab into", dir, "(only the first time)")
	if err := run(ctx, out, python, "-m", "venv", dir); err != nil {
		return "", fmt.Errorf("make a Python environment: %w: on Debian, apt install python3-venv", err)
	}
	pins := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(pins, requirements.Hub6, 0o600); err != nil {
		return "", fmt.Errorf("write the pinned packages: %w", err)
	}
	if err := run(ctx, out, filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off", "-r", pins); err != nil {
		return "", fmt.Errorf("install JupyterLab: %w", err)
	}
	return dir, os.WriteFile(mark, nil, 0o600)
}

// run runs a command and shows its progress on one line that is written over; when it fails, the last lines are in the error.
func run(ctx context.Context, out io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("listen to %s: %w", filepath.Base(name), err)
	}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", filepath.Base(name), err)
	}
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if word, rest, ok := strings.Cut(lines.Text(), " "); ok && (word == "Collecting" || word == "Installing") {
			fmt.Fprintf(out, "\r\x1b[K  %4d %s %s", n, word, clip(rest, 60))
		}
	}
	fmt.Fprint(out, "\r\x1b[K")
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, tail(problems.String(), 1500))
	}
	return nil
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[len(s)-n:]
}
