// Package importorder checks how the packages of this module depend on each
// other and on others: the order of DESIGN.md, kept by a test.
package importorder

import (
	"fmt"
	"go/types"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Module is the path of the module that is checked.
const Module = "github.com/streamweir/streamweir"

// order names for each package the packages it may import; what those may
// import, it may too. A name that ends in /* stands for the folders below. A
// package that imports none of this module's packages may be imported by all.
var order = map[string][]string{
	"serde":                        nil,
	"internal/record":              {"serde"},
	"serde/avro/avsc":              nil,
	"serde/avro/wire":              nil,
	"serde/avro/avrojson":          {"serde/avro/avsc", "serde/avro/wire"},
	"serde/avro/resolve":           {"serde/avro/avrojson"},
	"serde/avro":                   {"internal/record", "serde/avro/resolve"},
	"serde/avro/internal/cases":    {"serde/avro", "internal/avrogen"},
	"internal/avrogen":             {"serde/avro/avsc"},
	"internal/avrogen/golden":      {"serde/avro"},
	"internal/avrogen/avrogentest": {"internal/avrogen"},
	"store":                        {"internal/record"},
	"store/badger":                 {"store"},
	"store/storetest":              {"store"},
	"internal/graph":               {"store"},
	"topology":                     {"internal/graph"},
	"internal/state":               {"topology"},
	"internal/task":                {"internal/state"},
	"internal/assign":              nil,
	"internal/kafka":               {"internal/record"},
	"internal/runtime":             {"internal/task", "internal/assign", "internal/kafka", "store/badger"},
	"stream":                       {"internal/runtime"},
	"stream/*":                     {"stream", "serde/avro/avsc"},
	"internal/conformance":         {"stream/*", "store/*", "serde/*"},
	"internal/sim":                 {"internal/conformance"},
	"internal/bench/compare":       {"internal/bench/peer"},
	"internal/bench/pgo":           {"internal/bench/peer"},
	"internal/bench/*":             {"stream/*", "store/*", "serde/*"},
	"examples/*":                   {"stream/*", "store/*", "serde/*"},
	"cmd/*":                        {"stream/*", "store/*", "serde/*", "internal/avrogen"},
}

// importers names for a foreign module the packages that may import it outside
// of tests: its types and its failures stay behind them.
var importers = map[string][]string{
	"github.com/IBM/sarama": {"internal/kafka", "stream/embedded", "examples/*"},
}

// hidden are the modules whose types no exported signature shows, except in the
// packages that exist to adapt them.
var (
	hidden   = []string{"github.com/IBM/sarama", "github.com/dgraph-io/badger/v4", "github.com/linkedin/goavro/v2", "github.com/riferrei/srclient"}
	adapters = []string{"store/badger", "serde/avro"}
)

// Problems returns what is wrong with a module's packages, sorted.
func Problems(module string, pkgs []*packages.Package) []string {
	c := checker{module: module}
	leaf := map[string]bool{}
	for _, p := range pkgs {
		_, placed := placeOf(c.name(p.PkgPath))
		leaf[p.PkgPath] = !placed && len(c.own(p)) == 0
	}
	for _, p := range pkgs {
		from := c.name(p.PkgPath)
		for _, e := range p.Errors {
			c.report("%s does not compile: %v", from, e)
		}
		for _, imported := range c.own(p) {
			if _, placed := placeOf(from); !placed {
				c.report("%s imports %s but has no place in the order: add it to the map in order.go", from, c.name(imported))
			} else if !leaf[imported] && !mayImport(from, c.name(imported)) {
				c.report("%s must not import %s", from, c.name(imported))
			}
		}
		for foreign, allowed := range importers {
			for imported := range p.Imports {
				if within(imported, foreign) && !matchesAny(allowed, from) {
					c.report("%s must not import %s, only %s may", from, imported, strings.Join(allowed, ", "))
				}
			}
		}
		if p.Types != nil && p.Name != "main" && !slices.Contains(adapters, from) {
			c.signatures(from, p.Types)
		}
	}
	slices.Sort(c.problems)
	return slices.Compact(c.problems)
}

type checker struct {
	module   string
	problems []string
}

func (c *checker) report(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// own returns the packages of the module that p imports.
func (c *checker) own(p *packages.Package) []string {
	var own []string
	for imported := range p.Imports {
		if within(imported, c.module) {
			own = append(own, imported)
		}
	}
	return own
}

func (c *checker) name(pkgPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(pkgPath, c.module), "/")
}

// within reports whether a package belongs to a module or a folder of packages.
func within(pkgPath, root string) bool {
	return pkgPath == root || strings.HasPrefix(pkgPath, root+"/")
}

// matches reports whether a package is the one a pattern names, or one of them.
func matches(pattern, name string) bool {
	folder, below := strings.CutSuffix(pattern, "/*")
	return name == pattern || below && name != folder && within(name, folder)
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

// placeOf returns the key of order that a package falls under, the most
// particular one.
func placeOf(name string) (string, bool) {
	if _, ok := order[name]; ok {
		return name, true
	}
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		if _, ok := order[folder+"/*"]; ok {
			return folder + "/*", true
		}
	}
	return "", false
}

func mayImport(from, to string) bool {
	place, _ := placeOf(from)
	if folder, below := strings.CutSuffix(place, "*"); below && strings.HasPrefix(to, folder) {
		whole, _, _ := strings.Cut(from[len(folder):], "/")
		if within(to, folder+whole) {
			return true // parts of one example, of one command
		}
	}
	seen := map[string]bool{}
	var reach func(place string) bool
	reach = func(place string) bool {
		if seen[place] {
			return false
		}
		seen[place] = true
		for _, next := range order[place] {
			if matches(next, to) {
				return true
			}
			for key := range order {
				if matches(next, key) && reach(key) {
					return true
				}
			}
		}
		return false
	}
	return reach(place)
}

// signatures reports hidden types in what a package exports.
func (c *checker) signatures(from string, p *types.Package) {
	for _, name := range p.Scope().Names() {
		object := p.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		for _, leak := range leaks(object) {
			c.report("%s.%s shows %s: wrap it", from, name, leak)
		}
	}
}
