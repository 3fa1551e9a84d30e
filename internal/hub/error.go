package hub

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Code says what kind of failure an Error is. The faces map it to an HTTP status.
type Code string

// The codes of an Error, with the HTTP status that each becomes.
const (
	Invalid      Code = "invalid"       // 400: the request is wrong and will stay wrong
	Unauthorized Code = "unauthorized"  // 401: nobody is signed in, or the proof is not valid
	Forbidden    Code = "forbidden"     // 403: known, but may not
	NotFound     Code = "not_found"     // 404: no such thing, or not for this caller
	Conflict     Code = "conflict"      // 409: exists already, or is in the way
	TooMany      Code = "too_many"      // 429: a limit is reached; try later
	Unavailable  Code = "unavailable"   // 503: an outside party does not answer; try later
	NotRunning   Code = "not_running"   // 424: the server that is asked for is not running
	Internal     Code = "internal"      // 500: our own fault; the text never reaches a user
	Unsupported  Code = "unsupported"   // 405: the method does not exist here
	Unprocessed  Code = "unprocessable" // 422: well-formed, but it cannot be meant
)

// Error is a failure with a message that the user may read and, beneath it, the cause for the operator.
type Error struct {
	Code    Code
	Message string        // for the user; never holds a secret
	Err     error         // the cause, for the log; may be nil
	Retry   time.Duration // with TooMany and Unavailable: when to try again; 0 means unsaid
}

// Error gives the message and the cause, for the log.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	if e.Message == "" {
		return e.Err.Error()
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error. A %w verb in the format keeps the cause for errors.Is and errors.As,
// but everything formatted becomes part of the message that the user reads; use Wrap to keep a cause from the user.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Wrap makes an Error with a message for the user and a cause that only the log shows.
func Wrap(code Code, err error, message string) *Error {
	return &Error{Code: code, Message: message, Err: err}
}

// CodeOf finds the code of an error; Internal when it carries none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// MessageOf finds the text that a user may read; the empty string when there is none.
func MessageOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Code != Internal {
		return e.Message
	}
	return ""
}

// Status gives the HTTP status of a code.
func (c Code) Status() int {
	switch c {
	case Invalid:
		return http.StatusBadRequest
	case Unauthorized:
		return http.StatusUnauthorized
	case Forbidden:
		return http.StatusForbidden
	case NotFound:
		return http.StatusNotFound
	case Conflict:
		return http.StatusConflict
	case TooMany:
		return http.StatusTooManyRequests
	case Unavailable:
		return http.StatusServiceUnavailable
	case NotRunning:
		return http.StatusFailedDependency
	case Unsupported:
		return http.StatusMethodNotAllowed
	case Unprocessed:
		return http.StatusUnprocessableEntity
	default:
		return http.StatusInternalServerError
	}
}
