package hub_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"berdlhub/internal/hub"
)

func TestError(t *testing.T) {
	t.Parallel()
	cause := errors.New("dial tcp 10.0.0.1: refused")
	wrapped := fmt.Errorf("start: %w", hub.Wrap(hub.Unavailable, cause, "Try again."))
	if hub.CodeOf(wrapped) != hub.Unavailable || hub.MessageOf(wrapped) != "Try again." || !errors.Is(wrapped, cause) {
		t.Errorf("code %s, message %q, cause found: %v", hub.CodeOf(wrapped), hub.MessageOf(wrapped), errors.Is(wrapped, cause))
	}
	if hub.CodeOf(cause) != hub.Internal || hub.MessageOf(cause) != "" {
		t.Error("an unknown error tells the user something")
	}
	if hub.MessageOf(hub.Wrap(hub.Internal, cause, "secret detail")) != "" {
		t.Error("an internal error tells the user something")
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for code, want := range map[hub.Code]int{
		hub.Invalid: 400, hub.Unauthorized: 401, hub.Forbidden: 403, hub.NotFound: 404, hub.Unsupported: 405, hub.Conflict: 409,
		hub.Unprocessed: 422, hub.NotRunning: 424, hub.TooMany: 429, hub.Unavailable: 503, hub.Internal: 500, "other": 500,
	} {
		if got := code.Status(); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := hub.Secret("hunter2")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "in a struct", struct{ S hub.Secret }{s})
	text, err := json.Marshal(map[string]hub.Secret{"secret": s})
	if err != nil {
		t.Fatal(err)
	}
	for how, got := range map[string]string{
		"v": fmt.Sprintf("%v", s), "+v": fmt.Sprintf("%+v", struct{ S hub.Secret }{s}), "#v": fmt.Sprintf("%#v", s), "x": fmt.Sprintf("%x", s.String()),
		"q": fmt.Sprintf("%q", s), "json": string(text), "log": log.String(),
	} {
		if strings.Contains(got, "hunter2") {
			t.Errorf("%s prints the secret: %s", how, got)
		}
	}
	if s.Reveal() != "hunter2" || hub.Secret("").String() != "" {
		t.Error("Reveal or the empty secret is wrong")
	}
}

func TestServerWords(t *testing.T) {
	t.Parallel()
	lab := hub.ServerKey{User: "ada", Server: "lab"}
	if lab.String() != "ada:lab" || lab.Full() != "ada/lab" || (hub.ServerKey{User: "ada"}).Full() != "ada/" {
		t.Error("the names of servers are wrong")
	}
	for phase, want := range map[hub.Phase]struct {
		active  bool
		pending string
	}{
		hub.Stopped: {false, ""}, hub.Queued: {true, "spawn"}, hub.Starting: {true, "spawn"}, hub.Ready: {true, ""},
		hub.Stopping: {true, "stop"}, hub.Failed: {false, ""},
	} {
		srv := hub.Server{Phase: phase}
		if srv.Active() != want.active || srv.Pending() != want.pending {
			t.Errorf("%s: active %v, pending %q", phase, srv.Active(), srv.Pending())
		}
	}
}
