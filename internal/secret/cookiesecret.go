package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

const (
	newSecretBytes     = 32
	minSecretBytes     = 16
	maxSecretFileBytes = 64 << 10
	otherPermissions   = 0o007
)

// CookieSecret signs what browsers keep for the hub. The zero value verifies nothing and must not sign.
// It prints as [masked] and may be used by several goroutines at a time.
type CookieSecret struct {
	signer *signer // behind a pointer also because fmt does not follow one inside a struct
}

// ParseCookieSecret reads a cookie secret from the configuration or JPY_COOKIE_SECRET: an even number of hex digits is
// decoded, any other text counts as its bytes. White space around it is left out. It must have at least 16 bytes;
// the error never tells its text.
func ParseCookieSecret(hexOrText string) (CookieSecret, error) {
	text := strings.TrimSpace(hexOrText)
	key, err := hex.DecodeString(text)
	if err != nil {
		key = []byte(text)
	}
	return newCookieSecret(key)
}

func newCookieSecret(key []byte) (CookieSecret, error) {
	if len(key) < minSecretBytes {
		return CookieSecret{}, fmt.Errorf("the cookie secret has %d bytes, too few to be safe: use 64 hex digits (openssl rand -hex 32 makes them)", len(key))
	}
	return CookieSecret{signer: newSigner(bytes.Clone(key))}, nil
}

// LoadCookieSecretFile reads the file that JupyterHub calls cookie_secret_file: hex digits, or base64 when it is very
// old. A missing file is made, with 64 random hex digits and mode 0600; of hubs that start together all get the same
// secret. A file that people other than its owner and group may touch is refused with the command that mends it.
func LoadCookieSecretFile(path string) (CookieSecret, error) {
	secret, err := readSecretFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if err := createSecretFile(path); err != nil {
		return CookieSecret{}, fmt.Errorf("create cookie secret file %s: %w", path, err)
	}
	return readSecretFile(path)
}

func readSecretFile(path string) (CookieSecret, error) {
	f, err := os.Open(path)
	if err != nil {
		return CookieSecret{}, fmt.Errorf("read cookie secret file: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return CookieSecret{}, fmt.Errorf("read cookie secret file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&otherPermissions != 0 {
		return CookieSecret{}, fmt.Errorf("cookie secret file %s is open to everybody (mode %04o): run chmod o-rwx %s", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFileBytes+1))
	if err != nil {
		return CookieSecret{}, fmt.Errorf("read cookie secret file %s: %w", path, err)
	}
	key, ok := decodeSecretFile(string(text))
	if !ok || len(text) > maxSecretFileBytes {
		return CookieSecret{}, fmt.Errorf("cookie secret file %s does not hold a cookie secret: it must be 64 hex digits; remove the file to get a new one (everybody must log in again)", path)
	}
	secret, err := newCookieSecret(key)
	if err != nil {
		return CookieSecret{}, fmt.Errorf("cookie secret file %s: %w", path, err)
	}
	return secret, nil
}

func decodeSecretFile(text string) ([]byte, bool) {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1 // old base64 files have several lines
		}
		return r
	}, text)
	if key, err := hex.DecodeString(text); err == nil {
		return key, len(key) > 0
	}
	key, err := base64.StdEncoding.DecodeString(text)
	return key, err == nil
}

// createSecretFile puts a complete file in place. When another hub has just done so, that file stays.
func createSecretFile(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".cookie_secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if e := os.Remove(f.Name()); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}()
	_, err = io.WriteString(f, hex.EncodeToString(randomBytes(newSecretBytes))+"\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	err = os.Link(f.Name(), path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return os.Rename(f.Name(), path) // a file system without links
}

// Format prints [masked], whatever the verb.
func (s CookieSecret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue gives [masked] to the log.
func (s CookieSecret) LogValue() slog.Value { return slog.StringValue(masked) }
