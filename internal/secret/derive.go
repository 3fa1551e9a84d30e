package secret

// derivedChars is the length of a derived token: 128 bits in hex, as long as a generated one.
const derivedChars = 32

// Derive gives the token of something that has an id of its own, 32 hex digits. It is the same each time and on every hub
// with the same cookie secret, so it need not be kept anywhere; without the cookie secret nobody can compute it.
// It panics on the zero CookieSecret, whose tokens anybody could compute.
func (s CookieSecret) Derive(purpose, id string) string {
	if s.signer == nil {
		panic("secret: Derive on a CookieSecret that was never loaded")
	}
	// A signed cookie's text begins with the version, so no cookie's signature is ever the token of something.
	signature := s.signer.signature("derive\x00" + purpose + "\x00" + id)
	return string(signature[:derivedChars])
}
