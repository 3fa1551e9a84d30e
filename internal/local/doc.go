// Package local serves a hub on one machine: servers are ordinary processes of that machine, and people sign in by name.
//
// The processes outlive the hub. A run is found again by what was kept about it (process id, start time, boot of the machine) or, when
// the hub died before it could keep that, by a mark in the process's environment. A process is watched and signalled through a pidfd,
// so that a process id that was given to another process meanwhile is never touched. The package needs Linux 5.10 or later.
package local
