package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestServe(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	go serve(theirs, "/user/ada/")
	in := bufio.NewReader(ours)
	for _, c := range []struct {
		method, path string
		status, size int
	}{
		{"GET", "/user/ada/lab", 200, 1024},
		{"HEAD", "/user/ada/", 200, 0},
		{"GET", "/user/bob/", 404, 0},
		{"GET", "/user/ada/", 200, 1024},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, "http://host"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = req.Write(ours) }()
		res, err := http.ReadResponse(in, req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != c.status || len(body) != c.size {
			t.Errorf("%s %s: %d with %d bytes, want %d with %d", c.method, c.path, res.StatusCode, len(body), c.status, c.size)
		}
	}
	go func() { _, _ = io.WriteString(ours, "POST /user/ada/ HTTP/1.1\r\n\r\n") }()
	if _, err := in.ReadByte(); err == nil {
		t.Error("the connection goes on after a POST")
	}
}

func TestTell(t *testing.T) {
	dir := t.TempDir()
	if err := tell(dir, "jupyterhub-user-ada", "a-token"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "jupyterhub-user-ada"))
	if err != nil || !strings.HasSuffix(string(text), " a-token\n") {
		t.Errorf("file %q, %v", text, err)
	}
}
