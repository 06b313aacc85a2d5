package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

// bufferRow is what a buffer has of a key: the last change that was held back, the
// value that was last sent, and the record that caused the change. Its bytes, in the
// buffer and in the changelog, are Kafka Streams':
//
//	int64 timestamp ‖ int64 offset ‖ string topic ‖ int32 partition
//	‖ int32 number of headers ‖ (string name ‖ bytes value)*
//	‖ bytes prior ‖ bytes old ‖ bytes new ‖ int64 time
//
// A string and bytes are preceded by their int32 length, -1 for null; for old, -2 says
// that it is what prior is. Kafka Streams: BufferValue, ProcessorRecordContext.
type bufferRow struct {
	timestamp, offset int64
	topic             []byte
	partition         int32
	headers           topology.Headers
	prior, old, new   []byte
	time              int64 // by which it is ordered

	from string // topic of the last origin: mostly it is the same
}

const same = -2 // in place of old's length

// take takes the record that is being processed.
func (r *bufferRow) take(s *graph.Source, timestamp int64, h topology.Headers) {
	r.timestamp, r.headers = timestamp, h
	if s == nil { // a punctuation
		r.offset, r.topic, r.partition = -1, r.topic[:0], -1
		return
	}
	r.offset, r.topic, r.partition = s.Record.Offset, append(r.topic[:0], s.Topic...), s.Partition
}

// origin is the record as what is being processed. It may be kept.
func (r *bufferRow) origin() graph.Origin {
	if r.from != string(r.topic) {
		r.from = string(r.topic)
	}
	o := &struct {
		source graph.Source
		record record.Record
	}{record: record.Record{Offset: r.offset, Timestamp: r.timestamp, Headers: r.headers}}
	o.source = graph.Source{Topic: r.from, Partition: r.partition, Record: &o.record}
	return graph.Origin{Source: &o.source, Moment: graph.Moment{Timestamp: r.timestamp, Headers: r.headers}}
}

// size is what the row counts of a limit of bytes, as Kafka Streams counts it.
func (r *bufferRow) size(key int) int64 {
	n := 8 + key + len(r.prior) + len(r.new) + 8 + 8 + len(r.topic) + 4
	if !r.sameOld() {
		n += len(r.old)
	}
	for _, h := range r.headers {
		n += len(h.Name) + len(h.Value)
	}
	return int64(n)
}

func (r *bufferRow) sameOld() bool {
	return (r.old == nil) == (r.prior == nil) && bytes.Equal(r.old, r.prior)
}

func (r *bufferRow) append(b []byte) []byte {
	e := binary.BigEndian
	b = e.AppendUint64(b, uint64(r.timestamp))
	b = e.AppendUint64(b, uint64(r.offset))
	b = appendSized(b, r.topic, false)
	b = e.AppendUint32(b, uint32(r.partition))
	b = e.AppendUint32(b, uint32(len(r.headers)))
	for _, h := range r.headers {
		b = e.AppendUint32(b, uint32(len(h.Name)))
		b = append(b, h.Name...)
		b = appendSized(b, h.Value, h.Value == nil)
	}
	b = appendSized(b, r.prior, r.prior == nil)
	if r.old != nil && r.sameOld() {
		b = e.AppendUint32(b, 0xffffffff+same+1)
	} else {
		b = appendSized(b, r.old, r.old == nil)
	}
	b = appendSized(b, r.new, r.new == nil)
	return e.AppendUint64(b, uint64(r.time))
}

func appendSized(b, value []byte, isNull bool) []byte {
	if isNull {
		return binary.BigEndian.AppendUint32(b, 0xffffffff)
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}

var errRow = errors.New("a row of the buffer ends early or has lengths that do not fit: its changelog is damaged, or not a buffer's")

// parse takes a row apart; what it refers to is part of data. Headers are copied.
func (r *bufferRow) parse(data []byte) error {
	d := rowReader{data: data}
	r.timestamp, r.offset = d.int64(), d.int64()
	r.topic, _ = d.sized()
	r.partition = d.int32()
	r.headers = nil
	n := d.int32()
	if n < 0 || int(n) > len(d.data)/8 {
		return errRow
	}
	for range n {
		name, _ := d.sized()
		value, _ := d.sized()
		r.headers = append(r.headers, serde.Header{Name: string(name), Value: bytes.Clone(value)})
	}
	r.prior, _ = d.sized()
	var length int32
	if r.old, length = d.sized(); length == same {
		r.old = r.prior
	}
	r.new, _ = d.sized()
	r.time = d.int64()
	if d.failed || len(d.data) > 0 {
		return errRow
	}
	return nil
}

// rowReader reads numbers and bytes off the front of data.
type rowReader struct {
	data   []byte
	failed bool
}

func (d *rowReader) take(n int) []byte {
	if n < 0 || n > len(d.data) {
		d.failed, d.data = true, nil
		return nil
	}
	b := d.data[:n:n]
	d.data = d.data[n:]
	return b
}

func (d *rowReader) int64() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (d *rowReader) int32() int32 {
	if b := d.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// sized reads bytes with their length; of a negative length there are none, and the
// bytes are null.
func (d *rowReader) sized() ([]byte, int32) {
	n := d.int32()
	if n < 0 {
		d.failed = d.failed || n < same
		return nil, n
	}
	b := d.take(int(n))
	if b == nil && !d.failed {
		b = []byte{}
	}
	return b, n
}

func rowError(store string, err error) error { return fmt.Errorf("store %q: %w", store, err) }
