package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// Methods of a PKCE code challenge (RFC 7636). A missing method means plain.
const (
	PKCEPlain = "plain"
	PKCES256  = "S256"
)

// CheckPKCE tells if verifier fits the challenge that was stored with an authorization code. A code without a
// challenge takes any verifier; a challenge with an unknown method takes none. It compares in constant time.
func CheckPKCE(challenge, method, verifier string) bool {
	if challenge == "" {
		return true
	}
	if verifier == "" {
		return false
	}
	switch method {
	case "", PKCEPlain:
	case PKCES256:
		sum := sha256.Sum256([]byte(verifier))
		verifier = base64.RawURLEncoding.EncodeToString(sum[:])
	default:
		return false
	}
	return subtle.ConstantTimeCompare([]byte(verifier), []byte(challenge)) == 1
}
