package service

import (
	"slices"
	"time"
)

// Status is how a service is doing, as this replica sees it.
type Status struct {
	Command  []string  // what runs it; nil: the hub does not
	PID      int       // its process; 0: none on this replica
	Healthy  bool      // it answers, or for a service without an address: its process lives here
	Checked  bool      // Healthy was found out; false: nobody has looked yet
	Since    time.Time // since when Healthy has been what it is
	Restarts int       // how often its process has ended and was started again here
}

// Status says how a service is doing; false when it is not known. A service that only calls the hub and is run elsewhere has none.
func (m *Supervisor) Status(name string) (Status, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.status[name]
	if s == nil {
		return Status{}, false
	}
	out := *s
	out.Command = slices.Clone(s.Command)
	return out, true
}

// Managed gives the command of a service that the hub runs, and its process id on this replica. JupyterHub REST API: command and pid
// of the service model.
func (m *Supervisor) Managed(name string) (command []string, pid int) {
	s, _ := m.Status(name)
	return s.Command, s.PID
}

// note changes a service's status.
func (m *Supervisor) note(name string, change func(*Status)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.status[name]
	if s == nil {
		s = &Status{Since: time.Now()}
		m.status[name] = s
	}
	change(s)
}

// health sets whether a service is well, and says whether that is news.
func (s *Status) health(well bool) (news bool) {
	news = !s.Checked || s.Healthy != well
	if news {
		s.Healthy, s.Checked, s.Since = well, true, time.Now()
	}
	return news
}
