package local

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The marks in the environment of a server and of all that it starts.
const (
	runMark = "BERDLHUB_RUN"
	hubMark = "BERDLHUB_HUB"
)

// stat is what /proc says about a process.
type stat struct {
	pid, parent, group, session int

	state byte
	start uint64 // clock ticks since the machine's boot
}

func bootID() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read the id of the machine's boot: servers as local processes need Linux with /proc: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, fmt.Errorf("look at process %d: %w", pid, err)
	}
	return parseStat(pid, text)
}

// parseStat reads /proc/PID/stat. The program's name may hold spaces and brackets, so the fields are counted from the last bracket.
func parseStat(pid int, text []byte) (stat, error) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 || len(fields[0]) != 1 {
		return stat{}, fmt.Errorf("look at process %d: its stat has %d fields", pid, len(fields))
	}
	parent, err1 := strconv.Atoi(string(fields[1]))
	group, err2 := strconv.Atoi(string(fields[2]))
	session, err3 := strconv.Atoi(string(fields[3]))
	start, err4 := strconv.ParseUint(string(fields[19]), 10, 64)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return stat{}, fmt.Errorf("look at process %d: %w", pid, err)
	}
	return stat{pid: pid, parent: parent, group: group, session: session, state: fields[0][0], start: start}, nil
}

// environment is the environment that a process was started with, as NAME=value texts; nil when it cannot be read.
type environment []string

func environ(pid int) environment {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return nil
	}
	return strings.Split(string(text), "\x00")
}

func (e environment) get(name string) string {
	for _, pair := range e {
		if value, found := strings.CutPrefix(pair, name+"="); found {
			return value
		}
	}
	return ""
}

// readable tells whether anything of the environment is left; a program that changes its title overwrites it.
func (e environment) readable() bool {
	return slices.ContainsFunc(e, variable.MatchString)
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// scan looks at every living process of the machine. It costs some 30 µs for each, so it stays off the ordinary path.
func scan(match func(stat, environment) bool) ([]stat, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var found []stat
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		s, err := readStat(pid)
		if err != nil || s.state == 'Z' || s.state == 'X' { // gone meanwhile
			continue
		}
		if match(s, environ(pid)) {
			found = append(found, s)
		}
	}
	return found, nil
}
