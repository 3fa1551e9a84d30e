package local

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"berdlhub/internal/hub"
)

const (
	keptLogs  = 5          // log files that stay for each server
	tailBytes = 64 << 10   // how far back from a log's end lines are looked for
	tailLines = 50         // how many of them are shown
	lineBytes = 1000       // how much of a line is shown
	masked    = "[masked]" // what stands for a secret
)

// logPath is the log file of a run. A server's logs share a folder; "+" cannot be in a safe name, so the folders of servers differ.
func (p *Processes) logPath(ref hub.Ref) string {
	server := safeName(ref.Key.User)
	if ref.Key.Server != "" {
		server += "+" + safeName(ref.Key.Server)
	}
	return filepath.Join(p.c.StateDir, "logs", server, safeName(ref.RunID)+".log")
}

// openLog makes the log file of a run, which only the hub's user can read, and removes the server's oldest ones.
func openLog(path string) (*os.File, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of a server's logs: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open a server's log: %w", err)
	}
	if err := pruneLogs(dir, filepath.Base(path)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// pruneLogs keeps the newest logs of a folder, and the current one in any case.
func pruneLogs(dir, current string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list a server's logs: %w", err)
	}
	if len(entries) <= keptLogs {
		return nil
	}
	var old []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.Name() != current && strings.HasSuffix(e.Name(), ".log") {
			old = append(old, info)
		}
	}
	slices.SortFunc(old, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(b.Name(), a.Name()))
	})
	for i := keptLogs - 1; i < len(old); i++ {
		if err := os.Remove(filepath.Join(dir, old[i].Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an old log: %w", err)
		}
	}
	return nil
}

// tail gives the last lines of a log, without secrets; nil when there is no log.
func tail(path string, secrets []string) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	from := max(0, info.Size()-tailBytes)
	text, err := io.ReadAll(io.NewSectionReader(file, from, tailBytes))
	if err != nil {
		return nil
	}
	if from > 0 { // the first line is cut, and with it perhaps a secret that could not be recognized any more
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	lines := strings.Split(strings.TrimRight(mask(string(text), secrets), "\n"), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	for i, line := range lines {
		lines[i] = strings.ToValidUTF8(line[:min(len(line), lineBytes)], "�")
	}
	if len(lines) == 1 && lines[0] == "" {
		return nil
	}
	return lines
}

// Texts that look like secrets, wherever they come from.
var (
	assigned = regexp.MustCompile(`(?i)([a-z0-9_.-]*(?:token|secret|passw(?:or)?d|_key|apikey|cookie|session_id|authorization)[a-z0-9_]*["']?[ \t]*[=:][ \t]*["']?)(?:(?:bearer|token|basic)[ \t]+)?[^\s"'&,;]+`)
	bearer   = regexp.MustCompile(`(?i)\b(bearer|token)[ \t]+[a-z0-9._~+/=-]{16,}`)
	bare     = regexp.MustCompile(`\b(?:[0-9a-fA-F]{32,}|[A-Z2-7]{32})\b`)
)

// mask takes secrets out of a text: the known ones, and whatever looks like one.
func mask(text string, secrets []string) string {
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, masked)
	}
	text = assigned.ReplaceAllString(text, "${1}"+masked)
	text = bearer.ReplaceAllString(text, "$1 "+masked)
	return bare.ReplaceAllString(text, masked)
}

// secretName is a variable whose value must not be shown.
var secretName = regexp.MustCompile(`(?i)(TOKEN|SECRET|PASSW|KEY|CREDENTIAL|COOKIE|SESSION)`)

// secretsOf lists the values of an environment that must not be shown, the longest first so that none hides behind a part of it.
func secretsOf(env []string) []string {
	var out []string
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		if len(value) >= 6 && secretName.MatchString(name) {
			out = append(out, value)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return out
}
