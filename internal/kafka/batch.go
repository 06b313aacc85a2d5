package kafka

import (
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/serde"
)

// batch is records of one partition on their way to the broker. Keys and values
// lie in one arena; the memory is used again after the acknowledgement.
type batch struct {
	part        *partition
	records     []sarama.Record
	pointers    []*sarama.Record
	arena       []byte
	first, last int64 // timestamps in milliseconds; last is the largest
	encoded     *sarama.RecordBatch
	sent        bool // and not yet answered
}

var batches = sync.Pool{New: func() any { return &batch{} }}

func newBatch(p *partition, bytes int) *batch {
	b := batches.Get().(*batch)
	if cap(b.arena) < bytes {
		b.arena = make([]byte, 0, bytes)
	}
	b.part = p
	return b
}

// release gives the memory back. Only an arena of the usual size is kept.
func (b *batch) release(bytes int) {
	clear(b.records)
	*b = batch{records: b.records[:0], pointers: b.pointers[:0], arena: b.arena[:0]}
	if cap(b.arena) <= bytes {
		batches.Put(b)
	}
}

// room tells whether a record of n bytes fits; an empty batch takes any.
func (b *batch) room(n int) bool { return len(b.records) == 0 || len(b.arena)+n <= cap(b.arena) }

func (b *batch) append(key, value []byte, timestamp int64, headers []serde.Header) {
	if len(b.records) == 0 {
		b.first, b.last = timestamp, timestamp
	}
	b.last = max(b.last, timestamp)
	b.records = append(b.records, sarama.Record{Key: b.keep(key), Value: b.keep(value), OffsetDelta: int64(len(b.records)),
		TimestampDelta: time.Duration(timestamp-b.first) * time.Millisecond})
	r := &b.records[len(b.records)-1]
	for _, h := range headers {
		r.Headers = append(r.Headers, &sarama.RecordHeader{Key: []byte(h.Name), Value: h.Value})
	}
}

// keep copies data into the arena; nil stays nil.
func (b *batch) keep(data []byte) []byte {
	if data == nil {
		return nil
	}
	at := len(b.arena)
	b.arena = append(b.arena, data...)
	return b.arena[at:len(b.arena):len(b.arena)]
}

// seal gives the batch its sequence number. After that it can be sent, and sent
// again.
func (b *batch) seal(pid int64, epoch int16, sequence int32, codec sarama.CompressionCodec, transactional bool) {
	b.pointers = b.pointers[:0]
	for i := range b.records {
		b.pointers = append(b.pointers, &b.records[i])
	}
	b.encoded = &sarama.RecordBatch{Version: 2, FirstTimestamp: time.UnixMilli(b.first), MaxTimestamp: time.UnixMilli(b.last), ProducerID: pid,
		ProducerEpoch: epoch, FirstSequence: sequence, IsTransactional: transactional, Records: b.pointers, LastOffsetDelta: int32(len(b.records) - 1),
		Codec: codec, CompressionLevel: sarama.CompressionLevelDefault}
}
