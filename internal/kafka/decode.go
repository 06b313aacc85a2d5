package kafka

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
)

// Batch is what was fetched of one partition at a time.
type Batch struct {
	Partition record.Partition
	Records   []record.Record // may be empty: then only the position moves
	Next      int64           // the offset to fetch next
	End       int64           // up to where the partition can be read now

	epoch int64
}

// decode makes a Batch of a partition's part of a response: records from offset
// on, without markers and, with readCommitted, without those of aborted
// transactions. Keys and values share the response's memory.
func decode(p record.Partition, blk *sarama.FetchResponseBlock, offset int64, readCommitted bool) (Batch, error) {
	out := Batch{Partition: p, Next: offset, End: blk.HighWaterMarkOffset}
	n := 0
	for _, rs := range blk.RecordsSet {
		if rs.RecordBatch == nil && rs.MsgSet != nil && len(rs.MsgSet.Messages) > 0 {
			return out, fmt.Errorf("the partition has records in the format before Kafka 0.11: rewrite the topic, for instance by upgrading the broker's message format")
		}
		if rs.RecordBatch != nil {
			n += len(rs.RecordBatch.Records)
		}
	}
	out.Records = make([]record.Record, 0, n)
	var skip aborted
	if readCommitted {
		out.End = blk.LastStableOffset
		skip.pending = slices.Clone(blk.AbortedTransactions)
		slices.SortFunc(skip.pending, func(a, b *sarama.AbortedTransaction) int { return int(a.FirstOffset - b.FirstOffset) })
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

func (b *Batch) append(rb *sarama.RecordBatch, from int64) {
	first := int64(-1)
	if !rb.FirstTimestamp.IsZero() {
		first = rb.FirstTimestamp.UnixMilli()
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
		for _, h := range r.Headers {
			out.Headers = append(out.Headers, serde.Header{Name: string(h.Key), Value: h.Value})
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
