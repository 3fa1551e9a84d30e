package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// buildAddresses works out where the hub listens and how others reach it.
func (s *settings) buildAddresses(h *Hub) {
	s.buildBind(h)
	host, port := s.buildHubBind()
	h.HubBind = net.JoinHostPort(host, strconv.Itoa(port))
	if port == h.BindPort && port != 0 && (host == h.BindHost || everywhere(host) || everywhere(h.BindHost)) {
		s.together(s.later("JupyterHub", "port", "bind_url", "hub_port", "hub_bind_url"), "makes the public and the inner address of the hub the same, port "+strconv.Itoa(port),
			"give bind_url and hub_bind_url different ports")
	}
	h.PublicURL = s.absolute("JupyterHub", "public_url")
	if h.PublicURL != "" && !strings.HasSuffix(h.PublicURL, "/") {
		h.PublicURL += "/"
	}
	h.HubConnectURL = strings.TrimSuffix(s.absolute("JupyterHub", "hub_connect_url"), "/")
	if h.HubConnectURL == "" {
		connect := host
		if ip := s.text("JupyterHub", "hub_connect_ip"); ip != "" {
			connect = ip
		} else if everywhere(host) {
			connect = "127.0.0.1"
		}
		h.HubConnectURL = "http://" + net.JoinHostPort(connect, strconv.Itoa(port))
	}
	h.CookieHostPrefix = s.flag("JupyterHub", "cookie_host_prefix_enabled")
	if h.CookieHostPrefix && strings.HasPrefix(h.PublicURL, "http://") {
		s.together(s.setting("JupyterHub", "cookie_host_prefix_enabled"), "cannot work with a public_url of plain http: browsers drop such cookies",
			"use https in front of the hub, or leave it out")
	}
	s.buildTrusted(h)
}

func everywhere(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

// buildBind reads bind_url; ip, port and base_url from the same or a later place replace its parts.
func (s *settings) buildBind(h *Hub) {
	one := s.setting("JupyterHub", "bind_url")
	text, _ := one.value.data.(string)
	h.BindHost, h.BindPort, h.BaseURL = "", 8000, "/"
	if host, port, base, problem := listen(text, 8000); problem != "" {
		s.together(one, problem, "write http://HOST:PORT/PREFIX, for example http://:8000")
	} else {
		h.BindHost, h.BindPort, h.BaseURL = host, port, base
	}
	if ip, ok := s.part(one, "ip", h.BindHost); ok {
		h.BindHost, _ = ip.value.data.(string)
		if h.BindHost == "*" {
			h.BindHost = ""
		}
		if _, err := netip.ParseAddr(h.BindHost); err != nil && h.BindHost != "" && !hostName(h.BindHost) {
			s.together(ip, "is neither an IP address nor a host name", "write 0.0.0.0 or 127.0.0.1")
		}
	}
	if port, ok := s.part(one, "port", strconv.Itoa(h.BindPort)); ok {
		h.BindPort = int(asFloat(port.value))
	}
	if base, ok := s.part(one, "base_url", h.BaseURL); ok {
		prefix, _ := base.value.data.(string)
		h.BaseURL = slashed(prefix)
		if !plainPath(h.BaseURL) {
			s.together(base, "is not a plain path", "write a path such as /hub-dev/, without query, dots and spaces")
			h.BaseURL = "/"
		}
	}
	h.BindURL = "http://" + joinHost(h.BindHost) + ":" + strconv.Itoa(h.BindPort) + h.BaseURL
}

// part gives ip, port or base_url when it is set and not overridden by a later bind_url. Different values from one place are a fault.
func (s *settings) part(bind setting, name, fromURL string) (setting, bool) {
	one := s.setting("JupyterHub", name)
	if one.rank == fromDefault || one.rank < bind.rank {
		return one, false
	}
	if one.rank == bind.rank {
		text, isText := one.value.data.(string)
		if !isText {
			text = strconv.Itoa(int(asFloat(one.value)))
		}
		if name == "base_url" {
			text = slashed(text)
		}
		if text != fromURL {
			s.together(one, "contradicts JupyterHub.bind_url", "keep one of them; bind_url holds host, port and prefix")
		}
	}
	return one, true
}

// listen takes a URL to listen on apart. The host may be empty or *.
func listen(text string, defaultPort int) (host string, port int, base, problem string) {
	u, err := url.Parse(strings.Replace(text, "//*", "//", 1))
	if err != nil {
		return "", 0, "", "is not a URL"
	}
	if problem := listenProblem(u); problem != "" {
		return "", 0, "", problem
	}
	port = defaultPort
	if u.Port() != "" {
		port, _ = strconv.Atoi(u.Port())
	}
	base = slashed(u.EscapedPath())
	if !plainPath(base) {
		return "", 0, "", "has a path that is not plain"
	}
	return u.Hostname(), port, base, ""
}

func listenProblem(u *url.URL) string {
	switch {
	case u.Scheme == "https":
		return "asks for https, but berdlhub does not end TLS itself"
	case u.Scheme != "http":
		return "is not a URL that begins with http://"
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return "has more than host, port and path"
	case u.Port() != "" && !portNumber(u.Port()) && u.Port() != "0":
		return "has a port that is out of range"
	case u.Hostname() != "" && !hostName(u.Hostname()) && !isAddress(u.Hostname()):
		return "has a host that is neither an IP address nor a host name"
	}
	return ""
}

func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

func hostName(text string) bool {
	for _, r := range text {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_' {
			return false
		}
	}
	return text != "" && len(text) < 254
}

func joinHost(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// slashed gives a path with a slash at each end.
func slashed(path string) string {
	path = strings.Trim(path, "/")
	if path == "" {
		return "/"
	}
	return "/" + path + "/"
}

func plainPath(path string) bool {
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if part == "." || part == ".." || (part == "" && path != "/") {
			return false
		}
		for _, r := range part {
			if r <= ' ' || r > '~' || strings.ContainsRune(`?#%\"<>{}|^`+"`", r) {
				return false
			}
		}
	}
	return true
}

func (s *settings) buildHubBind() (host string, port int) {
	host, port = s.text("JupyterHub", "hub_ip"), s.whole("JupyterHub", "hub_port")
	one := s.setting("JupyterHub", "hub_bind_url")
	text, _ := one.value.data.(string)
	if text == "" {
		return host, port
	}
	h, p, _, problem := listen(text, 8081)
	if problem != "" {
		s.together(one, problem, "write http://HOST:PORT, for example http://:8081")
		return host, port
	}
	return h, p
}

func (s *settings) buildTrusted(h *Hub) {
	one := s.setting("JupyterHub", "trusted_downstream_ips")
	for _, text := range texts(one.value) {
		prefix, err := netip.ParsePrefix(text)
		if address, err2 := netip.ParseAddr(text); err2 == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			s.together(one, "has an entry that is neither an address nor a network", "write 10.0.0.7 or 10.0.0.0/8")
			continue
		}
		h.TrustedDownstream = append(h.TrustedDownstream, prefix.Masked())
	}
}
