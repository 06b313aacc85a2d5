package topology

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
)

// Reset is where a source begins in a partition for which the application has no
// committed offset, or whose committed offset is gone.
type Reset = graph.Reset

// The reset policies.
const (
	// ResetDefault is the application's policy; stream.Config's default is earliest.
	ResetDefault = graph.ResetDefault
	// ResetEarliest begins at the oldest record.
	ResetEarliest = graph.ResetEarliest
	// ResetLatest begins with the next record produced.
	ResetLatest = graph.ResetLatest
	// ResetNone fails the application.
	ResetNone = graph.ResetNone
)

// ResetByDuration begins, in each partition, with the first record whose timestamp is
// at most d ago; if there is none, with the next record produced. Kafka Streams:
// AutoOffsetReset.byDuration.
func ResetByDuration(d time.Duration) Reset { return graph.ResetByDuration(d) }

// A TimestampExtractor returns the event time of a record in milliseconds.
// r.Timestamp is the record's own timestamp, -1 if it has none, and
// partitionTime the largest timestamp so far processed of the partition, -1 at
// first. A negative result drops the record.
type TimestampExtractor[K, V any] func(r Record[K, V], partitionTime int64) int64

// SkipInvalidTimestamp is a [TimestampExtractor] that drops records with a
// negative timestamp. Without an extractor such a record is an error.
func SkipInvalidTimestamp[K, V any](r Record[K, V], _ int64) int64 { return r.Timestamp }

// PartitionTimeOnInvalidTimestamp is a [TimestampExtractor] that gives a record
// with a negative timestamp the partition's time.
func PartitionTimeOnInvalidTimestamp[K, V any](r Record[K, V], partitionTime int64) int64 {
	if r.Timestamp < 0 {
		return partitionTime
	}
	return r.Timestamp
}

// WallClockTimestamp is a [TimestampExtractor] that gives each record the time at which
// it is decoded. Kafka Streams: WallclockTimestampExtractor.
func WallClockTimestamp[K, V any](Record[K, V], int64) int64 { return time.Now().UnixMilli() }

// Source describes a source: what it reads and how.
type Source[K, V any] struct {
	Key   serde.Serde[K]
	Value serde.Serde[V]
	// Topics are the topics to read, or Pattern matches their whole names.
	Topics  []string
	Pattern *regexp.Regexp
	Reset   Reset
	// ReuseValues lets a codec that can, a [serde.Reuser], read each value of a partition
	// into the one before. Nothing that processes a record may then keep its value, nor
	// what that points to, except for strings.
	ReuseValues bool
	// Timestamp may be nil: the record's own timestamp, which must not be negative.
	Timestamp TimestampExtractor[K, V]
}

// AddSource adds a source of records to the topology.
func AddSource[K, V any](t *Topology, name string, s Source[K, V]) {
	if s.Key == nil || s.Value == nil {
		t.fail(fmt.Errorf("topology: source %q needs a serde for its keys and one for its values", name))
		return
	}
	t.check(t.g.AddSource(sourceOf(name, s)))
}

type sourceNode[K, V any] struct {
	spec   Source[K, V]
	topics []string // as they are called on the broker
	out    graph.Out[Record[K, V]]
}

// rolesOf are the halves of a record of a topic that a node names and the broker knows
// under another name, with the application id, if it is internal.
func rolesOf(name, onBroker string) (key, value serde.Role) {
	if name != onBroker {
		return serde.Key.Internal(), serde.Value.Internal()
	}
	return serde.Key, serde.Value
}

func (n *sourceNode[K, V]) NewHead(topic string) (graph.Head, error) {
	h := &head[K, V]{node: n, nullKey: null.Check[K](), nullValue: null.Check[V]()}
	key, value := serde.Key, serde.Value
	if i := slices.Index(n.topics, topic); i >= 0 {
		key, value = rolesOf(n.spec.Topics[i], topic)
	}
	var err error
	if h.key, err = n.spec.Key.Bind(topic, key); err != nil {
		return nil, fmt.Errorf("key serde: %w", err)
	}
	if h.value, err = n.spec.Value.Bind(topic, value); err != nil {
		return nil, fmt.Errorf("value serde: %w", err)
	}
	if n.spec.ReuseValues {
		h.reuser, _ = h.value.(serde.Reuser[V])
	}
	return h, nil
}

// head holds the decoded record of one partition.
type head[K, V any] struct {
	node      *sourceNode[K, V]
	key       serde.Codec[K]
	value     serde.Codec[V]
	reuser    serde.Reuser[V] // nil: values are not used again
	last      V               // that the reuser returned
	nullKey   func(*K) bool
	nullValue func(*V) bool
	r         Record[K, V]
}

var errNegative = errors.New("the record has a negative timestamp: produce it with a timestamp, or give the source a timestamp extractor")

func (h *head[K, V]) Decode(rec *record.Record, partitionTime int64) (ts int64, err error) {
	defer graph.Recover(&err)
	h.r = Record[K, V]{Timestamp: rec.Timestamp, Headers: rec.Headers, NullKey: rec.Key == nil, NullValue: rec.Value == nil}
	if rec.Key != nil {
		if h.r.Key, err = h.key.Decode(rec.Key); err != nil {
			return 0, fmt.Errorf("key: %w", err)
		}
		h.r.NullKey = h.nullKey != nil && h.nullKey(&h.r.Key)
	}
	if rec.Value != nil {
		if h.reuser == nil {
			h.r.Value, err = h.value.Decode(rec.Value)
		} else {
			h.r.Value, err = h.reuser.DecodeInto(h.last, rec.Value)
			h.last = h.r.Value
		}
		if err != nil {
			return 0, fmt.Errorf("value: %w", err)
		}
		h.r.NullValue = h.nullValue != nil && h.nullValue(&h.r.Value)
	}
	if f := h.node.spec.Timestamp; f != nil {
		h.r.Timestamp = f(h.r, partitionTime)
	} else if h.r.Timestamp < 0 {
		return 0, errNegative
	}
	return h.r.Timestamp, nil
}

func (h *head[K, V]) Process() error { return h.node.out.Forward(&h.r) }
