package secret

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/fernet/fernet-go"
)

// masked is what every secret prints as.
const masked = "[masked]"

var (
	// ErrNoKeys says that there is no key to seal or open auth state with.
	ErrNoKeys = errors.New("no encryption keys for auth state: set JUPYTERHUB_CRYPT_KEY (openssl rand -hex 32 makes one)")
	// ErrUnreadable says that none of the keys opens a sealed auth state. The stored bytes should be left alone:
	// the key may come back.
	ErrUnreadable = errors.New("auth state cannot be read with the present encryption keys: add the key it was sealed with behind the first one")
)

// Keyring seals and opens auth state as JupyterHub's CryptKeeper does: Fernet tokens without an expiry check.
// The first key seals, all keys open. A nil Keyring has no keys: it answers ErrNoKeys.
type Keyring struct {
	keys []*fernet.Key
}

// ParseKeys reads keys separated by semicolons, the form of JUPYTERHUB_CRYPT_KEY. Each is 32 bytes, written as
// 64 hex digits, as 44 characters of base64 in either alphabet, or raw. Empty places are skipped, as is white
// space around a key. Without any key the error is ErrNoKeys; an error names a key's position, never its text.
func ParseKeys(s string) (*Keyring, error) {
	ring := &Keyring{}
	for i, text := range strings.Split(s, ";") {
		if strings.TrimSpace(text) == "" {
			continue
		}
		key, ok := parseKey(text)
		if !ok {
			key, ok = parseKey(strings.TrimSpace(text))
		}
		if !ok {
			return nil, fmt.Errorf("encryption key %d is not usable: it must be 32 bytes, written as 64 hex digits, as 44 characters of base64, or raw", i+1)
		}
		ring.keys = append(ring.keys, key)
	}
	if len(ring.keys) == 0 {
		return nil, ErrNoKeys
	}
	return ring, nil
}

// parseKey reads one key. The text's length alone decides its form.
func parseKey(text string) (*fernet.Key, bool) {
	raw := []byte(text)
	var err error
	switch len(text) {
	case 64:
		raw, err = hex.DecodeString(text)
	case 44:
		raw, err = base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(text))
	}
	key := new(fernet.Key)
	if err != nil || len(raw) != len(key) {
		return nil, false
	}
	copy(key[:], raw)
	return key, true
}

// Seal encrypts and signs plain with the first key, at the present time. It gives the token's text as bytes,
// which is what JupyterHub keeps in users.encrypted_auth_state. Its errors are ErrNoKeys and a lack of randomness.
func (k *Keyring) Seal(plain []byte) ([]byte, error) {
	if k == nil || len(k.keys) == 0 {
		return nil, ErrNoKeys
	}
	sealed, err := fernet.EncryptAndSign(plain, k.keys[0])
	if err != nil {
		return nil, fmt.Errorf("seal auth state: %w", err)
	}
	return sealed, nil
}

// Open gives what Seal was given. It tries all keys; stale says that another than the first one fitted, so the
// plain text should be sealed and saved again. Its errors are ErrNoKeys and ErrUnreadable.
func (k *Keyring) Open(sealed []byte) (plain []byte, stale bool, err error) {
	if k == nil || len(k.keys) == 0 {
		return nil, false, ErrNoKeys
	}
	if !wellFormed(sealed) {
		return nil, false, ErrUnreadable
	}
	for i := range k.keys {
		// A time to live of zero means no expiry check.
		if plain = fernet.VerifyAndDecrypt(sealed, 0, k.keys[i:i+1]); plain != nil {
			return plain, i > 0, nil
		}
	}
	return nil, false, ErrUnreadable
}

// wellFormed tells if sealed has the shape of a Fernet token. The library trusts its input's shape: it reads past
// a broken end and slices by fixed offsets.
func wellFormed(sealed []byte) bool {
	const (
		frame = 1 + 8 + 16 + 32 // version, time, initial vector, signature
		block = 16
	)
	raw := make([]byte, base64.URLEncoding.DecodedLen(len(sealed)))
	n, err := base64.URLEncoding.Strict().Decode(raw, sealed)
	// The decoder skips line breaks, so the length is compared too.
	return err == nil && len(sealed) == base64.URLEncoding.EncodedLen(n) && n >= frame+block && (n-frame)%block == 0
}

// Format prints [masked], whatever the verb.
func (k *Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue gives [masked] to the log.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue(masked) }
