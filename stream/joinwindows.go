package stream

import (
	"fmt"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// JoinWindows says how far apart in time two records may be that are joined: one of
// the right stream from Before earlier to After later than the one of the left, both
// included. Make one with [TimeDifference]; its methods return copies. Kafka Streams:
// JoinWindows.
type JoinWindows struct{ before, after, grace time.Duration }

// TimeDifference joins records that are at most d apart, without a grace period. With a
// difference of 0 nothing is joined, as in Kafka Streams, unless there is a grace period:
// no record is kept for another. Kafka Streams: JoinWindows.ofTimeDifferenceWithNoGrace.
func TimeDifference(d time.Duration) JoinWindows { return JoinWindows{before: d, after: d} }

// Before sets how much earlier the right record may be. It may be negative, as long
// as After is not less than -d: the right record is then later by at least -d. As in
// Kafka Streams, records are kept for the sum of Before, After and Grace; with a
// negative one of the first two, the last should be longer than that by its amount, or
// a record may be gone before its partner comes.
func (w JoinWindows) Before(d time.Duration) JoinWindows { w.before = d; return w }

// After sets how much later the right record may be. It may be negative, as long as
// Before is not less than -d.
func (w JoinWindows) After(d time.Duration) JoinWindows { w.after = d; return w }

// Grace sets how much longer records are kept for those that come late, and how much
// longer a left or outer join waits before it says that there was none. Kafka Streams:
// ofTimeDifferenceAndGrace.
func (w JoinWindows) Grace(d time.Duration) JoinWindows { w.grace = d; return w }

func (w JoinWindows) size() time.Duration { return w.before + w.after }

// retention is for how long records are kept.
func (w JoinWindows) retention() time.Duration { return w.size() + w.grace }

// check reports windows that contain no time.
func (w JoinWindows) check() error {
	switch {
	case w.size() < 0:
		return fmt.Errorf("the windows end %v before they begin: Before(%v) and After(%v) must not add up to less than 0", -w.size(), w.before, w.after)
	case w.grace < 0:
		return fmt.Errorf("the grace period %v is negative", w.grace)
	}
	return nil
}

// StreamJoined says how a join of two streams encodes and keeps their records. Make
// one with [StreamJoinedWith]; its methods return copies. A nil *StreamJoined takes
// the serdes of the streams, and stores with generated names. Kafka Streams:
// StreamJoined.
type StreamJoined[K, L, R any] struct {
	key         serde.Serde[K]
	left        serde.Serde[L]
	right       serde.Serde[R]
	storeName   string
	opts        []store.Option
	this, other store.Builder
}

// StreamJoinedWith gives the serdes of the keys and of the two streams' values. Those
// that are nil are the streams'.
func StreamJoinedWith[K, L, R any](key serde.Serde[K], left serde.Serde[L], right serde.Serde[R]) *StreamJoined[K, L, R] {
	return &StreamJoined[K, L, R]{key: key, left: left, right: right}
}

// StoreName names the stores: <name>-this-join-store and <name>-other-join-store,
// with "outer-" before this or other if that side's records can be without a partner
// on the other, and <name>-left-shared-join-store or <name>-outer-shared-join-store.
func (j *StreamJoined[K, L, R]) StoreName(name string) *StreamJoined[K, L, R] {
	c := *j
	c.storeName = name
	return &c
}

// Options gives the join's stores options: in memory, an engine of their own, how they
// are logged. They are never cached.
func (j *StreamJoined[K, L, R]) Options(opts ...store.Option) *StreamJoined[K, L, R] {
	c := *j
	c.opts = append(c.opts[:len(c.opts):len(c.opts)], opts...)
	return &c
}

// ThisStore keeps the records of the left stream in a store of your own. It must
// retain duplicates, its windows must have the size of the join's, and its retention
// must be theirs with the grace period. Kafka Streams: withThisStoreSupplier.
func (j *StreamJoined[K, L, R]) ThisStore(s *store.WindowBuilder[K, L]) *StreamJoined[K, L, R] {
	c := *j
	if s != nil {
		c.this = suppliedStore{s, s.Spec()}
	}
	return &c
}

// OtherStore is [StreamJoined.ThisStore] for the right stream.
func (j *StreamJoined[K, L, R]) OtherStore(s *store.WindowBuilder[K, R]) *StreamJoined[K, L, R] {
	c := *j
	if s != nil {
		c.other = suppliedStore{s, s.Spec()}
	}
	return &c
}

// suppliedStore is a store that the user describes. Its changelog is compacted too,
// unlike that of the join's own stores, which changes nothing but its topic's
// configuration: no two records have one key. Kafka Streams has it that way.
type suppliedStore struct {
	validated
	spec store.Spec
}

type validated interface {
	store.Builder
	Validate() error
}

func (s suppliedStore) Spec() store.Spec {
	spec := s.spec
	config := map[string]string{"cleanup.policy": "compact,delete"}
	for k, v := range spec.TopicConfig {
		config[k] = v
	}
	spec.TopicConfig, spec.LogHeaders, spec.Caching = config, true, false
	return spec
}

// checkSupplied reports why a store of the user does not fit the join.
func (w JoinWindows) checkSupplied(b store.Builder) error {
	if b == nil {
		return nil
	}
	s := b.Spec()
	if !s.Duplicates {
		return fmt.Errorf("store %q does not retain duplicates: describe it with store.RetainDuplicates", s.Name)
	}
	if s.Retention != w.retention().Milliseconds() || s.WindowSize != w.size().Milliseconds() {
		return fmt.Errorf("store %q has windows of %d ms and keeps them for %d ms, the join needs %d and %d",
			s.Name, s.WindowSize, s.Retention, w.size().Milliseconds(), w.retention().Milliseconds())
	}
	return nil
}

// or returns j with what it leaves open taken from the streams.
func (j *StreamJoined[K, L, R]) or(l *KStream[K, L], r *KStream[K, R]) StreamJoined[K, L, R] {
	var c StreamJoined[K, L, R]
	if j != nil {
		c = *j
	}
	if c.key == nil {
		c.key = l.key
	}
	if c.key == nil {
		c.key = r.key
	}
	if c.left == nil {
		c.left = l.value
	}
	if c.right == nil {
		c.right = r.value
	}
	return c
}

// complete reports what is missing, or does not fit.
func (j *StreamJoined[K, L, R]) complete(g *graph.Builder, operator string, w JoinWindows) {
	for _, s := range []struct {
		what    string
		missing bool
	}{{"key", j.key == nil}, {"left value", j.left == nil}, {"right value", j.right == nil}} {
		if s.missing {
			g.Failf(operator, "no %s serde is given and none can be inferred here: pass stream.StreamJoinedWith(key, left, right)", s.what)
		}
	}
	if err := w.check(); err != nil {
		g.Failf(operator, "%w", err)
		return
	}
	for _, b := range []store.Builder{j.this, j.other} {
		if err := w.checkSupplied(b); err != nil {
			g.Failf(operator, "%w", err)
		}
	}
	if j.this != nil && j.other != nil && j.this.Name() == j.other.Name() {
		g.Failf(operator, "both stores are called %q: give each a name of its own", j.this.Name())
	}
}
