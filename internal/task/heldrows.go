package task

import (
	"bytes"

	"github.com/tidwall/btree"
)

// heldRows are the entries of the record cache of a window or session store, in the
// order of their keys. They have the values: the store below gets a change only when it
// is given up, and its stream time moves only then. So what the cache holds is seen for
// as long as it holds it, in which case the store may have refused it or dropped it
// since: it is a session that a record can still be part of, or a window that is emitted
// when it closes. All this is as in Kafka Streams.
type heldRows struct {
	*btree.BTreeG[*held]
	pivot held
}

func newHeldRows() *heldRows {
	less := func(a, b *held) bool { return bytes.Compare(a.bytes, b.bytes) < 0 }
	return &heldRows{BTreeG: btree.NewBTreeGOptions(less, btree.Options{NoLocks: true, Degree: 16})}
}

// from calls f for the entries whose keys are not less than key, as long as it returns
// true.
func (r *heldRows) from(key []byte, f func(*held) bool) {
	r.pivot.bytes = key
	r.Ascend(&r.pivot, f)
	r.pivot.bytes = nil
}

// hold keeps a change until it is given up. The store is asked now whether it could take
// it, since there is nobody to tell later.
func (c *cached) hold(key, value []byte) (*held, error) {
	if err := c.Store.Check(key, value); err != nil {
		return nil, err
	}
	h := c.held[string(key)]
	if h == nil {
		h = c.insert(key)
	}
	switch {
	case value == nil:
		h.value = nil
	case h.value == nil:
		h.value = append([]byte{}, value...)
	default:
		h.value = append(h.value[:0], value...)
	}
	return h, nil
}

// readOld takes what the store shows at the key of a row before the change is written.
func (c *cached) readOld(h *held) error {
	spec := c.Spec()
	h.hadOld = false
	if spec.RowTime(spec.ChangelogKey(h.bytes)) < spec.Oldest(c.StreamTime()) {
		return nil
	}
	old, err := c.Store.Get(h.bytes)
	h.old, h.hadOld = append(h.old[:0], old...), old != nil
	return err
}

// Held implements [store.CachedReader].
func (c *cached) Held(key []byte) (value []byte, ok bool) {
	h := c.held[string(key)]
	if h == nil {
		return nil, false
	}
	c.used.moveToBack(h)
	return h.value, true
}

// NextHeld implements [store.CachedReader].
func (c *cached) NextHeld(from []byte) (key []byte) {
	c.rows.from(from, func(h *held) bool {
		key = h.bytes
		return false
	})
	return key
}

// AppendHeld implements [store.CachedReader].
func (c *cached) AppendHeld(dst [][]byte, from, to []byte) [][]byte {
	c.rows.from(from, func(h *held) bool {
		if bytes.Compare(h.bytes, to) >= 0 {
			return false
		}
		dst = append(dst, h.bytes)
		return true
	})
	return dst
}
