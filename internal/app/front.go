package app

import (
	"net/http"
	"strings"
)

// front leads requests that no server's route takes. JupyterHub's web contract, routes outside of the hub's path: everything
// is redirected below it, so that the hub's pages can say what is wrong with a server that does not run.
type front struct {
	base string       // public path prefix with both slashes
	hub  http.Handler // everything below {base}hub/
}

// ServeHTTP answers or redirects.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	hubPath := f.base + "hub/"
	switch {
	case strings.HasPrefix(path, hubPath):
		f.hub.ServeHTTP(w, r)
	case path == f.base+"hub":
		location(w, r, hubPath, http.StatusMovedPermanently)
	case isServerRoot(path, f.base), isServiceRoot(path, f.base):
		location(w, r, path+"/", http.StatusMovedPermanently)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		location(w, r, hubPath+strings.TrimLeft(strings.TrimPrefix(path, strings.TrimSuffix(f.base, "/")), "/"), http.StatusFound)
	default:
		f.within(w, r, hubPath)
	}
}

// within answers a request that would lose its body and method in a redirect as if it had come below the hub's path.
func (f *front) within(w http.ResponseWriter, r *http.Request, hubPath string) {
	inner := r.Clone(r.Context())
	inner.URL.Path = hubPath + strings.TrimPrefix(r.URL.Path, f.base)
	inner.URL.RawPath = ""
	if r.URL.RawPath != "" {
		inner.URL.RawPath = hubPath + strings.TrimPrefix(r.URL.RawPath, f.base)
	}
	inner.RequestURI = inner.URL.RequestURI()
	f.hub.ServeHTTP(w, inner)
}

// isServerRoot says that a path is a server's without its closing slash: /user/ada.
func isServerRoot(path, base string) bool { return isChild(path, base+"user/") }

func isServiceRoot(path, base string) bool { return isChild(path, base+"services/") }

func isChild(path, folder string) bool {
	rest, ok := strings.CutPrefix(path, folder)
	return ok && rest != "" && !strings.Contains(rest, "/")
}

// slashed leads a browser that asks for a service without its closing slash to the address with it, whether or not the service has a
// route: a service's cookies have the path with the slash, so that without it JupyterHub's library signs the visitor in for ever.
func slashed(base string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := r.URL.EscapedPath(); (r.Method == http.MethodGet || r.Method == http.MethodHead) && isServiceRoot(path, base) {
			location(w, r, path+"/", http.StatusMovedPermanently)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// location redirects within this host, with the query kept.
func location(w http.ResponseWriter, r *http.Request, path string, status int) {
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", path)
	w.WriteHeader(status)
}
