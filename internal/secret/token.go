package secret

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// GeneratedRounds is how often a token that the hub made itself is hashed. It is random enough for once.
	GeneratedRounds = 1
	// ConfiguredRounds is how often a token or an OAuth client secret that a person chose is hashed.
	ConfiguredRounds = 16384

	minTokenLength = 8  // characters, at creation
	maxTokenLength = 64 // characters
	maxRounds      = 1 << 20
	prefixLength   = 4 // characters
	saltBytes      = 8
	hashAlgorithm  = "sha512"
)

// HashToken gives the form in which JupyterHub stores a token, sha512:ROUNDS:SALT:DIGEST, with a fresh random salt.
// Fewer rounds than one count as one.
func HashToken(token string, rounds int) string {
	var raw [saltBytes]byte
	_, _ = rand.Read(raw[:]) // never fails: the runtime ends the program instead
	salt := hex.EncodeToString(raw[:])
	rounds = max(rounds, 1)
	digest := tokenDigest(token, salt, rounds)
	return hashAlgorithm + ":" + strconv.Itoa(rounds) + ":" + salt + ":" + hex.EncodeToString(digest[:])
}

// CheckToken tells if hashed was made of this token. Digests are compared in constant time. A token longer than
// 64 characters and a hash of another form fit nothing.
func CheckToken(token, hashed string) bool {
	if tooLong(token) {
		return false
	}
	algorithm, rest, _ := strings.Cut(hashed, ":")
	roundsText, rest, _ := strings.Cut(rest, ":")
	salt, digestText, ok := strings.Cut(rest, ":")
	rounds, known := parseDecimal(roundsText)
	if !ok || !known || algorithm != hashAlgorithm || salt == "" || len(digestText) != 2*sha512.Size {
		return false
	}
	if rounds < 1 || rounds > maxRounds {
		return false
	}
	digest := tokenDigest(token, salt, int(rounds))
	var want, got [2 * sha512.Size]byte
	copy(want[:], digestText)
	hex.Encode(got[:], digest[:])
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// tokenDigest is sha512 of the salt's text and the token, the token repeated.
func tokenDigest(token, salt string, rounds int) [sha512.Size]byte {
	if rounds == 1 {
		var stack [256]byte // the request path: no allocation
		return sha512.Sum512(append(append(stack[:0], salt...), token...))
	}
	const batch = 32 // tokens per write, because a write costs more than the bytes of one token
	h := sha512.New()
	h.Write([]byte(salt))
	many := bytes.Repeat([]byte(token), batch)
	for left := rounds; left > 0; left -= batch {
		h.Write(many[:min(left, batch)*len(token)])
	}
	return [sha512.Size]byte(h.Sum(nil))
}

// TokenPrefix gives the first four characters of a token, by which its row is looked up.
func TokenPrefix(token string) string {
	n := 0
	for i := range token {
		if n == prefixLength {
			return token[:i]
		}
		n++
	}
	return token
}

// ValidTokenLength tells if a token that a person chose has 8 to 64 characters.
func ValidTokenLength(token string) bool {
	return !tooLong(token) && utf8.RuneCountInString(token) >= minTokenLength
}

func tooLong(token string) bool {
	return len(token) > maxTokenLength*utf8.UTFMax || utf8.RuneCountInString(token) > maxTokenLength
}

// Fingerprint is a one-way name of a secret, 32 hex digits of its SHA-256, for telling without keeping it whether
// a secret has changed. The secret must be random: one that can be guessed can be found from its fingerprint.
func Fingerprint(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
