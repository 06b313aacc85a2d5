package cases

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/avrogen"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/resolve"
)

const (
	perPackage = 150 // schemas in one package of generated code
	manyTypes  = 500 // of more than these the code is not optimised, which takes minutes
)

// probe is bytes for the generated code of a schema, and what must come of them.
type probe struct {
	of     *testCase
	schema *avsc.Schema
	typ    int    // which generated type
	data   []byte // in schema
	left   int    // bytes that are not to be read
	fail   bool   // must not be read
	either bool   // may be read or not
	java   []byte // what Java writes of it, nil if that is not known
}

// answer is what the generated code makes of a probe.
type answer struct {
	Out       []byte
	Left      int
	Error     string
	Allocated uint64
}

// TestGeneratedCode makes Go types of the schemas of all cases, builds them and gives
// them the cases' bytes: what is read and written again must be the same, or an error
// where Java has one. Bytes of another schema are resolved before.
func TestGeneratedCode(t *testing.T) {
	where := *from
	if where == "" {
		where = "testdata"
	}
	g := generated{types: map[string]int{}, refused: map[string]string{}, module: t.TempDir()}
	for _, name := range files(t, where) {
		for _, c := range load(t, name) {
			if err := g.add(c); err != nil {
				t.Errorf("%s: %v", c.ID, err)
			}
		}
	}
	if len(g.probes) == 0 {
		return // cases of schemas alone
	}
	answers := g.run(t)
	differences := map[string]string{}
	for i, p := range g.probes {
		if d := p.difference(answers[i]); differences[p.of.ID] == "" {
			differences[p.of.ID] = d
		}
	}
	equal, divergent := 0, 0
	for _, p := range g.probes {
		d, ok := differences[p.of.ID]
		delete(differences, p.of.ID)
		switch {
		case !ok:
		case d == "":
			equal++
		default:
			divergent++
			if divergences[p.of.ID] == "" && onPurpose(p.of, d) == "" {
				t.Errorf("%s (%s): %s", p.of.ID, p.of.About, d)
			}
		}
	}
	for text, why := range g.refused {
		t.Logf("not generated: %s: %s", text, why)
	}
	fmt.Printf("avro, generated code: %d types, %d cases, %d equal, %d divergent; %d schemas are refused\n",
		len(g.code), equal+divergent, equal, divergent, len(g.refused))
}

type generated struct {
	module  string
	types   map[string]int    // by text
	refused map[string]string // text and why
	code    [][]byte          // per type
	probes  []probe
}

// typ generates code for a schema's text. The value is the only field of a record, which
// adds no bytes.
func (g *generated) typ(text string) (number int, ok bool, err error) {
	if n, ok := g.types[text]; ok {
		return n, true, nil
	}
	if _, ok := g.refused[text]; ok {
		return 0, false, nil
	}
	n := len(g.code)
	files, err := avrogen.Generate([]avrogen.Source{{Name: fmt.Sprintf("type%d.avsc", n),
		Text: `{"type":"record","name":"Root__","fields":[{"name":"value","type":` + text + `}]}`}},
		avrogen.Config{Package: fmt.Sprintf("p%d", n/perPackage), Raw: true, Prefix: fmt.Sprintf("T%d_", n)})
	if err != nil {
		g.refused[text] = err.Error()
		if s, parseErr := avsc.Parse(text); parseErr == nil && allHaveValues(s) && !strings.Contains(err.Error(), "default") {
			return 0, false, err
		}
		return 0, false, nil
	}
	g.types[text] = n
	g.code = append(g.code, files[0].Code)
	return n, true, nil
}

func allHaveValues(s *avsc.Schema) bool {
	for _, t := range s.Types() {
		if !t.HasValue() {
			return false
		}
	}
	return s.HasValue()
}

func (g *generated) add(c *testCase) error {
	switch c.Kind {
	case "data":
		return g.addData(c)
	case "resolve":
		return g.addResolve(c)
	case "hostile":
		return g.addHostile(c)
	}
	return nil
}

func (g *generated) addData(c *testCase) error {
	s, err := c.schema()
	if err != nil {
		return err
	}
	n, ok, err := g.typ(text(c.Schema, c.SchemaText))
	if !ok {
		return err
	}
	var golden struct{ Results []dataResult }
	if err := json.Unmarshal(c.Golden, &golden); err != nil {
		return err
	}
	for i, want := range golden.Results {
		p := probe{of: c, schema: s, typ: n, left: want.Left}
		if i < len(c.Values) {
			if want.Error != nil {
				continue // there are no bytes
			}
			p.data = unhex(want.Hex)
			p.java = p.data
		} else {
			p.data, p.fail = unhex(c.hex(i)), want.Error != nil
			p.java = p.data[:len(p.data)-p.left]
			if want.Rewritten != nil {
				p.java = unhex(*want.Rewritten)
			}
		}
		g.probes = append(g.probes, p)
	}
	return nil
}

func (g *generated) addResolve(c *testCase) error {
	w, err := c.writer()
	if err != nil {
		return err
	}
	r, err := c.reader()
	if err != nil {
		return err
	}
	plan, err := resolve.New(w, r, resolve.Options{})
	if err != nil {
		return nil // there is nothing to read
	}
	n, ok, err := g.typ(text(c.Reader, c.ReaderText))
	if !ok {
		return err
	}
	var golden struct{ Results []readResult }
	if err := json.Unmarshal(c.Golden, &golden); err != nil {
		return err
	}
	for i, want := range golden.Results {
		if want.Hex == "" {
			want.Hex = c.hex(i)
		}
		if data, _, err := plan.Append(nil, unhex(want.Hex)); err == nil {
			g.probes = append(g.probes, probe{of: c, schema: r, typ: n, data: data})
		}
	}
	return nil
}

