package secret

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

const (
	lowerAlphanumerics = "0123456789abcdefghijklmnopqrstuvwxyz"
	alphanumerics      = lowerAlphanumerics + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	oauthLength        = 30

	runTimeLength   = 8 // base 36 digits of milliseconds: lasts 89 years
	runRandomLength = 8
)

// runEpoch is when run ids begin to count, 2020-01-01 UTC, in milliseconds of Unix time.
const runEpoch = 1577836800_000

// NewToken makes an API token: 32 hex digits.
func NewToken() string { return hex.EncodeToString(randomBytes(16)) }

// NewOAuthToken makes an OAuth access token: 30 letters and digits.
func NewOAuthToken() string { return randomText(alphanumerics, oauthLength) }

// NewCode makes an OAuth authorization code: 30 letters and digits.
func NewCode() string { return randomText(alphanumerics, oauthLength) }

// NewShareCode makes the code of an invitation to a server: 43 characters that are safe in a URL.
func NewShareCode() string { return base64.RawURLEncoding.EncodeToString(randomBytes(32)) }

// NewSessionID makes a random UUID as 32 hex digits, the form of a browser session's id and of users.cookie_id.
func NewSessionID() string {
	b := randomBytes(16)
	b[6] = b[6]&0x0f | 0x40 // version 4
	b[8] = b[8]&0x3f | 0x80 // variant of RFC 9562
	return hex.EncodeToString(b)
}

// NewRunID makes the id of a run: 16 characters of 0-9 and a-z. Ids of different milliseconds sort by time. It may be
// part of any name, file, DNS label or Kubernetes label, though it can begin with a digit. It is no secret.
func NewRunID() string {
	stamp := strconv.FormatInt(max(time.Now().UnixMilli()-runEpoch, 0), 36)
	pad := strings.Repeat("0", max(runTimeLength-len(stamp), 0))
	return pad + stamp + randomText(lowerAlphanumerics, runRandomLength)
}

// randomText draws n characters of alphabet, each with the same chance.
func randomText(alphabet string, n int) string {
	fair := 256 / len(alphabet) * len(alphabet) // bytes from here on would favour the first characters
	text := make([]byte, 0, n)
	for len(text) < n {
		for _, b := range randomBytes(n) {
			if int(b) < fair && len(text) < n {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text)
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: the runtime ends the program instead
	return b
}
