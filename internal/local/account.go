package local

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"berdlhub/internal/hub"
)

// account is whom a server runs as.
type account struct {
	name, home, shell string
	credential        *syscall.Credential // nil: as the hub itself
}

// account says whom a user's server runs as: the system's user of that name, or the hub's own with a home of its own.
func (p *Processes) account(name string) (account, error) {
	if p.c.ByUser && os.Geteuid() == 0 {
		return systemAccount(name)
	}
	home := strings.ReplaceAll(p.c.HomeTemplate, "{username}", safeName(name))
	return account{name: name, home: home, shell: "/bin/bash"}, nil
}

func systemAccount(name string) (account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return account{}, hub.Wrap(hub.Forbidden, err, fmt.Sprintf("The machine has no system user %q. Please ask the administrators for one.", name))
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return account{}, fmt.Errorf("read the ids of system user %s: %w", name, err)
	}
	if uid == 0 {
		return account{}, hub.Errorf(hub.Forbidden, "The system user %q is the machine's root, which may not run a server.", name)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return account{}, fmt.Errorf("list the groups of system user %s: %w", name, err)
	}
	cred := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	for _, id := range ids {
		g, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return account{}, fmt.Errorf("read the groups of system user %s: %w", name, err)
		}
		cred.Groups = append(cred.Groups, uint32(g))
	}
	return account{name: u.Username, home: u.HomeDir, shell: loginShell(name), credential: cred}, nil
}

// loginShell reads a user's shell from /etc/passwd, where it is the seventh field.
func loginShell(name string) string {
	const fallback = "/bin/bash"
	file, err := os.Open("/etc/passwd")
	if err != nil {
		return fallback
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if f := strings.Split(lines.Text(), ":"); len(f) == 7 && f[0] == name && f[6] != "" {
			return f[6]
		}
	}
	return fallback
}

// makeHome makes the home of an account without a system user, for its owner only. A home that exists must be a real folder of the hub's
// own user: a link, or a folder that somebody else put there, could lead the server anywhere.
func (a *account) makeHome() error {
	if a.credential != nil {
		return nil
	}
	failed := func(err error) error {
		return hub.Wrap(hub.Unavailable, fmt.Errorf("make the home of %s: %w", a.name, err),
			"Your home folder on the hub's machine cannot be used. Please tell the administrators.")
	}
	if err := os.MkdirAll(filepath.Dir(a.home), 0o755); err != nil { //nolint:gosec // others must pass through to their own
		return failed(err)
	}
	err := os.Mkdir(a.home, 0o700)
	if err == nil || !errors.Is(err, fs.ErrExist) {
		if err != nil {
			return failed(err)
		}
		return nil
	}
	info, err := os.Lstat(a.home)
	if err != nil {
		return failed(err)
	}
	if !info.IsDir() {
		return failed(fmt.Errorf("%s is not a folder but %s", a.home, info.Mode().Type()))
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return failed(fmt.Errorf("%s belongs to user id %d instead of %d", a.home, st.Uid, os.Geteuid()))
	}
	return nil
}

// longName is the length from which a name's end is replaced by its hash; a file name can have 255 bytes.
const longName = 200

// safeName turns any name into one element of a path, different names into different ones. Lower-case letters, digits, "_", "-", "@" and
// inner dots stay as they are; every other byte becomes % and two hex digits.
func safeName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '@' || (c == '.' && i > 0) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	safe := b.String()
	if safe == "" {
		return "%"
	}
	if len(safe) > longName {
		sum := sha256.Sum256([]byte(name))
		return safe[:longName/2] + "%-" + hex.EncodeToString(sum[:]) // "%-" cannot come from a byte
	}
	return safe
}
