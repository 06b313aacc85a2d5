package stream

import (
	"context"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/topology"
)

// AsyncMapValues is [TryMapValues] with up to limit calls of f at the same time, for
// work that waits: a request to a service, say. Kafka Streams has no such operator.
//
// Records of one key are mapped one after the other and sent on in their order;
// those of different keys may overtake each other, and operators behind it that go by
// stream time see them out of order by as much as a call takes. Null keys are one
// key. The task goes on with other records until limit of them wait here.
//
// A commit waits for the calls that are under way, so it is as exact as without
// them: an offset is committed together with what became of its record, and after a
// crash the record is mapped again. A call should therefore be short compared to
// CommitInterval, must be shorter than TransactionTimeout, and may happen twice.
//
// An error or a panic of f goes to the error handler when the record's turn has come;
// Retry calls f again. ctx ends when the task is given up or its work is aborted: what
// f returns then is not looked at. f runs on goroutines of its own and must not use
// stores. In package streamtest calls are made at once.
func AsyncMapValues[K comparable, V, V2 any](s *KStream[K, V], limit int, f RecordFunc[K, V, V2], opts ...Option) *KStream[K, V2] {
	const prefix = "KSTREAM-ASYNCMAPVALUES-"
	name := s.b.g.Name(s.b.options(prefix, opts, optName).name, prefix)
	if limit < 1 {
		s.b.g.Failf(name, "a limit of %d calls at the same time: it must be at least 1", limit)
	}
	if s.op.Overwritten() {
		s.b.g.Failf(name, "AsyncMapValues keeps values while others are read, and a source or an aggregation before it has ReuseValues, which overwrites them: leave that out")
	}
	op := s.add(name, func(w *graph.Wiring) (any, error) {
		out, err := graph.Connect[topology.Record[K, V2]](w)
		return &asyncNode[K, V, V2]{name: name, task: w.Task, calls: w.Task.Async(), limit: limit, f: f, out: out,
			isNull: null.Check[V2](), lanes: map[lane[K]][]*asyncCall[K, V, V2]{}}, err
	})
	return &KStream[K, V2]{b: s.b, op: op, name: name, key: s.key, repartition: s.repartition}
}

// asyncNode has a lane for each key with records; the first of a lane is under way.
type asyncNode[K comparable, V, V2 any] struct {
	name   string
	task   graph.Task
	calls  graph.Async
	limit  int
	f      RecordFunc[K, V, V2]
	out    graph.Out[topology.Record[K, V2]]
	isNull func(*V2) bool
	lanes  map[lane[K]][]*asyncCall[K, V, V2]
	held   int // records in all lanes
}

type lane[K comparable] struct {
	key  K
	null bool
}

// asyncCall is a record that is held, and what became of it.
type asyncCall[K comparable, V, V2 any] struct {
	in   topology.Record[K, V]
	from graph.Origin
	out  topology.Record[K, V2]
	err  error
}

func (n *asyncNode[K, V, V2]) Receive(r *topology.Record[K, V]) error {
	for n.held >= n.limit {
		if err := n.calls.Await(); err != nil {
			return err
		}
	}
	c := &asyncCall[K, V, V2]{in: *r, from: n.calls.Here()}
	c.out = topology.Record[K, V2]{Key: r.Key, NullKey: r.NullKey, Timestamp: r.Timestamp, Headers: r.Headers}
	l := lane[K]{r.Key, r.NullKey}
	n.lanes[l] = append(n.lanes[l], c)
	n.held++
	if len(n.lanes[l]) == 1 {
		n.start(l, c)
	}
	return nil
}

func (n *asyncNode[K, V, V2]) start(l lane[K], c *asyncCall[K, V, V2]) {
	n.calls.Start(c.from, func(ctx context.Context) { c.err = n.call(ctx, c) }, func() error { return n.ended(l, c) })
}

func (n *asyncNode[K, V, V2]) call(ctx context.Context, c *asyncCall[K, V, V2]) (err error) {
	defer graph.Recover(&err)
	c.out.Value, err = n.f(ctx, c.in)
	return err
}

// ended sends a result on and starts the next call of its lane.
func (n *asyncNode[K, V, V2]) ended(l lane[K], c *asyncCall[K, V, V2]) error {
	if c.err != nil {
		retry, err := n.task.Handle(graph.Processing, n.name, c.err)
		if err != nil {
			return err
		}
		if retry {
			n.start(l, c)
			return nil
		}
	}
	n.held--
	if rest := n.lanes[l][1:]; len(rest) > 0 {
		n.lanes[l] = rest
		n.start(l, rest[0])
	} else {
		delete(n.lanes, l)
	}
	if c.err != nil {
		return nil // skipped, or a dead letter
	}
	if n.isNull != nil {
		c.out.NullValue = n.isNull(&c.out.Value)
	}
	return n.out.Forward(&c.out)
}
