package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/topology"
)

// Process puts a processor into the stream, for what needs stores, headers, time
// or punctuations, or can fail. supplier is called once for each task and returns
// a new instance. Options: [Named], [Stores], [OwnStores].
//
// The processor sees all records, late ones and nulls too: NullKey and NullValue of
// [topology.Record] say so. What is stored is up to it, in stores whose changelogs are
// <application id>-<store>-changelog. It is in the partition of its input: a
// [KStream.Repartition] before it brings the records of a changed key together. The
// processor may change keys itself, so the result is marked for repartition and has
// no serdes; [ProcessValues] avoids both. Kafka Streams: KStream.process.
func Process[K, V, K2, V2 any, P topology.Processor[K, V, K2, V2]](s *KStream[K, V], supplier func() P, opts ...Option) *KStream[K2, V2] {
	name, op := process(s, "KSTREAM-PROCESSOR-", opts, func(w *topology.Topology, name string, parents []string) {
		topology.AddProcessor[K, V, K2, V2](w, name, supplier, parents...)
	})
	op.Processor = true
	return &KStream[K2, V2]{b: s.b, op: op, name: name, repartition: true}
}

// ProcessValues is [Process] for a processor that cannot change keys: it causes
// no repartition and keeps the key serde, and a null key. Kafka Streams:
// KStream.processValues.
func ProcessValues[K, V, V2 any, P topology.FixedKeyProcessor[K, V, V2]](s *KStream[K, V], supplier func() P, opts ...Option) *KStream[K, V2] {
	name, op := process(s, "KSTREAM-PROCESSVALUES-", opts, func(w *topology.Topology, name string, parents []string) {
		topology.AddFixedKeyProcessor[K, V, V2](w, name, supplier, parents...)
	})
	return &KStream[K, V2]{b: s.b, op: op, name: name, key: s.key, repartition: s.repartition}
}

func process[K, V any](s *KStream[K, V], prefix string, opts []Option, add func(w *topology.Topology, name string, parents []string)) (string, *graph.Op) {
	o := s.b.options(prefix, opts, optName|optStores)
	name := s.b.g.NameOnly(o.name, prefix)
	op := &graph.Op{Name: name, Write: func(t *graph.Topology, parents []string) error {
		w := topology.Of(t)
		add(w, name, parents)
		if err := w.Err(); err != nil {
			return err
		}
		for _, st := range o.own {
			w.AddStateStore(st, name)
		}
		if len(o.stores) > 0 {
			w.ConnectProcessorAndStateStores(name, o.stores...)
		}
		return w.Err()
	}}
	s.b.g.Add(op, s.op)
	return name, op
}
