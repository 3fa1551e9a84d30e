package web

import (
	"html/template"
	"strings"

	"berdlhub/internal/hub"
)

// SpawnPage asks for the options of a start.
type SpawnPage struct {
	Frame
	Key    hub.ServerKey
	Next   string
	Error  string        // why the last try failed; empty: there was none
	Fields []OptionField // what to choose
	// OperatorHTML is the options_form of the configuration, shown as it is: it comes from the operator, never from a user.
	// Scripts and styles inside it are blocked by the pages' content security policy.
	OperatorHTML string
}

func (*SpawnPage) template() string { return "spawn" }

// Action is where the form goes.
func (p *SpawnPage) Action() string {
	return p.HubPath + "spawn/" + serverPath(p.Key) + nextQuery(p.Next)
}

// OperatorForm is OperatorHTML for the template.
func (p *SpawnPage) OperatorForm() template.HTML {
	return template.HTML(p.OperatorHTML) //nolint:gosec // configuration of the operator, see the field
}

// Foreign says that the server belongs to somebody else than who is looking.
func (p *SpawnPage) Foreign() bool { return p.Key.User != p.User }

// OptionField is one field of the options form.
type OptionField struct {
	Name     string // name in the form, for example profile
	Label    string
	Help     string
	Kind     string // radio, select, checkbox, number or text; empty means text
	Choices  []Choice
	Value    string
	Checked  bool
	Required bool
	Min, Max string // bounds of a number; empty: none
}

// PendingPage shows a start in progress.
type PendingPage struct {
	Frame
	Key         hub.ServerKey
	Next        string      // where to go when it is ready; empty: to the server
	Events      []hub.Event // the story so far
	QueuePlace  int         // place in the queue, from 1; 0: not queued
	QueueLength int
}

func (*PendingPage) template() string { return "spawn_pending" }

// Progress is how far the start is, in percent.
func (p *PendingPage) Progress() int {
	if len(p.Events) == 0 {
		return 0
	}
	return p.Events[len(p.Events)-1].Progress
}

// Latest is what happened last.
func (p *PendingPage) Latest() string {
	if len(p.Events) == 0 {
		return "Your server is asked for."
	}
	return p.Events[len(p.Events)-1].Message
}

// ProgressURL is the event stream of the start. JupyterHub REST API: GET /users/{name}/server/progress.
func (p *PendingPage) ProgressURL() string {
	user, server, named := strings.Cut(serverPath(p.Key), "/")
	if named {
		return p.HubPath + "api/users/" + user + "/servers/" + server + "/progress"
	}
	return p.HubPath + "api/users/" + user + "/server/progress"
}

// Action is where the stop button's form goes.
func (p *PendingPage) Action() string { return p.HubPath + "stop/" + serverPath(p.Key) }

// StopPendingPage shows a stop in progress.
type StopPendingPage struct {
	Frame
	Key  hub.ServerKey
	Next string // where the user wanted to go; empty: nowhere
}

func (*StopPendingPage) template() string { return "stop_pending" }

// NotRunningPage says that a server is not running, why if it is known, and offers to start it.
type NotRunningPage struct {
	Frame
	Key             hub.ServerKey
	Next            string
	Failed          bool     // the last start failed, or the server died
	Reason          string   // why, for a person
	Log             []string // last lines of its log
	HasOptions      bool     // a start asks for options first
	ImplicitSeconds int      // starts by itself after so many seconds; 0: never. Not used after a failure.
}

func (*NotRunningPage) template() string { return "not_running" }

// Action is where to start: the address of the form, or of the options page.
func (p *NotRunningPage) Action() string {
	return p.HubPath + "spawn/" + serverPath(p.Key) + nextQuery(p.Next)
}

// Implicit is how many seconds until the server starts by itself; 0: it does not.
func (p *NotRunningPage) Implicit() int {
	if p.Failed {
		return 0
	}
	return p.ImplicitSeconds
}

// Foreign says that the server belongs to somebody else than who is looking.
func (p *NotRunningPage) Foreign() bool { return p.Key.User != p.User }
