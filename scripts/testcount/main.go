// Command testcount reads the output of `go test -json` on standard input, shows
// what failed with its output, and counts the tests of one tier. It fails if a
// test failed, if one skipped that may not, if none ran or if the run was slow.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

func main() {
	tier := flag.String("tier", "tests", "name of the tier in the last line")
	limit := flag.Duration("limit", 0, "longest time the run may take; 0 for no limit")
	skips := flag.String("skips", "", "file of tests that may skip: package, test and reason on each line")
	tally := flag.String("tally", "", "file to write the counts to: passed failed skipped seconds")
	log := flag.String("log", "", "file to keep the whole input in")
	flag.Parse()

	ok, err := run(*tier, *limit, *skips, *tally, *log)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testcount:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// run reads standard input to its end and tells whether the tier is green.
func run(tier string, limit time.Duration, skips, tally, log string) (bool, error) {
	allowed, err := readSkips(skips)
	if err != nil {
		return false, err
	}
	kept := io.Discard
	if log != "" {
		f, err := os.Create(log)
		if err != nil {
			return false, fmt.Errorf("keep the input: %w", err)
		}
		defer f.Close()
		kept = f
	}
	count := newCount(allowed, os.Stdout)
	start := time.Now()
	lines := bufio.NewReader(io.TeeReader(os.Stdin, kept))
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			count.line(line)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return false, fmt.Errorf("read the test output: %w", err)
		}
	}
	took := time.Since(start)
	count.end()
	if limit > 0 && took > limit {
		count.failed++
		fmt.Printf("%s: took %.1fs, may take %.0fs: make the slowest tests faster\n", tier, took.Seconds(), limit.Seconds())
	}
	if count.passed+count.failed == 0 {
		count.failed++
		fmt.Printf("%s: ran no test\n", tier)
	}
	fmt.Printf("%s: %d passed, %d failed, %d skipped in %.1fs\n", tier, count.passed, count.failed, count.skipped, took.Seconds())
	if tally != "" {
		text := fmt.Sprintf("%d %d %d %.1f\n", count.passed, count.failed, count.skipped, took.Seconds())
		if err := os.WriteFile(tally, []byte(text), 0o644); err != nil {
			return false, fmt.Errorf("write the counts: %w", err)
		}
	}
	return count.failed == 0, nil
}

// readSkips reads the tests that may skip, as "package test".
func readSkips(path string) (map[string]bool, error) {
	allowed := map[string]bool{}
	if path == "" {
		return allowed, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tests that may skip: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 3 {
			return nil, fmt.Errorf("%s: %q: say package, test and reason", path, strings.TrimSpace(line))
		}
		allowed[fields[0]+" "+fields[1]] = true
	}
	return allowed, nil
}
