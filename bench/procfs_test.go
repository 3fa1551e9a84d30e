package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTree(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	if sleep, err = filepath.EvalSymlinks(sleep); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), sleep, "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	has := func(all []proc) bool {
		for _, p := range all {
			if p.pid == child.Process.Pid && p.parent == os.Getpid() && p.born > 0 {
				return true
			}
		}
		return false
	}
	if all := tree(os.Getpid(), ""); len(all) < 2 || all[0].pid != os.Getpid() || !has(all) {
		t.Errorf("the child is missing in %v", all)
	}
	if all := tree(os.Getpid(), sleep); has(all) {
		t.Errorf("the child is in %v, though its program is left out", all)
	}
	if got := resident(os.Getpid(), sleep); got < 1 || got > 10000 {
		t.Errorf("%g MiB resident", got)
	}
}
