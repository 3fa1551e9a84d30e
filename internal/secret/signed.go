package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	// ErrForged says that a signed value was not made with this cookie secret under this name, or was changed.
	ErrForged = errors.New("the signed value was not made by this hub")
	// ErrExpired says that a signed value is genuine but too old.
	ErrExpired = errors.New("the signed value has expired")
)

const (
	signedVersion  = "2|"   // version 2 of tornado's signed values
	signedKey      = "1:0|" // key version 0, length first
	signatureChars = 2 * sha256.Size
	keptBuffer     = 8 << 10 // bytes; a larger buffer is not kept for the next value
)

// signer makes HMAC-SHA256 signatures with one key. It keeps prepared states, because preparing one costs as much as
// signing a cookie.
type signer struct {
	states sync.Pool // of *signerState
}

type signerState struct {
	mac    hash.Hash
	buffer []byte
}

func newSigner(key []byte) *signer {
	s := &signer{}
	s.states.New = func() any { return &signerState{mac: hmac.New(sha256.New, key)} }
	return s
}

// signature gives the signature of body in lower-case hex.
func (s *signer) signature(body string) (text [signatureChars]byte) {
	state := s.states.Get().(*signerState)
	state.buffer = append(state.buffer[:0], body...)
	state.mac.Reset()
	state.mac.Write(state.buffer)
	sum := state.mac.Sum(state.buffer[:0])
	hex.Encode(text[:], sum)
	if cap(state.buffer) <= keptBuffer {
		s.states.Put(state)
	}
	return text
}

// Sign gives value signed under name with the time of now in seconds, in the text form of tornado's signed value
// version 2: 2|1:0|LEN:TIME|LEN:NAME|LEN:BASE64|SIGNATURE. It panics on the zero CookieSecret, whose signatures
// anybody could make.
func (s CookieSecret) Sign(name string, value []byte, now time.Time) string {
	if s.signer == nil {
		panic("secret: Sign on a CookieSecret that was never loaded")
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	encoded := base64.StdEncoding.EncodedLen(len(value))
	b := make([]byte, 0, len(signedVersion)+len(signedKey)+len(stamp)+len(name)+encoded+signatureChars+32)
	b = append(b, signedVersion+signedKey...)
	b = appendField(b, stamp)
	b = appendField(b, name)
	b = strconv.AppendInt(b, int64(encoded), 10)
	b = append(b, ':')
	b = base64.StdEncoding.AppendEncode(b, value)
	b = append(b, '|')
	signature := s.signer.signature(string(b))
	return string(append(b, signature[:]...))
}

func appendField(b []byte, field string) []byte {
	b = strconv.AppendInt(b, int64(len(field)), 10)
	b = append(b, ':')
	b = append(b, field...)
	return append(b, '|')
}

// Verify gives the value that was signed under name, at most maxAge before now. Quotes around signed are left out:
// Python sends such cookies quoted. Only version 2 is read. Its errors are ErrForged and ErrExpired.
func (s CookieSecret) Verify(name, signed string, maxAge time.Duration, now time.Time) ([]byte, error) {
	value, _, err := s.VerifyTime(name, signed, maxAge, now)
	return value, err
}

// VerifyTime is Verify that tells, too, when the value was signed.
func (s CookieSecret) VerifyTime(name, signed string, maxAge time.Duration, now time.Time) (value []byte, at time.Time, err error) {
	if n := len(signed); n >= 2 && signed[0] == '"' && signed[n-1] == '"' {
		signed = signed[1 : n-1]
	}
	body, ok := s.authentic(signed)
	if !ok {
		return nil, time.Time{}, ErrForged
	}
	stamp, rest, ok1 := cutField(body)
	signedName, rest, ok2 := cutField(rest)
	encoded, rest, ok3 := cutField(rest)
	seconds, ok4 := parseDecimal(stamp)
	if !ok1 || !ok2 || !ok3 || !ok4 || rest != "" || signedName != name {
		return nil, time.Time{}, ErrForged
	}
	at = time.Unix(seconds, 0).UTC()
	if at.Before(now.Add(-maxAge)) {
		return nil, time.Time{}, ErrExpired
	}
	value, err = base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, time.Time{}, ErrForged
	}
	return value, at, nil
}

// authentic checks the signature and gives the fields between the key version and the signature.
func (s CookieSecret) authentic(signed string) (fields string, ok bool) {
	end := len(signed) - signatureChars
	if s.signer == nil || end < 0 || !strings.HasPrefix(signed[:end], signedVersion+signedKey) {
		return "", false
	}
	var given [signatureChars]byte
	copy(given[:], signed[end:])
	want := s.signer.signature(signed[:end])
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		return "", false
	}
	return signed[len(signedVersion)+len(signedKey) : end], true
}

// cutField takes one LEN:FIELD| off s.
func cutField(s string) (field, rest string, ok bool) {
	length, rest, ok := strings.Cut(s, ":")
	n, known := parseDecimal(length)
	if !ok || !known || n >= int64(len(rest)) || rest[n] != '|' {
		return "", "", false
	}
	return rest[:n], rest[n+1:], true
}

// parseDecimal reads a number without a sign or leading zeros.
func parseDecimal(s string) (int64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' || s[0] == '0' && s != "0" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
