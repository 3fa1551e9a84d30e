package proxy

import (
	"net/http"
	"strings"
)

// maxPrefix is the longest prefix of a route in its canonical form, in bytes. Looking up reads no more of a path than this.
const maxPrefix = 1024

const upperHex = "0123456789ABCDEF"

// appendCanonical appends the form of an escaped path in which two spellings of one path are the same bytes: percent
// sequences are decoded, except for "/" and "%", which stay %2F and %25, so that an escaped slash never parts segments. A "%"
// that begins no sequence counts as an escaped one. It stops as soon as maxPrefix bytes are reached.
func appendCanonical(dst []byte, escaped string) []byte {
	for i := 0; i < len(escaped) && len(dst) < maxPrefix; i++ {
		c := escaped[i]
		if c != '%' {
			dst = append(dst, c)
			continue
		}
		if hi, lo, ok := hexPair(escaped[i+1:]); ok {
			c = hi<<4 | lo
			i += 2
		}
		if c == '/' || c == '%' {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

func hexPair(s string) (hi, lo byte, ok bool) {
	if len(s) < 2 {
		return 0, 0, false
	}
	hi, ok1 := hexDigit(s[0])
	lo, ok2 := hexDigit(s[1])
	return hi, lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// canonical gives the canonical form of a prefix or path as a string, cut at maxPrefix and a little more.
func canonical(escaped string) string {
	if !strings.Contains(escaped, "%") && len(escaped) <= maxPrefix {
		return escaped
	}
	return string(appendCanonical(make([]byte, 0, min(len(escaped), maxPrefix)+2), escaped))
}

// below says whether an escaped path is the prefix or lies below it, by whole segments. The prefix is canonical and ends with "/".
func below(escaped, prefix string) bool {
	if strings.IndexByte(escaped, '%') < 0 {
		return strings.HasPrefix(escaped, prefix) || escaped == prefix[:len(prefix)-1]
	}
	var buf [maxPrefix + 2]byte
	key := appendCanonical(buf[:0], escaped)
	return len(key) >= len(prefix) && string(key[:len(prefix)]) == prefix || string(key) == prefix[:len(prefix)-1]
}

// escapedPath gives the path of a request as the client wrote it, without the query.
func escapedPath(r *http.Request) string {
	uri := r.RequestURI
	if uri == "" {
		return r.URL.EscapedPath()
	}
	if uri[0] != '/' { // absolute form: http://host/path?query
		_, rest, ok := strings.Cut(uri, "://")
		if !ok {
			return r.URL.EscapedPath()
		}
		cut := strings.IndexAny(rest, "/?")
		if cut < 0 {
			return "/"
		}
		uri = rest[cut:]
	}
	path, _, _ := strings.Cut(uri, "?")
	if path == "" {
		return "/"
	}
	return path
}
