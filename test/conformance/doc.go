// Package conformance holds the proof that berdlhub answers as JupyterHub does: lists of requests (steps/) that are made, step by
// step, of JupyterHub 6.1.1 and of berdlhub with the same configuration file, and whose answers are compared. The differences
// that are wanted are in differences.txt, each with its reason; any other difference fails the tests, and so does a wanted one
// that is no longer there. The tests have the build tag e2e: make conformance.
package conformance