func (g *generated) addHostile(c *testCase) error {
	name, quoted := c.Schema, c.SchemaText
	if name == nil && quoted == nil {
		name, quoted = c.Writer, c.WriterText
	}
	s, err := c.parse(text(name, quoted))
	if err != nil {
		return err
	}
	n, ok, err := g.typ(text(name, quoted))
	if !ok {
		return err
	}
	g.probes = append(g.probes, probe{of: c, schema: s, typ: n, data: c.bytes(), left: -1, fail: c.Want == "error", either: c.Want == "any"})
	return nil
}

// difference is in which way an answer is wrong.
func (p probe) difference(a answer) string {
	text := fmt.Sprintf("generated code, %.60x", p.data)
	switch {
	case a.Allocated > largeMemory:
		return fmt.Sprintf("%s: allocates %d bytes", text, a.Allocated)
	case p.fail && a.Error == "":
		return fmt.Sprintf("%s is read, and written as %x", text, a.Out)
	case !p.fail && !p.either && a.Error != "":
		return fmt.Sprintf("%s: %s", text, a.Error)
	case a.Error != "":
		return ""
	case p.left >= 0 && p.left != a.Left:
		return fmt.Sprintf("%s: %d bytes left, want %d", text, a.Left, p.left)
	}
	want, _, err := read(p.schema, p.data)
	got, left, again := read(p.schema, a.Out)
	if d := cmp.Diff(want, got); d != "" || err != nil || again != nil || left != 0 {
		return fmt.Sprintf("%s: written as %x: %v, %v, %d bytes left (-read +written)\n%s", text, a.Out, err, again, left, d)
	}
	if p.java != nil {
		return sameData(p.schema, a.Out, p.java)
	}
	return ""
}

// run builds a program of the generated types and lets it answer the probes.
func (g *generated) run(t *testing.T) []answer {
	t.Helper()
	g.write(t)
	program := filepath.Join(g.module, "program")
	optimised := ""
	if len(g.code) > manyTypes {
		optimised = "-N -l"
	}
	build := exec.Command("go", "build", "-gcflags=generated/...="+optimised, "-o", program, ".")
	build.Dir = g.module
	build.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("generated code does not build: %v\n%.4000s", err, out)
	}
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, p := range g.probes {
		if err := enc.Encode(struct {
			Type int
			Data []byte
		}{p.typ, p.data}); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.Command(program)
	run.Stdin, run.Stderr = &in, os.Stderr
	out, err := run.Output()
	if err != nil {
		t.Fatalf("generated code: %v", err)
	}
	answers := make([]answer, len(g.probes))
	dec := json.NewDecoder(bufio.NewReader(bytes.NewReader(out)))
	for i := range answers {
		if err := dec.Decode(&answers[i]); err != nil {
			t.Fatal(err)
		}
	}
	return answers
}

// write makes a module of the code, which uses this one and its dependencies.
func (g *generated) write(t *testing.T) {
	t.Helper()
	root, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	const path = "github.com/streamweir/streamweir"
	text := strings.Replace(string(mod), "module "+path, "module generated", 1)
	g.file(t, "go.mod", []byte(fmt.Sprintf("%s\nrequire %s v0.0.0\n\nreplace %s => %s\n", text, path, path, root)))
	g.file(t, "go.sum", sum)
	var imports, types strings.Builder
	for i, code := range g.code {
		pkg := fmt.Sprintf("p%d", i/perPackage)
		g.file(t, fmt.Sprintf("%s/type%d.go", pkg, i), code)
		if i%perPackage == 0 {
			fmt.Fprintf(&imports, "%q\n", "generated/"+pkg)
		}
		fmt.Fprintf(&types, "func() avro.Coder { return new(%s.T%d_Root) },\n", pkg, i)
	}
	g.file(t, "main.go", []byte(fmt.Sprintf(program, imports.String(), types.String())))
}

func (g *generated) file(t *testing.T, name string, text []byte) {
	t.Helper()
	name = filepath.Join(g.module, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o666); err != nil {
		t.Fatal(err)
	}
}

// program answers probes.
const program = `package main

import (
	"encoding/json"
	"os"
	"runtime"

	"github.com/streamweir/streamweir/serde/avro"
%s)

var types = []func() avro.Coder{
%s}

type answer struct {
	Out       []byte
	Left      int
	Error     string
	Allocated uint64
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for in.More() {
		var p struct {
			Type int
			Data []byte
		}
		if err := in.Decode(&p); err != nil {
			panic(err)
		}
		if err := out.Encode(answerTo(types[p.Type](), p.Data)); err != nil {
			panic(err)
		}
	}
}

func answerTo(v avro.Coder, data []byte) (a answer) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rest, err := v.DecodeAvro(data)
	runtime.ReadMemStats(&after)
	a.Allocated = after.TotalAlloc - before.TotalAlloc
	if err != nil {
		a.Error = err.Error()
		return a
	}
	a.Left = len(rest)
	if a.Out, err = v.AppendAvro(nil); err != nil {
		a.Error = "written: " + err.Error()
	}
	return a
}
`
