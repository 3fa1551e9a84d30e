package spawntest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// ServeVariable makes a test binary that calls ServeIfAsked a tiny single-user server. Its value is a list of habits, separated by commas:
//
//	serve       answers at JUPYTERHUB_SERVICE_URL until SIGINT or SIGTERM
//	stubborn    ignores SIGINT
//	immortal    ignores SIGINT and SIGTERM
//	child       starts a process in a session of its own that ignores signals, as kernels may
//	print       writes its environment to its log first
//	quit        ends with exit code 3 at once
const ServeVariable = "SPAWNTEST_SERVE"

// Answer is what the tiny server answers at …/api.
type Answer struct {
	Instance string `json:"instance"` // differs with every process
	Home     string `json:"home"`     // its working directory
	PID      int    `json:"pid"`
	User     string `json:"user"`
}

// ServeIfAsked turns the process into a tiny single-user server when the environment asks for it, and does not return then.
// TestMain of a package whose Spawner starts real processes calls it first.
func ServeIfAsked() {
	habits := os.Getenv(ServeVariable)
	if habits == "" {
		return
	}
	if err := serve(strings.Split(habits, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "tiny server:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(habits []string) error {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	for _, habit := range habits {
		switch habit {
		case "serve":
		case "stubborn":
			signal.Ignore(syscall.SIGINT)
		case "immortal":
			signal.Ignore(syscall.SIGINT, syscall.SIGTERM)
		case "child":
			if err := startChild(); err != nil {
				return err
			}
		case "print":
			fmt.Println(strings.Join(os.Environ(), "\n"))
		case "quit":
			fmt.Println("this is the end")
			os.Exit(3)
		default:
			return fmt.Errorf("unknown habit %q", habit)
		}
	}
	at, err := url.Parse(os.Getenv("JUPYTERHUB_SERVICE_URL"))
	if err != nil || at.Port() == "" {
		return fmt.Errorf("JUPYTERHUB_SERVICE_URL has no port: %v", err) //nolint:errorlint // may be nil
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", at.Host)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: answers(), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ended
		_ = server.Close() // nothing to save
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// answers answers every path that ends in /api, and only those, with who it is.
func answers() http.Handler {
	home, err := os.Getwd()
	if err != nil {
		home = err.Error()
	}
	me := Answer{Instance: rand.Text(), Home: home, PID: os.Getpid(), User: os.Getenv("USER")}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { writeAnswer(w, r, me) })
}

func writeAnswer(w http.ResponseWriter, r *http.Request, me Answer) {
	if !strings.HasSuffix(r.URL.Path, "/api") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(me) // the asker may be gone
}

// startChild starts this program again in a session of its own; it stays until it is killed.
func startChild() error {
	cmd := exec.CommandContext(context.Background(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), ServeVariable+"=immortal", "JUPYTERHUB_SERVICE_URL=http://127.0.0.1:0/")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Start()
}
