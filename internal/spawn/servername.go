package spawn

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// validServerName holds a new named server's name against JupyterHub 6's rule: 1 to 30 of a–z, 0–9 and "-",
// a letter first, no "-" last, no "--".
func validServerName(s string) bool {
	if len(s) == 0 || len(s) > 30 || s[0] < 'a' || s[0] > 'z' || s[len(s)-1] == '-' || strings.Contains(s, "--") {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// validDisplayName holds a display name against JupyterHub 6's rule: 1 to 255 printable characters after NFC,
// only the plain space as separator, none first, last or doubled.
func validDisplayName(s string) bool {
	s = norm.NFC.String(s)
	n := len([]rune(s))
	if n == 0 || n > 255 || strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") || strings.Contains(s, "  ") {
		return false
	}
	for _, r := range s {
		if r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Z, r) && r != ' ' || unicode.Is(unicode.Co, r) {
			return false
		}
	}
	return true
}

// bound cuts a text that somebody sent, for use in a message.
func bound(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
