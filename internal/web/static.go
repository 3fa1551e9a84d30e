package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// staticFile is a file with its content's hash.
type staticFile struct {
	name string
	kind string // media type
	body []byte
	hash string // first 16 hex digits of SHA-256
}

// mediaTypes of what is served; the machine's own table differs from machine to machine.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png",
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".ico": "image/x-icon",
	".woff2": "font/woff2", ".json": "application/json", ".txt": "text/plain; charset=utf-8",
}

func newStaticFile(name string, body []byte) *staticFile {
	sum := sha256.Sum256(body)
	ext := strings.ToLower(path.Ext(name))
	kind := mediaTypes[ext]
	if kind == "" {
		kind = mime.TypeByExtension(ext)
	}
	if kind == "" {
		kind = "application/octet-stream"
	}
	return &staticFile{name: name, kind: kind, body: body, hash: hex.EncodeToString(sum[:8])}
}

// readStatic reads all static files; a later layer replaces the files of an earlier one.
func readStatic(layers []fs.FS) (map[string]*staticFile, error) {
	files := make(map[string]*staticFile)
	for _, layer := range layers {
		if _, err := fs.Stat(layer, "static"); err != nil {
			continue // a layer may hold templates only
		}
		err := fs.WalkDir(layer, "static", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			body, err := fs.ReadFile(layer, name)
			if err != nil {
				return err
			}
			name = strings.TrimPrefix(name, "static/")
			files[name] = newStaticFile(name, body)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read the static files: %w", err)
		}
	}
	return files, nil
}

// StaticURL gives the address of a static file with the hash of its content, so that browsers may keep it for ever.
// A file that does not exist is an error of the template that asks for it.
func (v *Renderer) StaticURL(name string) (string, error) {
	f, ok := v.static[name]
	if !ok {
		return "", fmt.Errorf("static file %s does not exist", name)
	}
	return v.hubPath + "static/" + name + "?v=" + f.hash, nil
}

// Mount registers the static files and the logo. JupyterHub's web contract: hub/static/ and hub/logo.
func (v *Renderer) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET "+v.hubPath+"static/{name...}", func(w http.ResponseWriter, r *http.Request) {
		f, ok := v.static[r.PathValue("name")]
		if !ok {
			w.Header().Set("Cache-Control", "no-cache")
			http.Error(w, "There is no such file here.", http.StatusNotFound)
			return
		}
		f.serve(w, r)
	})
	mux.HandleFunc("GET "+v.hubPath+"logo", v.logo.serve)
}

// serve writes the file: for ever when the address names this very content, else to be asked for again with its ETag.
func (f *staticFile) serve(w http.ResponseWriter, r *http.Request) {
	cache := "no-cache"
	if r.URL.Query().Get("v") == f.hash {
		cache = "public, max-age=31536000, immutable"
	}
	h := w.Header()
	h.Set("Cache-Control", cache)
	h.Set("Content-Type", f.kind)
	h.Set("ETag", `"`+f.hash+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	// A picture that is opened by itself is a document: it gets no script either.
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.body))
}
