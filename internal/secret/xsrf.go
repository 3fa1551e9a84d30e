package secret

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
)

const (
	xsrfName   = "_xsrf"
	xsrfMaxAge = 31 * 24 * time.Hour
)

// XSRFToken gives the token that a page must send back, which is also the value of the _xsrf cookie: id signed under
// the name _xsrf, then once more in base64 that is safe in URLs, without padding.
func (s CookieSecret) XSRFToken(id []byte, now time.Time) string {
	return base64.RawURLEncoding.EncodeToString([]byte(s.Sign(xsrfName, id, now)))
}

// OpenXSRF gives the id that an XSRF token of at most 31 days was made for. Whether it is the id of the present
// request is the caller's to compare. Its errors are ErrForged and ErrExpired.
func (s CookieSecret) OpenXSRF(token string, now time.Time) (id []byte, err error) {
	// The decoder skips line breaks; a token has one form only.
	if strings.ContainsAny(token, "\r\n") {
		return nil, ErrForged
	}
	signed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(signed) == 0 || signed[0] == '"' {
		return nil, ErrForged
	}
	return s.Verify(xsrfName, string(signed), xsrfMaxAge, now)
}

// XSRFID is what the token of somebody who is logged in is made for: the browser session and users.cookie_id.
func XSRFID(sessionID, cookieID string) []byte {
	return []byte(sessionOrNone(sessionID) + ":" + cookieID)
}

// AnonymousXSRFID is what the token of somebody who is not logged in is made for. headers are the values of the id
// headers in their configured order, User-Agent by default, with "" for a missing one. remoteIP is the client's
// address, or the text of the configured network that holds it, where addresses change between requests.
func AnonymousXSRFID(sessionID, remoteIP string, headers []string) []byte {
	h := sha256.New()
	h.Write([]byte(remoteIP))
	for _, value := range headers {
		h.Write([]byte(value))
		h.Write([]byte{0xff}) // no part of any UTF-8 text
	}
	return []byte(sessionOrNone(sessionID) + ":" + base64.URLEncoding.EncodeToString(h.Sum(nil)))
}

// sessionOrNone writes a missing session id the way Python does.
func sessionOrNone(sessionID string) string {
	if sessionID == "" {
		return "None"
	}
	return sessionID
}
