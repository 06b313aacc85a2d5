package importorder

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/go/packages"
)

func TestThisModuleKeepsTheOrder(t *testing.T) {
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedImports | packages.NeedTypes,
		Dir:  "../..",
	}, "./...")
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs) < 3 {
		t.Fatalf("only %d packages found", len(pkgs))
	}
	for _, p := range Problems(Module, pkgs) {
		t.Error(p)
	}
}

func pkg(name string, imports ...string) *packages.Package {
	p := &packages.Package{PkgPath: "m/" + name, Imports: map[string]*packages.Package{}}
	for _, i := range imports {
		p.Imports[i] = nil
	}
	return p
}

func TestProblems(t *testing.T) {
	cases := map[string]struct {
		pkgs []*packages.Package
		want []string
	}{
		"left to right": {pkgs: []*packages.Package{
			pkg("serde"), pkg("store", "m/internal/record"), pkg("internal/record", "m/serde"),
			pkg("internal/task", "m/serde", "m/store", "m/topology"), pkg("topology", "m/store"),
			pkg("stream/streamtest", "m/stream", "m/internal/task"), pkg("stream", "m/internal/task"),
			pkg("examples/wordcount", "m/stream", "m/serde/avro", "m/stream/streamtest"), pkg("serde/avro", "m/serde"),
		}},
		"right to left": {
			pkgs: []*packages.Package{pkg("internal/task", "m/internal/runtime"), pkg("internal/runtime", "m/internal/task")},
			want: []string{"internal/task must not import internal/runtime"},
		},
		"side by side": {
			pkgs: []*packages.Package{pkg("stream/monitor", "m/stream/embedded", "m/stream/monitor/page"), pkg("stream/embedded", "m/stream"), pkg("stream/monitor/page", "m/serde")},
			want: []string{"stream/monitor must not import stream/embedded"},
		},
		"parts of one example": {
			pkgs: []*packages.Package{
				pkg("examples/a/client", "m/examples/a/rules"), pkg("examples/a/rules", "m/stream"), pkg("examples/a", "m/examples/a/client"),
				pkg("examples/b", "m/examples/a/rules"),
			},
			want: []string{"examples/b must not import examples/a/rules"},
		},
		"a leaf is for all": {pkgs: []*packages.Package{pkg("internal/murmur"), pkg("serde", "m/internal/murmur")}},
		"small, but not a leaf": {
			pkgs: []*packages.Package{pkg("internal/assign"), pkg("serde", "m/internal/assign")},
			want: []string{"serde must not import internal/assign"},
		},
		"a leaf no more": {
			pkgs: []*packages.Package{pkg("internal/murmur", "m/serde"), pkg("serde", "m/internal/leaf"), pkg("internal/leaf")},
			want: []string{"internal/murmur imports serde but has no place in the order: add it to the map in order.go"},
		},
		"sarama": {
			pkgs: []*packages.Package{pkg("internal/kafka", "github.com/IBM/sarama"), pkg("stream", "github.com/IBM/sarama"), pkg("examples/tool", "github.com/IBM/sarama")},
			want: []string{"stream must not import github.com/IBM/sarama, only internal/kafka, stream/embedded, examples/* may"},
		},
		"broken": {
			pkgs: []*packages.Package{{PkgPath: "m/serde", Errors: []packages.Error{{Msg: "no such thing"}}}},
			want: []string{"serde does not compile: -: no such thing"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Problems("m", c.pkgs)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const shows = `package p

import "github.com/IBM/sarama"

type Hides struct { c *sarama.Config }
type Field struct { C []*sarama.Config }
type Embeds struct { sarama.Config }
type Alias = sarama.Config
type Method struct{}
type Interface interface { M() map[string]sarama.Config }
type Constraint[T interface{ *sarama.Config }] struct{}
type Box[T any] struct{ v T }
func (Method) M(func(chan sarama.Config)) {}
func (Hides) m(sarama.Config) {}
func Result() (Box[sarama.Config], error) { panic(0) }
func Uses() Hides { panic(0) }
func hidden(sarama.Config) {}
var Var sarama.Config
`

func TestHiddenTypesInSignaturesAreFound(t *testing.T) {
	files := token.NewFileSet()
	parse := func(src string) *ast.File {
		f, err := parser.ParseFile(files, "p.go", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	sarama, err := new(types.Config).Check("github.com/IBM/sarama", files, []*ast.File{parse("package sarama\ntype Config struct{}")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	check := types.Config{Importer: only{sarama, importer.Default()}}
	typed, err := check.Check("m/p", files, []*ast.File{parse(shows)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range []string{"Alias", "Constraint", "Embeds", "Field", "Interface", "Method", "Result", "Var"} {
		want = append(want, "p."+name+" shows github.com/IBM/sarama.Config: wrap it")
	}
	p := &packages.Package{PkgPath: "m/p", Types: typed}
	if diff := cmp.Diff(want, Problems("m", []*packages.Package{p})); diff != "" {
		t.Error(diff)
	}
	p.PkgPath = "m/store/badger"
	if got := Problems("m", []*packages.Package{p}); got != nil {
		t.Errorf("an adapter may show them: %v", got)
	}
}

// only imports one package that is given.
type only struct {
	given *types.Package
	types.Importer
}

func (o only) Import(path string) (*types.Package, error) {
	if path == o.given.Path() {
		return o.given, nil
	}
	return o.Importer.Import(path)
}
