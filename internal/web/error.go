package web

import (
	"net/http"
	"time"
)

// ErrorPage says what failed and what to do next.
type ErrorPage struct {
	Frame
	Status    int
	Message   string        // for the user; empty: only what the status means
	Advice    string        // what to do next; empty: what fits the status
	Retry     time.Duration // when to try again; 0: not said
	RequestID string        // finds the request in the log; empty: not shown
}

func (*ErrorPage) template() string { return "error" }

// Heading is the status in words.
func (p *ErrorPage) Heading() string {
	switch p.Status {
	case http.StatusUnauthorized:
		return "Please sign in"
	case http.StatusForbidden:
		return "You may not do this"
	case http.StatusNotFound:
		return "Nothing is here"
	case http.StatusFailedDependency:
		return "The server is not running"
	case http.StatusTooManyRequests:
		return "Too busy right now"
	case http.StatusServiceUnavailable:
		return "Not available right now"
	case http.StatusInternalServerError:
		return "Something went wrong on our side"
	}
	if text := http.StatusText(p.Status); text != "" {
		return text
	}
	return "Something went wrong"
}

// Next is what to do now.
func (p *ErrorPage) Next() string {
	if p.Advice != "" {
		return p.Advice
	}
	switch p.Status {
	case http.StatusUnauthorized:
		return "Sign in, then open the page again."
	case http.StatusForbidden:
		return "Sign in with another account, or ask " + p.Contact + " for access."
	case http.StatusNotFound:
		return "Check the address for a typing error, or go on from your servers."
	case http.StatusMethodNotAllowed:
		return "Go back and use the buttons of the page."
	case http.StatusConflict:
		return "Reload the page: what you see may be out of date."
	case http.StatusFailedDependency:
		return "Start it from your servers, then open the page again."
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return "Try again " + p.when() + ". If it stays like this, tell " + p.Contact + "."
	}
	if p.Status >= http.StatusInternalServerError {
		return "Try again in a moment. If it happens again, tell " + p.Contact + " and give them the request id below."
	}
	return "Go back, correct what you entered, and try again."
}

func (p *ErrorPage) when() string {
	if p.Retry <= 0 {
		return "in a minute"
	}
	return "in " + span(p.Retry)
}
