// Package crash kills hubs. Its tests start real hub processes with real single-user processes, kill the hub with SIGKILL
// at every step of a start and of a stop, and look whether the next hub, or the other one, reaches what was wanted with
// nothing left over and nothing made twice.
package crash
