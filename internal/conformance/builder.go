package conformance

import (
	"errors"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// missing is what a scenario needs and the library does not have.
type missing string

func (m missing) Error() string { return string(m) + " is not there yet" }

// builder makes a topology of the steps of a scenario.
type builder struct {
	dsl   *stream.Builder
	graph *graph.Builder // of dsl
	steps []*step
	calls *recorder
	made  map[string]handle
	// sinks are the types of the records in an output topic.
	sinks map[string]types
	// queryable are the names of tables' stores by the ids of the tables.
	queryable map[string]any
	splits    []*step
	options   []stream.BuildOption
	errs      []error
}

// types are those of the keys and values of a stream, a table or a topic.
type types struct{ key, value dynamic }

// serdes are the pair of serdes that the DSL takes.
func (t types) serdes() *stream.Serdes[value, value] { return serdesOf[value](t) }

func serdesOf[K any](t types) *stream.Serdes[K, value] {
	return stream.With(keySerde[K](t.key), serde.Serde[value](t.value))
}

// keySerde is the serde of keys, which are values or windowed ones; nil if a scenario
// says that windowed keys are something else.
func keySerde[K any](key dynamic) serde.Serde[K] {
	var s any = key
	if _, ok := s.(serde.Serde[K]); !ok {
		s = windowedSerde(key)
	}
	of, _ := s.(serde.Serde[K])
	return of
}

// handle is what the id of a step stands for.
type handle struct {
	node any // a kstream, a ktable, ...
	types
}

// call is a step that is being made.
type call struct {
	*builder
	*step
	in    handle // what the first "from" stands for
	types        // of the result
}

// operator appends a step to the topology and returns what its id stands for.
type operator func(c *call) any

func (b *builder) fail(err error) { b.errs = append(b.errs, err) }

func newBuilder(s *Scenario, calls *recorder) *builder {
	b := &builder{steps: s.Topology, calls: calls, made: map[string]handle{}, sinks: map[string]types{}, queryable: map[string]any{}}
	b.dsl = stream.NewBuilder(stream.DefaultStores(storeOptions(s.Config)...), func(g *graph.Builder) { b.graph = g })
	return b
}

// build runs all steps: those of the DSL first, then those of the Processor API on
// the topology that came of them.
func (b *builder) build() (*topology.Topology, error) {
	for _, s := range b.steps {
		if _, ok := onTopology[s.Op]; !ok {
			b.step(s)
		}
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	t, err := b.dsl.Build(b.options...)
	if err != nil {
		return nil, err
	}
	for _, s := range b.steps {
		if f, ok := onTopology[s.Op]; ok {
			f(&call{builder: b, step: s, types: types{or(s.KeyType, "string"), or(s.ValueType, "string")}}, t)
		}
	}
	b.errs = append(b.errs, t.Validate())
	return t, errors.Join(b.errs...)
}

// operators are all operators by the class they are called on, one table each in
// the file of the family.
func operators(receiver any) map[string]operator {
	switch receiver.(type) {
	case nil:
		return onBuilder
	case kstream:
		return onStream
	case kstreamOf[windowedKey]:
		return onWindowedStream
	case ktable:
		return onTable
	case ktableOf[windowedKey]:
		return onWindowedTable
	case grouped:
		return onGrouped
	case groupedTable:
		return onGroupedTable
	case timeWindowed:
		return onTimeWindowed
	case sessionWindowed:
		return onSessionWindowed
	case cogrouped:
		return onCogrouped
	case timeCogrouped:
		return onTimeCogrouped
	case sessionCogrouped:
		return onSessionCogrouped
	case counted[value]:
		return onCounted
	case counted[windowedKey]:
		return onWindowedCounted
	case countStream[value]:
		return onCountStream
	case countStream[windowedKey]:
		return onWindowedCountStream
	}
	return nil
}

func (b *builder) step(s *step) {
	c := &call{builder: b, step: s, in: handle{types: types{"string", "string"}}}
	if len(s.From) > 0 {
		in, ok := b.made[s.From[0]]
		if !ok {
			// What it is made of is missing; that is reported already.
			b.fail(missing("step " + s.From[0]))
			return
		}
		c.in = in
	}
	c.types = types{or(s.KeyType, c.in.key), or(s.ValueType, c.in.value)}
	f, ok := operators(c.in.node)[s.Op]
	if !ok {
		b.fail(missing("operator " + s.Op))
		return
	}
	b.put(s.ID, f(c), c.types)
}

// put gives an id to what a step made.
func (b *builder) put(id string, node any, t types) {
	if id != "" && node != nil {
		b.made[id] = handle{node, t}
	}
	if t, ok := node.(interface{ StoreName() string }); ok {
		b.queryable[id] = nil
		if name := t.StoreName(); name != "" {
			b.queryable[id] = name
		}
	}
}

// named is the option that gives an operator its name, if it has one.
func (c *call) named() []stream.Option { return named(c.Name) }

func named(name string) []stream.Option {
	if name == "" {
		return nil
	}
	return []stream.Option{stream.Named(name)}
}

// other is what the second "from" stands for.
func (c *call) other() handle {
	h, ok := c.made[c.From[1]]
	if !ok {
		c.fail(missing("step " + c.From[1]))
	}
	return h
}

func or(typ string, inherited dynamic) dynamic {
	if typ == "" {
		return inherited
	}
	return dynamic(typ)
}
