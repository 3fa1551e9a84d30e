package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// The rows, by what they measure. Units are part of the name.
const (
	rowFirst      = "from exec to the first answer, empty database, ms"
	rowMemory     = "resident memory of hub and proxy then, MiB"
	rowUsers      = "users created by the API, 500 a request, /s"
	rowSignIn     = "sign-in (page, form, cookie), 8 clients, /s"
	rowOAuth      = "OAuth round trip (authorize, code, token, who am I), 8 clients, /s"
	rowWhoAmI     = "`GET /user` with a user's token, 16 connections, /s"
	rowOneUser    = "`GET /users/NAME`, 16 connections, /s"
	rowList       = "`GET /users?limit=200`, 4 connections, /s"
	rowActivity   = "`POST /users/NAME/activity`, 16 connections, /s"
	rowStarts     = "200 starts at once of a trivial process, s"
	rowStartsCPU  = "the same, CPU of hub and proxy, s"
	rowRestart    = "started again with all users and servers: to the first answer, ms"
	rowReady      = "from exec until every server is known to run, ms"
	rowBusyMemory = "resident memory of hub and proxy then, all servers running, MiB"
	rowAdmin      = "the administration's page with its first 50 users, 4 connections, /s"
	rowProxied    = "proxied requests, 64 connections, 1 KiB, /s"
	rowProxiedP99 = "the same, p99, ms"
	rowProxiedCPU = "the same, CPU of hub and proxy for each, µs"
)

// goal is the ratio, ours to JupyterHub's, that a row must reach: at least it, or at most it where less is better.
type goal struct {
	row   string
	ratio float64
	less  bool
}

var goals = []goal{
	{rowFirst, 1. / 30, true},
	{rowMemory, 1. / 4, true},
	{rowUsers, 50, false},
	{rowSignIn, 15, false},
	{rowOAuth, 40, false},
	{rowStarts, 1. / 3, true},
	{rowStartsCPU, 1. / 8, true},
	{rowProxied, 3.5, false},
	{rowProxiedP99, 1. / 2, true},
	{rowProxiedCPU, 25. / 109, true},
	{rowRestart, 1. / 30, true},
	{rowReady, 1. / 20, true},
	{rowBusyMemory, 1. / 4, true},
	{rowOneUser, 25, false},
	{rowList, 30, false},
	{rowAdmin, 15, false},
	{rowWhoAmI, 12, false},
	{rowActivity, 40, false},
}

// met says whether a ratio reaches the goal.
func (g goal) met(ratio float64) bool {
	if g.less {
		return ratio <= g.ratio
	}
	return ratio >= g.ratio
}

// show writes a ratio as the goal's direction asks for: 12 ×, or 1/12.
func (g goal) show(ratio float64) string {
	switch {
	case math.IsNaN(ratio):
		return ""
	case g.less && ratio < 1:
		return "1/" + short(1/ratio)
	default:
		return short(ratio) + " ×"
	}
}

// table gathers the rounds.
type table struct {
	size   size
	load   string               // of the machine by others, before the first round
	rounds map[string][]*result // by side
}

func newTable(s size) *table {
	text, _ := os.ReadFile("/proc/loadavg") // without it the table lacks a remark
	load, _, _ := strings.Cut(string(text), " ")
	return &table{size: s, load: load, rounds: map[string][]*result{}}
}

func (t *table) add(side string, got *result) { t.rounds[side] = append(t.rounds[side], got) }

// median is the middle of what a side showed in a row over its rounds; NaN if it was never measured.
func (t *table) median(side, row string) float64 {
	var all []float64
	for _, r := range t.rounds[side] {
		if v, ok := r.values[row]; ok {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return math.NaN()
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// markdown is the table with a line about where it comes from.
func (t *table) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "JupyterHub 6.1.1 with configurable-http-proxy 5.3.0 and SQLite, beside berdlhub, from one configuration file. "+
		"Medians of %d round(s), %d users, in the last eight rows %d servers, %s a row, %d CPUs, load %s before, %s. Only the ratios say something.\n\n",
		t.size.rounds, t.size.users, t.size.servers, t.size.spell, runtime.NumCPU(), t.load, time.Now().UTC().Format(time.RFC3339))
	b.WriteString("| | JupyterHub | berdlhub | ratio | goal | met |\n|---|--:|--:|--:|--:|---|\n")
	for _, g := range goals {
		theirs, ours := t.median(jupyterhub, g.row), t.median(berdlhub, g.row)
		ratio := ours / theirs
		sign := "≥ "
		if g.less {
			sign = "≤ "
		}
		met := "**no**"
		switch {
		case math.IsNaN(ratio):
			met = "not measured"
		case g.met(ratio):
			met = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s%s | %s |\n", g.row, number(theirs), number(ours), g.show(ratio), sign, g.show(g.ratio), met)
	}
	return b.String()
}

// publish writes the table to out and to file. The error names the rows that could not be measured.
func (t *table) publish(out io.Writer, file string) error {
	text := t.markdown()
	fmt.Fprint(out, text)
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	var faults []error
	for _, side := range []string{jupyterhub, berdlhub} {
		for n, r := range t.rounds[side] {
			if err := r.faults(); err != nil {
				faults = append(faults, fmt.Errorf("%s, round %d: %w", side, n+1, err))
			}
		}
	}
	return errors.Join(faults...)
}

// number writes v with three digits that count, and none after the point from 100 on.
func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// short is number without zeros at the end that say nothing.
func short(v float64) string {
	text := number(v)
	if strings.Contains(text, ".") {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text
}
