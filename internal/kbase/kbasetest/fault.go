package kbasetest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Question is one of the auth service's questions.
type Question string

// The questions that a hub asks.
const (
	TokenQuestion Question = "token"
	MeQuestion    Question = "me"
)

// Kind is a way in which the auth service can misbehave.
type Kind string

// The faults.
const (
	Errs       Kind = "errs"        // answers Status with a JSON error of AppCode
	Garbage    Kind = "garbage"     // answers 200 with an HTML page
	Gateway    Kind = "gateway"     // answers 502 with an HTML page
	Empty      Kind = "empty"       // answers 200 without a body
	WrongTypes Kind = "wrong-types" // answers 200 with a JSON object whose fields have other types
	NotObject  Kind = "not-object"  // answers 200 with a JSON list
	TooLong    Kind = "too-long"    // answers 200 with a JSON object of 1 MiB
	Redirect   Kind = "redirect"    // answers 302 to a place that would answer well
	Slow       Kind = "slow"        // answers well, but only after Delay
	Hang       Kind = "hang"        // never answers
	Refuse     Kind = "refuse"      // closes the connection without an answer
	OtherUser  Kind = "other-user"  // answers well, but for the user User
)

// Fault is a misbehaviour with its details.
type Fault struct {
	Kind    Kind
	Status  int           // with Errs; 0: 401
	AppCode int           // with Errs
	Delay   time.Duration // with Slow
	User    string        // with OtherUser
}

// Fail makes the auth service misbehave from now on, for the given questions, or for all when none is given.
func (k *KBase) Fail(f Fault, questions ...Question) {
	if len(questions) == 0 {
		questions = []Question{TokenQuestion, MeQuestion}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, q := range questions {
		k.faults[q] = f
	}
}

// Heal ends all misbehaviour.
func (k *KBase) Heal() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.faults)
}

func (k *KBase) fault(q Question) Fault {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked[q]++
	return k.faults[q]
}

// misbehave plays a fault and tells whether that was the whole answer.
func (k *KBase) misbehave(w http.ResponseWriter, r *http.Request, f Fault) bool {
	switch f.Kind {
	case Errs:
		status := f.Status
		if status == 0 {
			status = http.StatusUnauthorized
		}
		writeError(w, status, f.AppCode)
	case Garbage:
		say(w, http.StatusOK, "text/html", "<html><body>Welcome to the hotel's wireless network</body></html>")
	case Gateway:
		say(w, http.StatusBadGateway, "text/html", "<html><body>502 Bad Gateway</body></html>")
	case Empty:
		w.WriteHeader(http.StatusOK)
	case WrongTypes:
		say(w, http.StatusOK, "application/json", `{"user": ["ada"], "expires": "tomorrow", "mfa": 1, "customroles": "BERDL_USER"}`)
	case NotObject:
		say(w, http.StatusOK, "application/json", `["ada"]`)
	case TooLong:
		say(w, http.StatusOK, "application/json", `{"user": "ada", "filler": "`+strings.Repeat("x", 1<<20)+`"}`)
	case Redirect:
		if r.URL.RawQuery == "again" {
			return false
		}
		http.Redirect(w, r, r.URL.Path+"?again", http.StatusFound)
	case Slow:
		return !k.wait(r, f.Delay)
	case Hang:
		k.wait(r, 0)
	case Refuse:
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

// wait waits for a time, or for ever when it is zero; false when the asker or the service went away.
func (k *KBase) wait(r *http.Request, d time.Duration) bool {
	var passed <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		passed = timer.C
	}
	select {
	case <-passed:
		return true
	case <-r.Context().Done():
	case <-k.closed:
	}
	return false
}

func say(w http.ResponseWriter, status int, kind, body string) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, body) // the asker may be gone
}
