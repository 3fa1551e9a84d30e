// Package e2e holds the tests with real parts: the program berdlhub as a process, single-user servers of JupyterHub 5 and 6
// with JupyterLab, PostgreSQL, JupyterHub itself, and a person at Chromium. They have the build tag e2e: make e2e.
package e2e
