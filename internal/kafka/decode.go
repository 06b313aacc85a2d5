package kafka

import (
	"cmp"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"unsafe"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
)

// Batch is what was fetched of one partition at a time.
type Batch struct {
	Partition record.Partition
	Records   []record.Record // may be empty: then only the position moves
	Next      int64           // the offset to fetch next
	End       int64           // up to where the partition can be read now: LastStable if only committed records are read

	// HighWatermark is the offset behind the last replicated record, LastStable that
	// of the first record whose transaction is open, LogStart of the first record
	// that is still there.
	HighWatermark, LastStable, LogStart int64

	epoch int64
}

// errOldFormat: sarama reads such records, but they have no offsets of their own
// within a batch, and no Kafka since 4.0 writes or keeps them.
var errOldFormat = errors.New("the partition has records in the format before Kafka 0.11: rewrite the topic, for instance by copying it")

// decode makes a Batch of a partition's part of a response: records from offset
// on, without markers and, with readCommitted, without those of aborted
// transactions. Keys, values and header names share the response's memory. The
// position moves behind everything that was fetched, whether or not it is
// delivered.
func decode(p record.Partition, blk *sarama.FetchResponseBlock, offset int64, readCommitted bool) (Batch, error) {
	out := Batch{Partition: p, Next: offset, End: blk.HighWaterMarkOffset,
		HighWatermark: blk.HighWaterMarkOffset, LastStable: blk.LastStableOffset, LogStart: blk.LogStartOffset}
	var skip aborted
	if readCommitted {
		out.End = blk.LastStableOffset
		skip.pending = slices.Clone(blk.AbortedTransactions)
		slices.SortFunc(skip.pending, func(a, b *sarama.AbortedTransaction) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	}
	if len(blk.RecordsSet) == 0 {
		out.Next = max(out.Next, behindEmpty(blk))
		return out, nil
	}
	if err := out.reserve(blk); err != nil {
		return out, err
	}
	for _, rs := range blk.RecordsSet {
		rb := rs.RecordBatch
		if rb == nil || rb.PartialTrailingRecord {
			continue
		}
		if !skip.batch(rb) && !rb.Control {
			out.append(rb, offset)
		}
		out.Next = max(out.Next, rb.LastOffset()+1)
	}
	return out, nil
}

// behindEmpty returns the offset behind a response of nothing but batches without
// records, which compaction leaves behind so that the sequence numbers of their
// producers stay known; without any it returns 0. sarama drops such batches and
// keeps the offset to itself, and asking for the same offset again would return
// the same batches for ever.
func behindEmpty(blk *sarama.FetchResponseBlock) int64 {
	next := reflect.ValueOf(blk).Elem().FieldByName("recordsNextOffset")
	if !next.IsValid() || next.Kind() != reflect.Pointer || next.IsNil() {
		return 0
	}
	return next.Elem().Int()
}

// reserve makes room for all records of a response at once.
func (b *Batch) reserve(blk *sarama.FetchResponseBlock) error {
	n := 0
	for _, rs := range blk.RecordsSet {
		if rs.MsgSet != nil {
			return errOldFormat
		}
		if rs.RecordBatch != nil && !rs.RecordBatch.Control {
			n += len(rs.RecordBatch.Records)
		}
	}
	if n > 0 {
		b.Records = make([]record.Record, 0, n)
	}
	return nil
}

func (b *Batch) append(rb *sarama.RecordBatch, from int64) {
	first := int64(-1)
	if !rb.FirstTimestamp.IsZero() {
		first = rb.FirstTimestamp.UnixMilli()
	}
	n := 0
	for _, r := range rb.Records {
		n += len(r.Headers)
	}
	var headers []serde.Header
	if n > 0 {
		headers = make([]serde.Header, 0, n)
	}
	for _, r := range rb.Records {
		at := rb.FirstOffset + r.OffsetDelta
		if at < from {
			continue // the first batch may begin before the offset that was asked for
		}
		out := record.Record{Key: r.Key, Value: r.Value, Offset: at, Timestamp: first + r.TimestampDelta.Milliseconds()}
		if rb.LogAppendTime {
			out.Timestamp = rb.MaxTimestamp.UnixMilli()
		}
		if len(r.Headers) > 0 {
			begin := len(headers)
			for _, h := range r.Headers {
				// Nobody modifies the memory of a response.
				headers = append(headers, serde.Header{Name: unsafe.String(unsafe.SliceData(h.Key), len(h.Key)), Value: h.Value})
			}
			out.Headers = headers[begin:len(headers):len(headers)]
		}
		b.Records = append(b.Records, out)
	}
}

// aborted follows the aborted transactions of a partition through its batches.
type aborted struct {
	pending []*sarama.AbortedTransaction // in the order of their first offsets
	open    map[int64]bool               // producers with an aborted transaction here
}

// batch tells whether a batch is part of an aborted transaction.
func (a *aborted) batch(rb *sarama.RecordBatch) bool {
	for len(a.pending) > 0 && a.pending[0].FirstOffset <= rb.LastOffset() {
		if a.open == nil {
			a.open = map[int64]bool{}
		}
		a.open[a.pending[0].ProducerID] = true
		a.pending = a.pending[1:]
	}
	if rb.Control {
		if isAbort(rb) {
			delete(a.open, rb.ProducerID)
		}
		return false
	}
	return rb.IsTransactional && a.open[rb.ProducerID]
}

// isAbort tells whether a control batch is an abort marker: its key is a version
// and a type, two bytes each.
func isAbort(rb *sarama.RecordBatch) bool {
	if len(rb.Records) == 0 || len(rb.Records[0].Key) < 4 {
		return false
	}
	return binary.BigEndian.Uint16(rb.Records[0].Key[2:]) == 0
}
