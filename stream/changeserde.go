package stream

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/serde"
)

// changeSerde encodes the changes of a grouped table in its repartition topic, as
// Kafka Streams does (ChangedSerializer, KIP-904): the old value and a 0, the new
// value and a 1, or, if there are both, the length of the new value as a varint, new
// value, old value and a 2.
type changeSerde[V any] struct{ values serde.Serde[V] }

func (s changeSerde[V]) Bind(topic string, role serde.Role) (serde.Codec[change[V]], error) {
	c, err := s.values.Bind(topic, role)
	return &changeCodec[V]{values: c, isNull: null.Check[V]()}, err
}

const (
	oldFlag  = 0
	newFlag  = 1
	bothFlag = 2
	// With these, which no released version writes, a byte in front of the flag tells
	// whether the change is the latest of its key.
	latestFlags = 3
)

var errNoChange = errors.New("stream: a change has neither an old nor a new value")

type changeCodec[V any] struct {
	values serde.Codec[V]
	isNull func(*V) bool
	buf    []byte
}

func (c *changeCodec[V]) Append(dst []byte, v change[V]) (_ []byte, err error) {
	switch {
	case v.nullNew && v.nullOld:
		return dst, errNoChange
	case v.nullNew:
		if dst, err = c.values.Append(dst, v.old); err != nil {
			return dst, err
		}
		return append(dst, oldFlag), nil
	case v.nullOld:
		if dst, err = c.values.Append(dst, v.new); err != nil {
			return dst, err
		}
		return append(dst, newFlag), nil
	}
	if c.buf, err = c.values.Append(c.buf[:0], v.new); err != nil {
		return dst, err
	}
	dst = append(binary.AppendVarint(dst, int64(len(c.buf))), c.buf...)
	if dst, err = c.values.Append(dst, v.old); err != nil {
		return dst, err
	}
	return append(dst, bothFlag), nil
}

func (c *changeCodec[V]) Decode(data []byte) (v change[V], err error) {
	v.nullNew, v.nullOld = true, true
	if len(data) == 0 {
		return v, errors.New("stream: a change has no bytes, it should end in a flag")
	}
	flag, data := data[len(data)-1], data[:len(data)-1]
	if flag >= latestFlags && flag <= latestFlags+bothFlag {
		if len(data) == 0 {
			return v, fmt.Errorf("stream: a change has 1 byte, too few for the flag %d", flag)
		}
		flag, data = flag-latestFlags, data[:len(data)-1]
	}
	switch flag {
	case oldFlag:
		return v, c.decode(data, &v.old, &v.nullOld)
	case newFlag:
		return v, c.decode(data, &v.new, &v.nullNew)
	case bothFlag:
		n, width := binary.Varint(data)
		if width <= 0 || n < 0 || n > int64(len(data)-width) {
			return v, fmt.Errorf("stream: a change of %d bytes has a new value of %d", len(data), n)
		}
		data = data[width:]
		if err := c.decode(data[:n:n], &v.new, &v.nullNew); err != nil {
			return v, err
		}
		return v, c.decode(data[n:], &v.old, &v.nullOld)
	}
	return v, fmt.Errorf("stream: a change ends in the unknown flag %d", flag)
}

func (c *changeCodec[V]) decode(data []byte, v *V, isNull *bool) (err error) {
	*v, err = c.values.Decode(data)
	*isNull = c.isNull != nil && c.isNull(v)
	return err
}
