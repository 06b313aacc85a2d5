package stream

import (
	"regexp"
	"strings"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/topology"
)

// Repartition writes the stream through an internal topic, so that the records of
// one key come together in one task. The topic is called <application
// id>-<name>-repartition, its records are deleted once they are processed; it is the only
// thing that is stored. Records with a null key are left out, and not counted, unless a
// left join somewhere behind has a use for them (KIP-962); null values, timestamps and
// headers pass. with may be nil if the serdes are known. Options: [Named], [Partitions].
// Kafka Streams: KStream.repartition.
func (s *KStream[K, V]) Repartition(with *Serdes[K, V], opts ...Option) *KStream[K, V] {
	o := s.b.options("KSTREAM-REPARTITION-", opts, optName|optPartitions)
	name := s.b.g.NameOnly(o.name, "KSTREAM-REPARTITION-")
	sd := with.or(s.key, s.value)
	r := newRepartition(s.b, name, sd)
	r.partitions = o.partitions
	op := r.op()
	s.b.g.Add(op, s.op)
	return &KStream[K, V]{b: s.b, op: op, name: op.Name, key: sd.key, value: sd.value}
}

// repartition is an internal topic with the three nodes around it.
type repartition[K, V any] struct {
	topic, filter, sink, source string
	partitions                  int32
	serdes                      Serdes[K, V]
}

var generated = regexp.MustCompile(`^KSTREAM.*-[0-9]{10}$`)

// newRepartition names the topic and its nodes. A generated prefix gives
// generated node names; a name given by the user gives names made of it, but the
// three numbers are burnt all the same.
func newRepartition[K, V any](b *Builder, prefix string, sd Serdes[K, V]) *repartition[K, V] {
	sd.complete(b.g, prefix)
	r := &repartition[K, V]{topic: prefix, serdes: sd}
	if !strings.HasSuffix(prefix, "-repartition") {
		r.topic += "-repartition"
	}
	r.sink = b.g.Generate("KSTREAM-SINK-")
	r.filter = b.g.Generate("KSTREAM-FILTER-")
	r.source = b.g.Generate("KSTREAM-SOURCE-")
	if !generated.MatchString(prefix) {
		r.sink, r.filter, r.source = r.topic+"-sink", r.topic+"-filter", r.topic+"-source"
	}
	return r
}

func (r *repartition[K, V]) op() *graph.Op {
	op := &graph.Op{Name: r.source, Sources: []string{r.source}}
	op.Write = func(t *graph.Topology, parents []string) error {
		if err := t.AddRepartitionTopic(graph.RepartitionTopic{Name: r.topic, Partitions: r.partitions}); err != nil {
			return err
		}
		filter := keyed[K, V]
		if op.NullKeysDownstream() {
			filter = pass[K, V]
		}
		if err := t.AddProcessor(&graph.Node{Name: r.filter, Parents: parents, New: newFilterNode(filter)}); err != nil {
			return err
		}
		w := topology.Of(t)
		topology.AddSink(w, r.sink, topology.Sink[K, V]{Key: r.serdes.key, Value: r.serdes.value, Topic: r.topic, Partitioner: r.serdes.partitioner}, r.filter)
		topology.AddSource(w, r.source, topology.Source[K, V]{Key: r.serdes.key, Value: r.serdes.value, Topics: []string{r.topic}})
		return w.Err()
	}
	return op
}

// shareable is op for a repartition that the library puts in: of several behind one
// operator that changes keys, Build can make one.
func (r *repartition[K, V]) shareable(b *Builder) *graph.Op {
	op := r.op()
	op.Shareable = &graph.Shareable{Type: recordType[K, V](), Again: func() *graph.Op {
		return newRepartition(b, r.topic, Serdes[K, V]{key: r.serdes.key, value: r.serdes.value}).op()
	}}
	return op
}

// keyed leaves out records with a null key: no task is the right one for them. It
// is a filter, whose records do not count as dropped, as in Kafka Streams.
func keyed[K, V any](_ graph.Task, r *topology.Record[K, V]) (bool, error) { return !r.NullKey, nil }
