package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc, the same on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// proc is a process as /proc shows it.
type proc struct {
	pid, parent int
	cpu         time.Duration // its own, without children that have ended
	born        uint64        // in ticks since the machine's start; tells processes of one id apart
}

// readProc reads /proc/PID/stat.
func readProc(pid int) (proc, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return proc{}, err
	}
	// The name in parentheses may hold anything, even parentheses.
	_, rest, _ := strings.Cut(string(text[bytes.LastIndexByte(text, ')')+1:]), " ")
	f := strings.Fields(rest) // from field 3 of proc(5) on
	if len(f) < 20 {
		return proc{}, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(f)+2)
	}
	number := func(n int) uint64 {
		v, _ := strconv.ParseUint(f[n-3], 10, 64)
		return v
	}
	return proc{
		pid: pid, parent: int(number(4)), born: number(22), //nolint:gosec // process ids are small
		cpu: time.Duration(number(14)+number(15)) * tick, //nolint:gosec // so are CPU times
	}, nil
}

// tree is the process pid and all that descend from it, without the trees whose program is not wanted.
func tree(pid int, without string) []proc {
	children := map[int][]proc{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, err := readProc(id); err == nil {
			children[p.parent] = append(children[p.parent], p)
		}
	}
	root, err := readProc(pid)
	if err != nil {
		return nil
	}
	found := []proc{root}
	for i := 0; i < len(found); i++ {
		for _, p := range children[found[i].pid] {
			if program, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.pid)); program != without {
				found = append(found, p)
			}
		}
	}
	return found
}

// cpuTime is what a tree of processes has used of the CPUs.
func cpuTime(pid int, without string) time.Duration {
	var sum time.Duration
	for _, p := range tree(pid, without) {
		sum += p.cpu
	}
	return sum
}

// resident is the resident memory of a tree of processes, in MiB.
func resident(pid int, without string) float64 {
	var kib int
	for _, p := range tree(pid, without) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
				kib += n
			}
		}
	}
	return float64(kib) / 1024
}
