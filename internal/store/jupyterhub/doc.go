// Package jupyterhub reads the database of a JupyterHub, without ever writing to it.
//
// It knows the tables of JupyterHub 4 to 6.1, by the names of their columns: an upgraded database has them in another order than a new one.
// What a column cannot hold (text that is no JSON, a date that is none) is reported as a Fault and read as missing.
package jupyterhub
