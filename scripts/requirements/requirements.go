// Package requirements holds the pinned Python packages of the environments that tests, benchmarks and `berdlhub dev` run.
package requirements

import _ "embed"

// Hub6 pins JupyterHub 6.1 with JupyterLab, in pip's requirements form: what a single-user server needs.
//
//go:embed hub6.txt
var Hub6 []byte
