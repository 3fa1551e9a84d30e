package kbase_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/kbase"
	"berdlhub/internal/kbase/kbasetest"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	server, a := open(t, nil, func(c *kbase.Config) { c.Timeout = 200 * time.Millisecond })
	if err := a.Probe(t.Context()); err != nil {
		t.Fatal("a service that works:", err)
	}
	for _, f := range []kbasetest.Fault{
		{Kind: kbasetest.Garbage},
		{Kind: kbasetest.Gateway},
		{Kind: kbasetest.Empty},
		{Kind: kbasetest.NotObject},
		{Kind: kbasetest.Redirect},
		{Kind: kbasetest.Hang},
		{Kind: kbasetest.Refuse},
		{Kind: kbasetest.Errs, Status: http.StatusInternalServerError, AppCode: 1},
	} {
		server.Fail(f, kbasetest.TokenQuestion)
		err := a.Probe(t.Context())
		if hub.CodeOf(err) != hub.Unavailable || !strings.Contains(hub.MessageOf(err), "auth_url") || strings.Contains(hub.MessageOf(err), "127.0.0.1") {
			t.Errorf("%s: %v", f.Kind, err)
		}
	}
}
