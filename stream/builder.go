package stream

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// A Builder collects the operators of a topology. Kafka Streams: StreamsBuilder.
// It is used by one goroutine. Mistakes do not panic: they are collected and
// returned by [Builder.Build] with the names of the operators.
type Builder struct{ g *graph.Builder }

// NewBuilder returns an empty builder.
func NewBuilder(opts ...BuilderOption) *Builder {
	g := &graph.Builder{}
	for _, o := range opts {
		o(g)
	}
	return &Builder{g: g}
}

// A BuilderOption is an option of [NewBuilder].
type BuilderOption func(*graph.Builder)

// DefaultStores gives options to the stores of all operators, store.InMemory() for
// instance; what an operator is told itself has precedence. Stores that are added with
// [Builder.AddStateStore] or [OwnStores] are not changed. Kafka Streams:
// dsl.store.suppliers.class.
func DefaultStores(opts ...store.Option) BuilderOption {
	return func(g *graph.Builder) { g.StoreOptions = opts }
}

// Build returns the topology of all operators, or all mistakes made, joined. It
// can be called once. Options: [Optimize], [ExplicitNames].
func (b *Builder) Build(opts ...BuildOption) (*topology.Topology, error) {
	for _, o := range opts {
		if o != nil {
			o(b.g)
		}
	}
	g, err := b.g.Build()
	if err != nil {
		return nil, err
	}
	return topology.Of(g), nil
}

// AddStateStore adds a store for [Process] to connect to by its name. Its changelog is
// <application id>-<store>-changelog. A store that nothing connects to is left out, and so
// is its changelog. Kafka Streams: StreamsBuilder.addStateStore.
func (b *Builder) AddStateStore(s store.Builder) {
	if s == nil {
		b.g.Fail(errors.New("stream: AddStateStore was called without a store"))
		return
	}
	b.g.Add(&graph.Op{Write: func(t *graph.Topology, _ []string) error { return t.AddStore(s) }})
}

// Serdes is how the keys and values of a topic are encoded, for [From], [Table],
// To, [GroupBy] and the like. Make one with [With].
type Serdes[K, V any] struct {
	key         serde.Serde[K]
	value       serde.Serde[V]
	timestamp   topology.TimestampExtractor[K, V]
	partitioner topology.Partitioner[K, V]
	reuseValues bool
}

// With pairs a serde for keys with one for values. Kafka Streams: Consumed.with,
// Produced.with, Grouped.with.
func With[K, V any](key serde.Serde[K], value serde.Serde[V]) *Serdes[K, V] {
	return &Serdes[K, V]{key: key, value: value}
}

// Timestamps returns a copy of s whose sources take the event time from f instead
// of the record. Only sources use it.
func (s *Serdes[K, V]) Timestamps(f topology.TimestampExtractor[K, V]) *Serdes[K, V] {
	c := *s
	c.timestamp = f
	return &c
}

// Partitioner returns a copy of s whose sinks and repartitions choose partitions
// with f. Only they use it.
func (s *Serdes[K, V]) Partitioner(f topology.Partitioner[K, V]) *Serdes[K, V] {
	c := *s
	c.partitioner = f
	return &c
}

// ReuseValues returns a copy of s for streams of which no value is kept: a source reads
// each value of a partition into the one before, if the serde's codec is a
// [serde.Reuser], as those of generated Avro types are. That spares much of the garbage.
// No function or processor may then keep a value, or what it points to, for longer than
// its call, nor change what it forwarded; strings may be kept, and a copy is its own.
// Operators keep bytes, so all of them may follow, except for [AsyncMapValues], which is
// an error of Build. Only [From] and its like use it. It is what Apache Flink calls
// object reuse; Kafka Streams has none.
func (s *Serdes[K, V]) ReuseValues() *Serdes[K, V] {
	c := *s
	c.reuseValues = true
	return &c
}

// or returns s, with what it leaves open taken from the stream it is used on.
func (s *Serdes[K, V]) or(key serde.Serde[K], value serde.Serde[V]) Serdes[K, V] {
	if s == nil {
		return Serdes[K, V]{key: key, value: value}
	}
	c := *s
	if c.key == nil {
		c.key = key
	}
	if c.value == nil {
		c.value = value
	}
	return c
}

// complete reports a serde that is missing and cannot be inferred.
func (s *Serdes[K, V]) complete(b *graph.Builder, operator string) bool {
	return s.given(b, operator, "stream.With(keySerde, valueSerde)")
}

func (s *Serdes[K, V]) given(b *graph.Builder, operator, by string) bool {
	missing := func(what string) {
		b.Failf(operator, "no %s serde is given and none can be inferred here: pass %s", what, by)
	}
	if s.key == nil {
		missing("key")
	}
	if s.value == nil {
		missing("value")
	}
	return s.key != nil && s.value != nil
}

// From reads a topic as a stream. Kafka Streams: StreamsBuilder.stream. Options:
// [Named], [ResetTo].
//
// Two streams of the same topic share one source node; their types must agree.
// Records with a null key or a null value are part of the stream. Nothing is stored, and
// nothing repartitioned: the topic's partitions are the tasks'. What cannot be decoded,
// and a negative timestamp, goes to the error handler.
func From[K, V any](b *Builder, topic string, with *Serdes[K, V], opts ...Option) *KStream[K, V] {
	return FromTopics(b, []string{topic}, with, opts...)
}

