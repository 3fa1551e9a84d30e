// Command bench measures berdlhub beside JupyterHub with configurable-http-proxy, both started from one configuration file, and prints one table of ratios.
//
// Only ratios of one run say something: client, proxy, hub and servers share the machine. Each round starts a side on an
// empty database in a temporary folder, measures every row, and ends all that it started.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"
)

// size is how much is measured.
type size struct {
	rounds  int
	users   int           // created through the API in each round
	servers int           // running when the rows of a busy hub are measured
	spell   time.Duration // how long a row of requests is measured
	starts  int           // servers started at once
}

// resultFile is where the table goes besides standard output, relative to the project's root.
const resultFile = "out/bench/latest.md"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	s := size{spell: 5 * time.Second, starts: 200}
	quick := flags.Bool("quick", false, "one round of short rows with 500 users and 250 servers, unless other flags say otherwise")
	flags.IntVar(&s.rounds, "rounds", 3, "rounds; the table shows medians")
	flags.IntVar(&s.users, "users", 10000, "users created through the API in each round, at least 200")
	flags.IntVar(&s.servers, "servers", 1000, "servers running when a busy hub is measured, from 208 to the number of users")
	only := flags.String("only", "", "measure one side only: jupyterhub or berdlhub")
	hub := flags.String("berdlhub", "", "the berdlhub program to measure; empty: build it from this tree")
	_ = flags.Parse(args) // ends the program on a fault
	if *quick {
		s = s.quick(flags)
	}
	if s.rounds < 1 || s.servers < warm+s.starts || s.users < s.servers {
		return fmt.Errorf("-rounds must be at least 1, -servers at least %d and -users no less than -servers, not %d, %d and %d", warm+s.starts, s.rounds, s.servers, s.users)
	}
	debug.SetGCPercent(400) // the client shares the machine with what it measures

	work, err := os.MkdirTemp("", "berdlhub-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	sides, err := findSides(ctx, work, *hub, *only)
	if err != nil {
		return err
	}
	t := newTable(s)
	for n := range s.rounds {
		for _, side := range sides {
			started := time.Now()
			got := measure(ctx, side, filepath.Join(work, fmt.Sprintf("%s-%d", side.name, n)), s)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			t.add(side.name, got)
			fmt.Fprintf(os.Stderr, "round %d of %d: %s took %.0f s\n", n+1, s.rounds, side.name, time.Since(started).Seconds())
		}
	}
	return t.publish(os.Stdout, resultFile)
}

// quick is s with short rows; what was asked for by a flag of its own stays.
func (s size) quick(flags *flag.FlagSet) size {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if !given["rounds"] {
		s.rounds = 1
	}
	if !given["users"] {
		s.users = 500
	}
	if !given["servers"] {
		s.servers = 250
	}
	s.spell = time.Second
	return s
}
