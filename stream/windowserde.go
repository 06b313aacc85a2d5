package stream

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// TimeWindowed is the serde of the keys of a windowed table in a topic: the key's
// bytes and the window's start in 8 bytes, big-endian. The end is not in them: it is
// the start and size, which must be that of the windows, or the time difference of
// sliding windows; [store.Forever] is the size of an unlimited one. Kafka Streams:
// WindowedSerdes.TimeWindowedSerde.
//
// A stream with such keys is written to the partition of the key in the window, so
// all windows of a key are in one partition.
func TimeWindowed[K any](key serde.Serde[K], size time.Duration) serde.Serde[Windowed[K]] {
	ms := size.Milliseconds()
	if size == store.Forever {
		ms = math.MaxInt64
	}
	return timeWindowed[K]{key, ms}
}

// SessionWindowed is the serde of the keys of a table of sessions in a topic: the
// key's bytes, then the session's end and its start in 8 bytes each, big-endian.
// Partitions are chosen as with [TimeWindowed]. Kafka Streams:
// WindowedSerdes.SessionWindowedSerde.
func SessionWindowed[K any](key serde.Serde[K]) serde.Serde[Windowed[K]] {
	return sessionWindowed[K]{key}
}

type timeWindowed[K any] struct {
	key  serde.Serde[K]
	size int64
}

func (s timeWindowed[K]) Bind(topic string, role serde.Role) (serde.Codec[Windowed[K]], error) {
	c, err := s.key.Bind(topic, role)
	if err != nil {
		return nil, err
	}
	return timeWindowedCodec[K]{c, s.size}, nil
}

func (timeWindowed[K]) windowBytes() int { return 8 }

type timeWindowedCodec[K any] struct {
	key  serde.Codec[K]
	size int64
}

func (c timeWindowedCodec[K]) Append(dst []byte, w Windowed[K]) ([]byte, error) {
	out, err := c.key.Append(dst, w.Key)
	if err != nil {
		return dst, err
	}
	return binary.BigEndian.AppendUint64(out, uint64(w.Window.Start)), nil
}

func (c timeWindowedCodec[K]) Decode(data []byte) (w Windowed[K], err error) {
	at := len(data) - 8
	if at < 0 {
		return w, fmt.Errorf("a windowed key has %d bytes, less than the start of its window", len(data))
	}
	start := int64(binary.BigEndian.Uint64(data[at:]))
	if start < 0 {
		return w, fmt.Errorf("a windowed key has a window that starts at %d", start)
	}
	w.Window = Window{Start: start, End: plus(start, c.size)}
	w.Key, err = c.key.Decode(data[:at:at])
	return w, err
}

type sessionWindowed[K any] struct{ key serde.Serde[K] }

func (s sessionWindowed[K]) Bind(topic string, role serde.Role) (serde.Codec[Windowed[K]], error) {
	c, err := s.key.Bind(topic, role)
	if err != nil {
		return nil, err
	}
	return sessionWindowedCodec[K]{c}, nil
}

func (sessionWindowed[K]) windowBytes() int { return 16 }

type sessionWindowedCodec[K any] struct{ key serde.Codec[K] }

func (c sessionWindowedCodec[K]) Append(dst []byte, w Windowed[K]) ([]byte, error) {
	out, err := c.key.Append(dst, w.Key)
	if err != nil {
		return dst, err
	}
	out = binary.BigEndian.AppendUint64(out, uint64(w.Window.End))
	return binary.BigEndian.AppendUint64(out, uint64(w.Window.Start)), nil
}

func (c sessionWindowedCodec[K]) Decode(data []byte) (w Windowed[K], err error) {
	at := len(data) - 16
	if at < 0 {
		return w, fmt.Errorf("a session's key has %d bytes, less than the bounds of its window", len(data))
	}
	w.Window.End = int64(binary.BigEndian.Uint64(data[at:]))
	w.Window.Start = int64(binary.BigEndian.Uint64(data[at+8:]))
	if w.Window.Start < 0 || w.Window.End < w.Window.Start {
		return w, fmt.Errorf("a session's key has a session from %d to %d", w.Window.Start, w.Window.End)
	}
	w.Key, err = c.key.Decode(data[:at:at])
	return w, err
}

// keyInWindow returns the function that cuts the window off an encoded key, nil if the
// serde is not one of windowed keys. Kafka Streams: WindowedStreamPartitioner.
func keyInWindow(key any) func([]byte) []byte {
	w, ok := key.(interface{ windowBytes() int })
	if !ok {
		return nil
	}
	n := w.windowBytes()
	return func(key []byte) []byte { return key[:max(0, len(key)-n)] }
}