// FromTopics is [From] for several topics, read as one stream. Records of different topics
// come in no particular order, except that a task prefers the smaller timestamp. Kafka
// Streams: StreamsBuilder.stream(Collection).
func FromTopics[K, V any](b *Builder, topics []string, with *Serdes[K, V], opts ...Option) *KStream[K, V] {
	return from(b, topology.Source[K, V]{Topics: topics}, with, opts)
}

// FromPattern is [From] for all topics whose whole name matches a pattern, read as one
// stream. Topics that appear later join with a rebalance. Kafka Streams:
// StreamsBuilder.stream(Pattern).
func FromPattern[K, V any](b *Builder, pattern *regexp.Regexp, with *Serdes[K, V], opts ...Option) *KStream[K, V] {
	return from(b, topology.Source[K, V]{Pattern: pattern}, with, opts)
}

func from[K, V any](b *Builder, src topology.Source[K, V], with *Serdes[K, V], opts []Option) *KStream[K, V] {
	o := b.options("KSTREAM-SOURCE-", opts, optName|optReset)
	name := b.g.Name(o.name, "KSTREAM-SOURCE-")
	sd := with.or(nil, nil)
	sd.complete(b.g, name)
	src.Key, src.Value, src.Timestamp, src.Reset, src.ReuseValues = sd.key, sd.value, sd.timestamp, o.reset, sd.reuseValues
	so := &graph.SourceOp{Topics: src.Topics, Reset: src.Reset, Type: fmt.Sprintf("%T", *new(topology.Record[K, V])), ReuseValues: sd.reuseValues}
	if src.Pattern != nil {
		so.Pattern = src.Pattern.String()
	}
	op := &graph.Op{Name: name, Source: so, Sources: []string{name}, Write: func(t *graph.Topology, _ []string) error { return addSource(t, name, src) }}
	b.g.Add(op)
	return &KStream[K, V]{b: b, op: op, name: name, key: sd.key, value: sd.value}
}

func addSource[K, V any](t *graph.Topology, name string, src topology.Source[K, V]) error {
	w := topology.Of(t)
	topology.AddSource(w, name, src)
	return w.Err()
}

// An Option is a setting of an operator that has no types. An operator takes the
// options that its documentation names; any other is an error of Build.
type Option func(*options)

type optKind int

const (
	optName optKind = 1 << iota
	optReset
	optPartitions
	optStores
	optGrace
)

type options struct {
	given      optKind
	name       string
	reset      topology.Reset
	partitions int32
	grace      time.Duration
	stores     []string
	own        []store.Builder
}

// Named gives an operator its name, or an internal topic its name: names keep
// state and topics when operators are added or removed in front. Kafka Streams:
// Named, Consumed.withName, Grouped.as, Repartitioned.as and so on. All operators
// take it.
func Named(name string) Option {
	return func(o *options) { o.given |= optName; o.name = name }
}

// ResetTo sets where a source begins without a committed offset.
func ResetTo(r topology.Reset) Option {
	return func(o *options) { o.given |= optReset; o.reset = r }
}

// Partitions sets the number of partitions of a repartition topic; without it,
// the topic gets as many as the largest topic it is fed from.
func Partitions(n int32) Option {
	return func(o *options) { o.given |= optPartitions; o.partitions = n }
}

// GracePeriod makes the join of a stream with a versioned table wait: a record is
// joined once the stream is as much further in time, so that updates of the table that
// come late are taken into account. See [JoinTable]. Kafka Streams:
// Joined.withGracePeriod, KIP-923.
func GracePeriod(d time.Duration) Option {
	return func(o *options) { o.given |= optGrace; o.grace = d }
}

// Stores connects a processor to stores that were added to the builder.
func Stores(names ...string) Option {
	return func(o *options) { o.given |= optStores; o.stores = append(o.stores, names...) }
}

// OwnStores adds stores to the topology and connects the processor to them.
func OwnStores(stores ...store.Builder) Option {
	return func(o *options) { o.given |= optStores; o.own = append(o.own, stores...) }
}

// options applies opts and reports those that the operator does not take. operator
// is what the operator is called, or, with a hyphen at its end, the prefix of the
// name that is generated next.
func (b *Builder) options(operator string, opts []Option, takes optKind) options {
	var o options
	for _, f := range opts {
		f(&o)
	}
	if o.name != "" {
		operator = o.name
	} else if strings.HasSuffix(operator, "-") {
		operator = b.g.Next(operator)
	}
	names := []string{"Named", "ResetTo", "Partitions", "Stores", "GracePeriod"}
	var wrong []string
	for i, n := range names {
		if kind := optKind(1 << i); o.given&kind != 0 && takes&kind == 0 {
			wrong = append(wrong, n)
		}
	}
	if len(wrong) > 0 {
		b.g.Failf(operator, "option %s does not apply here", strings.Join(wrong, ", "))
	}
	if o.given&optName != 0 && o.name == "" {
		b.g.Failf(operator, "Named was given an empty name")
	}
	if o.given&optPartitions != 0 && o.partitions < 1 {
		b.g.Failf(operator, "Partitions was given %d, at least 1 is needed", o.partitions)
	}
	if slices.Contains(o.own, nil) {
		b.g.Failf(operator, "OwnStores was given a nil store")
		o.own = nil
	}
	return o
}
