package stream

import (
	"encoding/binary"
	"fmt"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// windowTable is the edge of a windowed table to its children: what tableStore is for
// a plain table.
type windowTable[K, A any] struct {
	flags  *tableFlags
	spec   store.Spec
	task   graph.Task
	cached bool           // the record cache forwards
	key    serde.Codec[K] // of what the cache gives up
	value  serde.Codec[A]
	isNull func(*A) bool
	// encodings are those of what is stored or, with the record cache, given up.
	encodings *store.Encodings
	out       graph.Out[topology.Record[Windowed[K], change[A]]]
	r         topology.Record[Windowed[K], change[A]]
}

// newWindowTable returns the edge and the store. forwards: updates are forwarded, and
// not only what is emitted when windows close.
func newWindowTable[K, A, S any](w *graph.Wiring, m *Materialized[K, A], spec store.Spec, flags *tableFlags, forwards bool) (*windowTable[K, A], S, error) {
	var none S
	out, err := graph.Connect[topology.Record[Windowed[K], change[A]]](w)
	if err != nil {
		return nil, none, err
	}
	s, err := w.Store(spec.Name)
	if err != nil {
		return nil, none, err
	}
	typed, ok := s.(S)
	e, encodes := s.(encoder)
	if !ok || !encodes {
		return nil, none, fmt.Errorf("store %q is a %T, not the table's", spec.Name, s)
	}
	t := &windowTable[K, A]{flags: flags, spec: spec, task: w.Task, isNull: null.Check[A](), encodings: e.Encodings(), out: out}
	listener := t.flushed
	if !forwards {
		listener = nil
	}
	if t.cached = w.Task.Listen(spec.Name, listener); !t.cached || !forwards {
		return t, typed, nil
	}
	t.encodings = t.encodings.Like()
	changelog := w.Internal(spec.Name + "-changelog")
	if t.key, err = m.key.Bind(changelog, serde.Key.Internal()); err == nil {
		t.value, err = m.value.Bind(changelog, serde.Value.Internal())
	}
	return t, typed, err
}

// update makes an update of a window ready to be forwarded, and reports whether its
// new value is null.
func (t *windowTable[K, A]) update(key K, w Window, value A, isNull bool, old A, nullOld bool, timestamp int64) bool {
	t.r = topology.Record[Windowed[K], change[A]]{Key: Windowed[K]{Key: key, Window: w}, Timestamp: timestamp,
		Value: change[A]{new: value, nullNew: isNull, old: old, nullOld: nullOld}}
	c := &t.r.Value
	if t.isNull != nil {
		c.nullNew = isNull || t.isNull(&c.new)
		c.nullOld = nullOld || t.isNull(&c.old)
	}
	if !t.flags.sendOld {
		var none A
		c.old, c.nullOld = none, true
	}
	return c.nullNew
}

// stored keeps with the last update how the store has written it; err is the store's.
func (t *windowTable[K, A]) stored(err error) error {
	t.r.Value.encoded = t.encodings.Last()
	return err
}

// forward sends the last update on, unless the cache will.
func (t *windowTable[K, A]) forward(h topology.Headers) error {
	if t.cached {
		return nil
	}
	t.r.Headers = h
	return t.out.Forward(&t.r)
}

// emit sends the result of a closed window on.
func (t *windowTable[K, A]) emit(key Windowed[K], value A, timestamp int64, h topology.Headers) error {
	t.r = topology.Record[Windowed[K], change[A]]{Key: key, Timestamp: timestamp, Headers: h, Value: change[A]{new: value, nullOld: true}}
	return t.out.Forward(&t.r)
}

// flushed forwards what a window became since the cache last gave it up.
func (t *windowTable[K, A]) flushed(engineKey, value, old []byte, at graph.Moment) (err error) {
	key, w := t.spec.Split(engineKey)
	t.r = topology.Record[Windowed[K], change[A]]{Key: Windowed[K]{Window: w}, Timestamp: at.Timestamp, Headers: at.Headers,
		Value: change[A]{nullNew: value == nil, nullOld: true}}
	if t.r.Key.Key, err = t.key.Decode(key); err != nil {
		return fmt.Errorf("store %q: key: %w", t.spec.Name, err)
	}
	if value != nil {
		if t.r.Value.new, t.r.Timestamp, err = t.decode(value); err != nil {
			return err
		}
		t.r.Value.encoded = t.encodings.Add(value)
	}
	if old != nil && t.flags.sendOld {
		t.r.Value.nullOld = false
		if t.r.Value.old, _, err = t.decode(old); err != nil {
			return err
		}
	}
	if t.spec.Kind == store.KindSession {
		t.r.Timestamp = w.End
	}
	return t.out.Forward(&t.r)
}

// decode decodes a value as the store keeps it.
func (t *windowTable[K, A]) decode(b []byte) (value A, timestamp int64, err error) {
	if t.spec.Kind.Timestamped() {
		if len(b) < 8 {
			return value, 0, fmt.Errorf("store %q: a value has %d bytes, less than its timestamp", t.spec.Name, len(b))
		}
		timestamp, b = int64(binary.BigEndian.Uint64(b)), b[8:]
	}
	if value, err = t.value.Decode(b); err != nil {
		err = fmt.Errorf("store %q: value: %w", t.spec.Name, err)
	}
	return value, timestamp, err
}
