package webtest

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"

	"berdlhub/internal/web"
)

// Gallery serves every fixture at /pages/NAME, their list at /, and what their scripts ask for. Forms lead to a
// page that says so; nothing is changed anywhere.
func Gallery(v *web.Renderer) http.Handler {
	mux := http.NewServeMux()
	v.Mount(mux)
	mux.HandleFunc("GET /{$}", list)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }) // asked for by the list, which names no icon
	for _, f := range Fixtures() {
		mux.HandleFunc("GET /pages/"+f.Name, func(w http.ResponseWriter, r *http.Request) {
			if err := v.Render(w, r, f.Status, f.Page()); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	mux.HandleFunc("GET /hub/api/users/{user}/server/progress", progress)
	mux.HandleFunc("GET /hub/api/users/{user}/servers/{server}/progress", progress)
	mux.HandleFunc("POST /hub/api/users/{user}/tokens", func(w http.ResponseWriter, _ *http.Request) {
		_ = web.JSON(w, http.StatusCreated, map[string]string{"token": strings.Repeat("0123456789abcdef", 2)})
	})
	mux.HandleFunc("DELETE /hub/api/users/{user}/tokens/{id}", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		page := &web.ErrorPage{Frame: ada(), Status: http.StatusNotFound, Message: r.Method + " " + r.URL.Path + " is outside this gallery.", Advice: "Go back to the list of pages."}
		if err := v.Render(w, r, http.StatusNotFound, page); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return web.Chain(mux, web.PageHeaders(web.HeaderConfig{HubPath: "/hub/"}))
}

// list shows what there is.
func list(w http.ResponseWriter, _ *http.Request) {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Pages</title>\n<h1>Pages</h1>\n<ul>\n")
	for _, f := range Fixtures() {
		fmt.Fprintf(&b, "<li><a href=\"/pages/%s\">%s</a>: %s</li>\n", html.EscapeString(f.Name), html.EscapeString(f.Name), html.EscapeString(f.About))
	}
	b.WriteString("</ul>\n</html>\n")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(b.String()))
}

// progress tells the story of a start as events, and stays open: the server is never ready, so that the page can be looked at.
// With ?ready it ends well.
func progress(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for _, e := range Story() {
		send(w, map[string]any{"progress": e.Progress, "message": e.Message})
		_ = out.Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
	if r.URL.Query().Has("ready") {
		send(w, map[string]any{"progress": 100, "ready": true, "message": "Server ready at /user/ada/", "url": "/user/ada/"})
		return
	}
	<-r.Context().Done()
}

func send(w http.ResponseWriter, event map[string]any) {
	data, err := json.Marshal(event)
	if err == nil {
		_, _ = fmt.Fprintf(w, "data: %s\n\n", data)
	}
}
