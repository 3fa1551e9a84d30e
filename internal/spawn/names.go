package spawn

import (
	"strings"

	"berdlhub/internal/hub"
)

const upperHex = "0123456789ABCDEF"

// escape percent-encodes every byte but ASCII letters, digits and those in safe.
func escape(s, safe string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String()
}

// EscapeName gives a user's or server's name as one segment of a URL path.
// Single-user environment: all but letters, digits and "_.-~@" is percent-encoded.
func EscapeName(name string) string { return escape(name, "_.-~@") }

// Prefix gives the URL path of a server below the base URL, with both slashes: /user/ada/ or /user/ada/lab-2/.
func Prefix(base string, k hub.ServerKey) string {
	p := base + "user/" + EscapeName(k.User) + "/"
	if k.Server != "" {
		p += EscapeName(k.Server) + "/"
	}
	return p
}

// ClientID gives the OAuth client id of a server, for example jupyterhub-user-ada.
// JupyterHub's OAuth contract: all but letters, digits and "_.-~/" is percent-encoded.
func ClientID(k hub.ServerKey) string {
	id := "jupyterhub-user-" + escape(k.User, "_.-~/")
	if k.Server != "" {
		id += "-" + escape(k.Server, "_.-~/")
	}
	return id
}
