package auth

import (
	"context"
	"strings"
	"sync"
	"time"

	"berdlhub/internal/store"
)

// activityKey is whose activity is noted; zero ids are nobody's.
type activityKey struct{ user, server, token, session int64 }

// activity collects notes and writes them together once a second.
type activity struct {
	mu      sync.Mutex
	pending map[activityKey]time.Time // to be written; guarded by mu
	noted   map[activityKey]time.Time // when each was last noted, for the resolution; guarded by mu
}

// serverNote begins the note of a server's own token; what a server asks for is not its user's activity.
const serverNote = "Server at "

func (a *Auth) noteToken(p *Principal, now time.Time) {
	key := activityKey{token: p.Token.ID}
	if p.User != nil && !strings.HasPrefix(p.Token.Note, serverNote) {
		key.user = p.User.ID
	}
	a.note(key, now, a.cfg.ActivityResolution)
}

// seenResolution is how far apart two notes are that a browser's session was seen.
const seenResolution = time.Minute

func (a *Auth) noteUser(p *Principal, now time.Time) {
	a.note(activityKey{user: p.User.ID}, now, a.cfg.ActivityResolution)
	a.note(activityKey{session: p.Session}, now, max(seenResolution, a.cfg.ActivityResolution))
}

// note remembers an activity unless one within the resolution was noted already.
func (a *Auth) note(key activityKey, now time.Time, resolution time.Duration) {
	a.activity.mu.Lock()
	defer a.activity.mu.Unlock()
	if now.Sub(a.activity.noted[key]) < resolution {
		return
	}
	if len(a.activity.noted) >= cacheMax {
		clear(a.activity.noted)
	}
	a.activity.noted[key] = now
	a.activity.pending[key] = now
}

// Record takes what somebody reports of a user's or a server's activity, to be written within a second; values only move forward.
func (a *Auth) Record(r store.Activity) {
	key := activityKey{user: r.UserID, server: r.ServerID, token: r.TokenID}
	a.activity.mu.Lock()
	defer a.activity.mu.Unlock()
	if r.At.After(a.activity.pending[key]) {
		a.activity.pending[key] = r.At
	}
}

// Flush writes what was recorded so far. Tests and a stopping hub call it.
func (a *Auth) flush(ctx context.Context) error {
	a.activity.mu.Lock()
	pending := a.activity.pending
	a.activity.pending = map[activityKey]time.Time{}
	a.activity.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	batch := make([]store.Activity, 0, len(pending))
	for key, at := range pending {
		batch = append(batch, store.Activity{UserID: key.user, ServerID: key.server, TokenID: key.token, SessionID: key.session, At: at})
	}
	return a.db.RecordActivity(ctx, batch)
}
