package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

func TestProfileIsOfThisCodeAndNoMachine(t *testing.T) {
	f, err := os.Open("../../../examples/inventory/default.pgo")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	if text := p.String(); strings.Contains(text, "/tmp") || strings.Contains(text, "/home") {
		t.Error("the profile has paths: make pgo writes one without")
	}
	const engine = "github.com/streamweir/streamweir/internal/task.(*Task).Process"
	var found, lines bool
	for _, fn := range p.Function {
		found = found || fn.Name == engine
	}
	for _, l := range p.Location {
		for _, line := range l.Line {
			lines = lines || line.Line > 0 && line.Function.StartLine > 0
		}
	}
	if !found || !lines {
		t.Errorf("the profile has no %s, or no lines, and is of no use: make pgo", engine)
	}
}
