// Package spawn owns the life of a server: it makes what the database says is wanted.
//
// Nobody drives a start or a stop. A request writes a wish into the server's row and returns; a loop on any
// replica claims the row for a short time and takes the next step. Each thing that a run owns outside of the
// servers table is written into the run's journal as planned before it is made and as made with its identity
// after, and every step may be repeated, so a hub that is killed at any instant is continued by whoever claims
// the row next.
//
//	           ask start              answers HTTP
//	stopped ─────────────▶ starting ─────────────▶ ready
//	   ▲      (queued)        │ error, time-out       │ ask stop, cull,
//	   │                      ▼ ask stop              ▼ process gone
//	   └──journal empty── stopping ◀─────────────────-┘
//	failed ◀──journal empty, the start had an error──┘
//
// A start goes: token, OAuth client, provisioners, process, answer over HTTP, ready. A stop goes the same way
// backwards; the route is gone first, because routes are read from the rows that are ready.
package spawn
