package hub

import "time"

// Level is how grave an event is.
type Level string

// The levels of an event.
const (
	Info    Level = "info"
	Warning Level = "warning"
	Problem Level = "error"
)

// Event is what happened in a run, in a person's words.
type Event struct {
	RunID    string
	Seq      int64 // grows within a run, from 1
	Time     time.Time
	Progress int // percent, 0 to 100
	Message  string
	Level    Level
	Final    Outcome // empty while the run goes on
	URL      string  // with Final ready: where the server is
}

// Outcome ends a story of events.
type Outcome string

// The ways a start can end.
const (
	OutcomeReady  Outcome = "ready"
	OutcomeFailed Outcome = "failed"
)
