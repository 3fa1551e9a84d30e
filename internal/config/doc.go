// Package config reads what an operator configured (JupyterHub's file form in JSON or YAML, the environment, the command line)
// into one typed Config, and says everything that is wrong with it at once.
//
// Three places are read, and a later one wins: the file, the environment (names in environmentNames), the command line. Whatever the
// place, a setting belongs to a trait of a class, as in JupyterHub; a class has its parents' traits, and among the classes of one line
// (Spawner, LocalProcessSpawner, SimpleLocalProcessSpawner) the setting of the most specific class counts.
//
// The trait table (traits.go and traits_*.go) is the one source for checking, defaults and documentation. Python is never run.
package config
