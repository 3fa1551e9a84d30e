package local

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"berdlhub/internal/hub"
)

// environment puts a server's environment together: from the hub's own only what is to be kept, then the user's account,
// then what the hub gives to this run, then the marks.
func (p *Processes) environment(s *hub.Spec, acc account) map[string]string {
	env := map[string]string{}
	for _, name := range p.c.EnvKeep {
		if value, set := os.LookupEnv(name); set {
			env[name] = value
		}
	}
	env["USER"], env["LOGNAME"], env["HOME"], env["SHELL"] = acc.name, acc.name, acc.home, acc.shell
	if p.c.NotebookDir != "" {
		dir := strings.ReplaceAll(p.c.NotebookDir, "{username}", safeName(s.Key.User))
		if rest, underHome := strings.CutPrefix(dir, "~"); underHome {
			dir = filepath.Join(acc.home, rest)
		}
		env["JUPYTERHUB_ROOT_DIR"] = dir
	}
	maps.Copy(env, s.Env)
	env[runMark], env[hubMark] = s.RunID, p.c.HubID
	return env
}

// serviceURL gives the address that the server is told to listen on, and its host; the port is still to be put in.
func (p *Processes) serviceURL(s *hub.Spec) (*url.URL, string, error) {
	raw := s.Env["JUPYTERHUB_SERVICE_URL"]
	if raw == "" {
		raw = "http://" + cmp.Or(p.c.IP, "127.0.0.1") + s.Prefix
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" {
		return nil, "", hub.Errorf(hub.Invalid, "JUPYTERHUB_SERVICE_URL of the server's environment is no address: %q.", raw)
	}
	return u, cmp.Or(p.c.IP, u.Hostname(), "127.0.0.1"), nil
}

// lookPath finds a program in the PATH that the server will have.
func lookPath(name, path string) (string, error) {
	if strings.Contains(name, "/") {
		absolute, err := filepath.Abs(name)
		if err != nil {
			return "", fmt.Errorf("find %s: %w", name, err)
		}
		return absolute, executable(absolute)
	}
	for _, dir := range filepath.SplitList(path) {
		if candidate := filepath.Join(dir, name); filepath.IsAbs(candidate) && executable(candidate) == nil {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("find %s in PATH=%s: %w", name, path, exec.ErrNotFound)
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return &fs.PathError{Op: "run", Path: path, Err: errors.New("is not a program")}
	}
	return nil
}

// plainWord is a word that no shell changes.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellJoin writes a command so that a shell reads exactly these words.
func shellJoin(words []string) string {
	quoted := slices.Clone(words)
	for i, w := range words {
		if !plainWord.MatchString(w) {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'"'"'`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
