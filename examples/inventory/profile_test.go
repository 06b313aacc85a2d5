package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cpu.prof")
	stop, err := profileTo(path)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("no profile was written: %v, %v", info, err)
	}
	if _, err := profileTo(filepath.Join(path, "no-folder")); err == nil || !strings.Contains(err.Error(), "no-folder") {
		t.Errorf("a profile in a file that cannot be made: %v", err)
	}
}
