package conformance

import (
	"context"
	"strconv"

	"github.com/streamweir/streamweir/topology"
)

// The transformers of a table's values that scenarios name.

var transformers = table[func(s kvStore, k, v value) (value, error)]{
	"withKey": simple(func(_ kvStore, k, v value) (value, error) { return text(k) + ":" + text(v), nil }),
	"upper":   simple(func(_ kvStore, _, v value) (value, error) { return upper(v), nil }),
	"count": simple(func(s kvStore, k, v value) (value, error) {
		n, err := increment(s, k)
		return text(v) + "#" + strconv.FormatInt(n, 10), err
	}),
	"nullIf": func(arg string) func(kvStore, value, value) (value, error) {
		return func(_ kvStore, k, v value) (value, error) { return values["nullIf"](arg)(k, v), nil }
	},
}

// transformer is one for tables of any type of keys.
type transformer[K any] struct {
	f     func(s kvStore, k, v value) (value, error)
	name  string
	store kvStore
}

func (t *transformer[K]) Init(pc *topology.TransformContext) (err error) {
	if t.name != "" {
		t.store, err = topology.Store[kvStore](pc, t.name)
	}
	return err
}

func (t *transformer[K]) Transform(_ context.Context, r topology.Record[K, value]) (value, bool, error) {
	v, err := t.f(t.store, r.Key, r.Value)
	return v, true, err // nil is no value
}

func transformerOf[K any](c *call) func() *transformer[K] {
	f, name := function(c.builder, transformers, "transformer", c.Fn), c.firstStore()
	return func() *transformer[K] { return &transformer[K]{f: f, name: name} }
}
