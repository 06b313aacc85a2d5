package cases

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

var from = flag.String("cases", "", "run the cases of this file or folder instead of testdata")

// kinds holds what is checked of the cases of each kind.
var kinds = map[string][]check{
	"schema":  {checkSchema},
	"compat":  {checkModes},
	"resolve": {checkVerdict, resolution},
	"data":    {data},
	"hostile": {hostile},
}

// check says in which way the case differs from its golden line, "" if it does
// not. A case that it has nothing to say about is equal.
type check func(c *testCase, golden json.RawMessage) (difference string)

// testCase is a line of cases.
type testCase struct {
	ID, Kind, About        string
	Schema, Writer, Reader json.RawMessage
	SchemaText             *string
	WriterText, ReaderText *string
	Schemas, Values        []json.RawMessage
	Hex                    json.RawMessage // a text, or a list of them
	Repeat                 [][2]json.RawMessage
	Want                   string
	Lax, Deviates          bool
	Golden                 json.RawMessage `json:"-"`
}

// What the run came to, for the summary, which is the last line.
var equal, divergent int

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if equal+divergent > 0 {
		fmt.Printf("avro: %d cases, %d equal, %d divergent\n", equal+divergent, equal, divergent)
	}
	os.Exit(code)
}

// TestCases runs every case. A difference that is not listed with its reason is
// a failure, and so is a listed one that is gone.
func TestCases(t *testing.T) {
	where := *from
	if where == "" {
		where = "testdata"
	}
	ids := map[string]bool{}
	for _, name := range files(t, where) {
		for _, c := range load(t, name) {
			if ids[c.ID] {
				t.Errorf("%s: %s is there twice", name, c.ID)
			}
			ids[c.ID] = true
			judge(t, c)
		}
	}
	if equal+divergent == 0 {
		t.Errorf("%s: no cases", where)
	}
	if *from == "" {
		for id := range divergences {
			if !ids[id] {
				t.Errorf("%s is listed as a divergence and is no case", id)
			}
		}
	}
}

func judge(t *testing.T, c *testCase) {
	difference := run(c)
	reason := divergences[c.ID]
	if reason == "" && difference != "" {
		reason = onPurpose(c, difference)
	}
	switch {
	case difference == "" && reason == "":
		equal++
	case difference == "":
		divergent++
		t.Errorf("%s: is listed as a divergence, but is equal", c.ID)
	case reason != "":
		divergent++
		t.Logf("%s: diverges on purpose: %s", c.ID, reason)
	default:
		divergent++
		t.Errorf("%s (%s; deviates %v): %s", c.ID, c.About, c.Deviates, difference)
	}
}

func run(c *testCase) string {
	checks, ok := kinds[c.Kind]
	if !ok {
		return fmt.Sprintf("kind %q is unknown", c.Kind)
	}
	var all []string
	for _, check := range checks {
		if difference := check(c, c.Golden); difference != "" {
			all = append(all, difference)
		}
	}
	return strings.Join(all, "\n")
}

// files lists the files of cases, in a folder and those below.
func files(t *testing.T, where string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(where, func(name string, d fs.DirEntry, err error) error {
		isCases := strings.HasSuffix(name, ".jsonl") && !strings.HasSuffix(name, ".golden.jsonl")
		if err == nil && !d.IsDir() && (isCases || name == where) {
			list = append(list, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func load(t *testing.T, name string) []*testCase {
	t.Helper()
	texts, goldens := lines(t, name), lines(t, strings.TrimSuffix(name, ".jsonl")+".golden.jsonl")
	if len(texts) != len(goldens) {
		t.Fatalf("%s: %d cases with %d golden lines", name, len(texts), len(goldens))
	}
	list := make([]*testCase, len(texts))
	for i, text := range texts {
		c := &testCase{Golden: goldens[i]}
		var g struct{ ID string }
		if err := json.Unmarshal(text, c); err != nil {
			t.Fatalf("%s:%d: %v", name, i+1, err)
		}
		if err := json.Unmarshal(goldens[i], &g); err != nil {
			t.Fatalf("%s:%d: golden: %v", name, i+1, err)
		}
		if g.ID != c.ID {
			t.Fatalf("%s:%d: case %s has the golden of %s", name, i+1, c.ID, g.ID)
		}
		list[i] = c
	}
	return list
}

func lines(t *testing.T, name string) (list [][]byte) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<26)
	for s.Scan() {
		list = append(list, bytes.Clone(s.Bytes()))
	}
	if err := s.Err(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return list
}

// text is the text of a schema, which stands in the line as it is, or as a text.
func text(raw json.RawMessage, quoted *string) string {
	if quoted != nil {
		return *quoted
	}
	return string(raw)
}

// schema, writer and reader parse the case's schemas, without validation if
// the case is lax.
func (c *testCase) schema() (*avsc.Schema, error) { return c.parse(text(c.Schema, c.SchemaText)) }
func (c *testCase) writer() (*avsc.Schema, error) { return c.parse(text(c.Writer, c.WriterText)) }
func (c *testCase) reader() (*avsc.Schema, error) { return c.parse(text(c.Reader, c.ReaderText)) }

func (c *testCase) parse(text string) (*avsc.Schema, error) {
	if c.Lax {
		return avsc.ParseStored(text)
	}
	return avsc.Parse(text)
}
