package conformance

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var scenarios = flag.String("scenarios", "", "run the scenarios of this folder instead of testdata")

// What the run came to, for the summary, which is the last line.
var equal, divergent int

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if equal+divergent > 0 {
		fmt.Printf("conformance: %d scenarios, %d equal, %d divergent\n", equal+divergent, equal, divergent)
	}
	os.Exit(code)
}

// TestScenarios runs every scenario and compares what comes of it with what Kafka
// Streams made of it. With -scenarios it does so for any folder, whose scenarios
// may use what the library does not have yet; -v shows the summary also if all are
// equal.
func TestScenarios(t *testing.T) {
	dir := *scenarios
	if dir == "" {
		dir = "testdata"
	}
	all, err := files(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		reason, listed := check(file), divergences[name]
		switch {
		case reason == refused:
			divergent++
			t.Logf("%s: %s", name, reason)
		case reason == "" && listed == "":
			equal++
		case reason == "":
			divergent++
			t.Errorf("%s: is listed as a divergence, but is equal", name)
		case listed != "":
			divergent++
			t.Logf("%s: diverges on purpose: %s", name, listed)
		default:
			divergent++
			t.Errorf("%s: %s", name, reason)
		}
	}
}

// TestDivergencesExist keeps the list free of names that no scenario has.
func TestDivergencesExist(t *testing.T) {
	if len(divergences) > 10 {
		t.Errorf("%d divergences are listed, ten are the limit", len(divergences))
	}
	for name := range divergences {
		if _, err := os.Stat(filepath.Join("testdata", name+".json")); err != nil {
			t.Errorf("divergence %q: %v", name, err)
		}
	}
}

// refused is the reason of scenarios whose stores keep headers with values.
const refused = "refused by an error of Build: dsl.store.format HEADERS is not supported"

// check returns why a scenario differs from its golden, "" if it does not.
func check(file string) string {
	s, golden, err := load(file)
	if err != nil {
		return err.Error()
	}
	got, err := Run(s)
	if err != nil {
		return err.Error()
	}
	run, err := parse(got)
	if err != nil {
		return err.Error()
	}
	if s.refused() && strings.Contains(string(got), `"phase":"build"`) {
		return refused
	}
	return difference(golden, run)
}
