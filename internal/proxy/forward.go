package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// The headers that say where a request came from, in the names of JupyterHub's own proxy.
const (
	forwardedFor   = "X-Forwarded-For"
	forwardedProto = "X-Forwarded-Proto"
	forwardedPort  = "X-Forwarded-Port"
	forwardedHost  = "X-Forwarded-Host"
)

// forgedNames are headers that a server may take for a word of the platform about who is asking. They never pass.
var forgedNames = map[string]bool{
	"forwarded": true, "x-real-ip": true, "x-scheme": true, "x-client-ip": true, "true-client-ip": true,
	"x-username": true, "x-user": true, "x-remote-user": true, "remote-user": true, "x-remote-groups": true, "remote-groups": true,
}

// forged says whether a header speaks for the platform. Underscores count as hyphens, as they do for servers of the CGI kind.
func forged(name string, keepForwarding bool) bool {
	if len(name) == 0 || !strings.ContainsRune("FfRrTtXx", rune(name[0])) {
		return false
	}
	switch name {
	case forwardedFor, forwardedProto, forwardedPort, forwardedHost:
		return !keepForwarding
	}
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return forgedNames[name] || strings.HasPrefix(name, "x-forwarded-")
}

// dropForged removes such headers; keepForwarding leaves the four of a trusted proxy in front.
func dropForged(h http.Header, keepForwarding bool) {
	for name := range h {
		if forged(name, keepForwarding) {
			delete(h, name)
		}
	}
}

// anyForged says whether dropForged would remove something.
func anyForged(h http.Header, keepForwarding bool) bool {
	for name := range h {
		if forged(name, keepForwarding) {
			return true
		}
	}
	return false
}

// peer gives the address at the other end of the client's connection; invalid when there is none.
func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

func contains(networks []netip.Prefix, ip netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// setForwarded says on the outgoing request where the incoming one came from. What a proxy in a trusted network said before
// is kept in front; what anybody else said is not.
func setForwarded(out, in *http.Request, trusted []netip.Prefix, webSocket bool) {
	ip := peer(in)
	believed := contains(trusted, ip)
	dropForged(out.Header, false)
	proto, port := "http", "80"
	if in.TLS != nil {
		proto, port = "https", "443"
	}
	if webSocket {
		proto = strings.Replace(proto, "http", "ws", 1)
	}
	if _, p, err := net.SplitHostPort(in.Host); err == nil && p != "" {
		port = p
	}
	say := func(name, value string) {
		if before := in.Header[name]; believed && len(before) > 0 {
			value = strings.Join(before, ",") + "," + value
		}
		out.Header[name] = []string{value}
	}
	if ip.IsValid() {
		say(forwardedFor, ip.String())
	}
	say(forwardedProto, proto)
	say(forwardedPort, port)
	out.Header[forwardedHost] = []string{in.Host}
	if before := in.Header[forwardedHost]; believed && len(before) > 0 {
		out.Header[forwardedHost] = []string{strings.Join(before, ",")}
	}
}
