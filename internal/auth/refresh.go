package auth

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"berdlhub/internal/hub"
)

const (
	// refreshPatience is how long a request waits for the authenticator before it goes on with what was known.
	refreshPatience = time.Second
	// refreshTimeout bounds one question to the authenticator.
	refreshTimeout = 15 * time.Second
	// refreshPause is how long a failed question is not asked again.
	refreshPause = 15 * time.Second
)

// refreshes holds the questions to the authenticator that are under way, one per user, and those that failed lately.
type refreshes struct {
	mu      sync.Mutex
	flights map[int64]*flight // by user id; guarded by mu
	tried   map[int64]attempt // by user id; guarded by mu
}

// flight is a question under way; err may be read once done is closed.
type flight struct {
	done chan struct{}
	err  error
}

// attempt is how the last question ended when it did not confirm the user.
type attempt struct {
	at      time.Time
	session string // what was stored when it was asked; a newer session is worth a new question
	err     error
}

// stillGood asks the authenticator again when its last answer is older than RefreshAge. While it does not answer, a user
// stays signed in for Grace, with a banner that says so. ok is false when the session is over.
func (a *Auth) stillGood(r *http.Request, u *hub.User) (banner string, ok bool, err error) {
	age := a.cfg.Now().Sub(u.Refreshed)
	if a.cfg.RefreshAge < 0 || age < a.cfg.RefreshAge {
		return "", true, nil
	}
	err = a.refreshOnce(r, u)
	switch {
	case err == nil:
		return "", true, nil
	case hub.CodeOf(err) == hub.Unauthorized || hub.CodeOf(err) == hub.Forbidden:
		return "", false, nil
	case age >= a.cfg.Grace:
		a.cfg.Log.WarnContext(r.Context(), "session ended: the sign-in service did not confirm the user within the grace time", "user", u.Name, "err", err)
		return "", false, nil
	}
	left := (a.cfg.Grace - age).Round(time.Minute)
	return fmt.Sprintf("The sign-in service does not answer at the moment. You stay signed in and can go on working for another %s.", words(left)), true, nil
}

// words gives a duration in hours and minutes.
func words(d time.Duration) string {
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch {
	case h == 0:
		return fmt.Sprintf("%d min", max(m, 1))
	case m == 0:
		return fmt.Sprintf("%d h", h)
	default:
		return fmt.Sprintf("%d h %d min", h, m)
	}
}

// refreshOnce joins or begins the question about a user, and waits for it a little. A question that takes longer goes on
// without the request, and the request with what was known.
func (a *Auth) refreshOnce(r *http.Request, u *hub.User) error {
	a.refreshes.mu.Lock()
	if last, ok := a.refreshes.tried[u.ID]; ok && a.cfg.Now().Sub(last.at) < refreshPause && last.session == u.Session && !a.bringsNewer(r, u) {
		a.refreshes.mu.Unlock()
		return last.err
	}
	f := a.refreshes.flights[u.ID]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		a.refreshes.flights[u.ID] = f
		ask := r.Clone(a.life)
		a.background.Go(func() { a.fly(f, ask, u) })
	}
	a.refreshes.mu.Unlock()
	patience := time.NewTimer(refreshPatience)
	defer patience.Stop()
	select {
	case <-f.done:
		return f.err
	case <-patience.C:
		return hub.Errorf(hub.Unavailable, "the sign-in service has not answered yet")
	case <-r.Context().Done():
		return hub.Wrap(hub.Unavailable, r.Context().Err(), "the request ended")
	}
}

// fly asks the authenticator and remembers a question that did not confirm the user.
func (a *Auth) fly(f *flight, r *http.Request, u *hub.User) {
	ctx, cancel := context.WithTimeout(a.life, refreshTimeout)
	defer cancel()
	_, f.err = a.refresh(ctx, r, u)
	a.refreshes.mu.Lock()
	defer a.refreshes.mu.Unlock()
	if f.err != nil {
		a.refreshes.tried[u.ID] = attempt{at: a.cfg.Now(), session: u.Session, err: f.err}
		a.cfg.Log.InfoContext(ctx, "a signed-in user was not confirmed", "user", u.Name, "err", f.err)
	} else {
		delete(a.refreshes.tried, u.ID)
	}
	delete(a.refreshes.flights, u.ID)
	close(f.done)
}

// bringsNewer says that the browser has another session of the sign-in service than the stored one.
func (a *Auth) bringsNewer(r *http.Request, u *hub.User) bool {
	s, ok := a.authenticator.(SessionReader)
	if !ok || u.Session == "" {
		return false
	}
	sent := s.SessionOf(r)
	return sent != "" && sent != u.Session
}

// SessionReader is an Authenticator that can tell, without asking anybody, which session of the sign-in service a browser brings.
type SessionReader interface {
	// SessionOf gives the session's fingerprint; empty when there is none.
	SessionOf(r *http.Request) string
}

// refresh asks whether the stored identity still holds; a newer session of the same user that the browser brings is adopted.
func (a *Auth) refresh(ctx context.Context, r *http.Request, u *hub.User) (*hub.Identity, error) {
	if a.bringsNewer(r, u) {
		identity, err := a.authenticator.SignIn(ctx, r)
		if err == nil && identity.Name == u.Name {
			return identity, a.keep(ctx, u, identity)
		}
	}
	known := &hub.Identity{Name: u.Name, Admin: &u.Admin, State: a.openState(ctx, u), Session: u.Session}
	if a.cfg.ManageGroups {
		w, err := a.lookUp(ctx, u.ID)
		if err != nil {
			return nil, err
		}
		known.Groups = append([]string{}, w.groups...)
	}
	identity, err := a.authenticator.Refresh(ctx, known)
	if err != nil {
		return nil, err
	}
	return identity, a.keep(ctx, u, identity)
}

// keep stores what a refresh found.
func (a *Auth) keep(ctx context.Context, u *hub.User, identity *hub.Identity) error {
	if identity == nil {
		return a.db.MarkRefreshed(ctx, u.ID, a.cfg.Now())
	}
	save, err := a.toStore(u.Name, identity)
	if err != nil {
		return err
	}
	_, err = a.db.SaveRefresh(ctx, save)
	return err
}

// RefreshNow asks the authenticator about a user at once. BERDL: POST /hub/api/refresh-token.
// Errors: as hub.Authenticator's Refresh.
func (a *Auth) RefreshNow(r *http.Request, u *hub.User) (*hub.Identity, error) {
	ctx, cancel := context.WithTimeout(r.Context(), refreshTimeout)
	defer cancel()
	return a.refresh(ctx, r, u)
}
