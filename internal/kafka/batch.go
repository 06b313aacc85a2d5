package kafka

import (
	"time"
	"unsafe"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/serde"
)

// batch is records of one partition on their way to the broker. Keys, values and
// headers lie in one arena; the memory is used again after the acknowledgement.
type batch struct {
	part        *partition
	records     []sarama.Record
	pointers    []*sarama.Record
	headers     []sarama.RecordHeader
	headerRefs  []*sarama.RecordHeader
	arena       []byte
	bytes       int   // about what the records take on the wire, uncompressed
	first, last int64 // timestamps in milliseconds; last is the largest
	sequence    int32 // of the first record, once encoded is set
	encoded     *sarama.RecordBatch
	sent        bool // and not yet answered
}

// overhead is what a record takes besides key, value and headers: lengths,
// attributes, and the distances to the first record's time and offset.
const overhead = 20

// size is what a record adds to a batch.
func size(key, value []byte, headers []serde.Header) int {
	n := overhead + len(key) + len(value)
	for _, h := range headers {
		n += 10 + len(h.Name) + len(h.Value)
	}
	return n
}

// spare are batches to be used again, the last one first. A collection of garbage leaves
// them where they are: each one that is made anew grows through all sizes.
type spare struct {
	batches []*batch
	bytes   int
}

// maxSpare is how much memory waits to be used again.
const maxSpare = 16 << 20

func (s *spare) take(p *partition) *batch {
	last := len(s.batches) - 1
	if last < 0 {
		return &batch{part: p}
	}
	b := s.batches[last]
	s.batches[last] = nil
	s.batches = s.batches[:last]
	s.bytes -= b.memory()
	b.part = p
	return b
}

// give takes the memory of a batch, unless one large record made it much larger than
// usual.
func (s *spare) give(b *batch, usual int) {
	clear(b.records)
	clear(b.pointers)
	clear(b.headers)
	clear(b.headerRefs)
	*b = batch{records: b.records[:0], pointers: b.pointers[:0], headers: b.headers[:0], headerRefs: b.headerRefs[:0], arena: b.arena[:0]}
	if n := b.memory(); cap(b.arena) <= 2*usual && s.bytes+n <= maxSpare {
		s.batches = append(s.batches, b)
		s.bytes += n
	}
}

// memory is about what a batch takes, whatever is in it.
func (b *batch) memory() int {
	const record, header = int(unsafe.Sizeof(sarama.Record{})) + 8, int(unsafe.Sizeof(sarama.RecordHeader{})) + 8
	return cap(b.arena) + cap(b.records)*record + cap(b.headers)*header
}

// append copies a record of the given size. What it grows out of stays valid: the
// records before refer to it.
func (b *batch) append(key, value []byte, timestamp int64, headers []serde.Header, size int) {
	if len(b.records) == 0 {
		b.first, b.last = timestamp, timestamp
	}
	b.last = max(b.last, timestamp)
	b.bytes += size
	r := sarama.Record{Key: b.keep(key), Value: b.keep(value), OffsetDelta: int64(len(b.records)),
		TimestampDelta: time.Duration(timestamp-b.first) * time.Millisecond}
	if len(headers) > 0 {
		r.Headers = b.keepHeaders(headers)
	}
	b.records = append(b.records, r)
}

func (b *batch) keepHeaders(headers []serde.Header) []*sarama.RecordHeader {
	at := len(b.headerRefs)
	for _, h := range headers {
		b.headers = append(b.headers, sarama.RecordHeader{Key: b.keepString(h.Name), Value: b.keep(h.Value)})
		b.headerRefs = append(b.headerRefs, &b.headers[len(b.headers)-1])
	}
	return b.headerRefs[at:len(b.headerRefs):len(b.headerRefs)]
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

func (b *batch) keepString(s string) []byte {
	at := len(b.arena)
	b.arena = append(b.arena, s...)
	return b.arena[at:len(b.arena):len(b.arena)]
}

// seal gives the batch its sequence number. After that it can be sent, and sent
// again.
func (b *batch) seal(pid int64, epoch int16, sequence int32, codec sarama.CompressionCodec, transactional bool) {
	b.pointers = b.pointers[:0]
	for i := range b.records {
		b.pointers = append(b.pointers, &b.records[i])
	}
	b.sequence = sequence
	b.encoded = &sarama.RecordBatch{Version: 2, FirstTimestamp: instant(b.first), MaxTimestamp: instant(b.last), ProducerID: pid,
		ProducerEpoch: epoch, FirstSequence: sequence, IsTransactional: transactional, Records: b.pointers, LastOffsetDelta: int32(len(b.records) - 1),
		Codec: codec, CompressionLevel: sarama.CompressionLevelDefault}
}

// instant is a timestamp as sarama has it: the zero time is none.
func instant(ms int64) time.Time {
	if ms < 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// split makes two batches with the sequence numbers that this one has.
func (b *batch) split(from *spare) [2]*batch {
	var halves [2]*batch
	middle := len(b.records) / 2
	for i, records := range [2][]sarama.Record{b.records[:middle], b.records[middle:]} {
		h := from.take(b.part)
		for _, r := range records {
			var headers []serde.Header
			for _, hdr := range r.Headers {
				headers = append(headers, serde.Header{Name: string(hdr.Key), Value: hdr.Value})
			}
			h.append(r.Key, r.Value, b.first+r.TimestampDelta.Milliseconds(), headers, size(r.Key, r.Value, headers))
		}
		h.seal(b.encoded.ProducerID, b.encoded.ProducerEpoch, advance(b.sequence, i*middle), b.encoded.Codec, b.encoded.IsTransactional)
		halves[i] = h
	}
	return halves
}

// advance is the sequence number n records later: they begin again at 0 behind the
// largest.
func advance(sequence int32, n int) int32 { return int32((int64(sequence) + int64(n)) & 0x7fffffff) }
