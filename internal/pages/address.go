package pages

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"berdlhub/internal/hub"
	"berdlhub/internal/spawn"
)

// redirect sends the browser to a path of this host.
func redirect(w http.ResponseWriter, target string) {
	w.Header().Set("Location", target)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusFound)
}

func query(name, value string) string { return url.Values{name: {value}}.Encode() }

// keyOf reads which server an address names: USER and SERVER, where a missing user means the visitor.
func keyOf(r *http.Request, visitor string) hub.ServerKey {
	k := hub.ServerKey{User: r.PathValue("user"), Server: r.PathValue("server")}
	if k.User == "" {
		k.User = visitor
	}
	return k
}

// serverPath gives USER or USER/SERVER for an address.
func serverPath(k hub.ServerKey) string {
	return strings.TrimSuffix(strings.TrimPrefix(spawn.Prefix("/", k), "/user/"), "/")
}

// withNext adds where the user wants to go to an address, if it is known.
func withNext(address, next string) string {
	if next == "" {
		return address
	}
	return address + "?" + query("next", next)
}

// next gives the checked target of a request, from its address or from its form if that has been read; or nothing.
func (p *Pages) next(r *http.Request) string {
	target, _ := p.auth.Next(r, strings.Trim(cmp.Or(r.URL.Query().Get("next"), r.PostForm.Get("next")), " "))
	return target
}
