package kafka

import (
	"encoding/binary"
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/record"
)

func data(base, pid int64, transactional bool, values ...string) *sarama.Records {
	rb := &sarama.RecordBatch{FirstOffset: base, ProducerID: pid, IsTransactional: transactional, LastOffsetDelta: int32(len(values) - 1)}
	for i, v := range values {
		rb.Records = append(rb.Records, &sarama.Record{OffsetDelta: int64(i), Value: []byte(v)})
	}
	return &sarama.Records{RecordBatch: rb}
}

func marker(base, pid int64, kind uint16) *sarama.Records {
	key := binary.BigEndian.AppendUint16([]byte{0, 0}, kind)
	rb := &sarama.RecordBatch{FirstOffset: base, ProducerID: pid, IsTransactional: true, Control: true, Records: []*sarama.Record{{Key: key}}}
	return &sarama.Records{RecordBatch: rb}
}

func TestAbortedRecordsAreLeftOut(t *testing.T) {
	const abort, commit = 0, 1
	for _, c := range []struct {
		name    string
		from    int64
		sets    []*sarama.Records
		aborted []*sarama.AbortedTransaction
		want    []string
		next    int64
	}{
		{name: "marker alone", from: 3, sets: []*sarama.Records{marker(3, 1, commit)}, next: 4},
		{name: "two producers interleaved", sets: []*sarama.Records{
			data(0, 1, true, "a1"), data(1, 2, true, "b1"), marker(2, 1, abort), data(3, 1, true, "a2"), marker(4, 2, commit), marker(5, 1, commit),
		}, aborted: []*sarama.AbortedTransaction{{ProducerID: 1, FirstOffset: 0}}, want: []string{"b1", "a2"}, next: 6},
		{name: "unordered list, same producer twice", sets: []*sarama.Records{
			data(0, 1, true, "a"), marker(1, 1, abort), data(2, 1, true, "b"), marker(3, 1, commit), data(4, 1, true, "c"), marker(5, 1, abort),
		}, aborted: []*sarama.AbortedTransaction{{ProducerID: 1, FirstOffset: 4}, {ProducerID: 1, FirstOffset: 0}}, want: []string{"b"}, next: 6},
		{name: "records without a transaction stay", sets: []*sarama.Records{
			data(0, 1, true, "a"), data(1, 1, false, "b"), marker(2, 1, abort),
		}, aborted: []*sarama.AbortedTransaction{{ProducerID: 1, FirstOffset: 0}}, want: []string{"b"}, next: 3},
		{name: "aborted before what was asked for", from: 5, sets: []*sarama.Records{
			data(4, 1, true, "a", "b"), marker(6, 1, abort),
		}, aborted: []*sarama.AbortedTransaction{{ProducerID: 1, FirstOffset: 0}}, next: 7},
		{name: "damaged marker", sets: []*sarama.Records{
			data(0, 1, true, "a"), {RecordBatch: &sarama.RecordBatch{FirstOffset: 1, ProducerID: 1, Control: true, Records: []*sarama.Record{{Key: []byte{0}}}}}, data(2, 1, true, "b"),
		}, aborted: []*sarama.AbortedTransaction{{ProducerID: 1, FirstOffset: 0}}, next: 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			blk := &sarama.FetchResponseBlock{HighWaterMarkOffset: 90, LastStableOffset: 80, LogStartOffset: 1, RecordsSet: c.sets, AbortedTransactions: c.aborted}
			got, err := decode(record.Partition{Topic: "t"}, blk, c.from, true)
			must(t, err)
			if diff := cmp.Diff(c.want, values(got.Records)); diff != "" {
				t.Error(diff)
			}
			if got.Next != c.next || got.End != 80 || got.HighWatermark != 90 || got.LastStable != 80 || got.LogStart != 1 {
				t.Errorf("positions %+v", got)
			}
			all, err := decode(record.Partition{Topic: "t"}, blk, c.from, false)
			must(t, err)
			if all.Next != c.next || all.End != 90 || len(all.Records) < len(c.want) {
				t.Errorf("read uncommitted: %+v", all)
			}
		})
	}
}

func TestDecodingAllocatesNothingPerRecord(t *testing.T) {
	rb := &sarama.RecordBatch{LastOffsetDelta: 999}
	for i := range 1000 {
		rb.Records = append(rb.Records, &sarama.Record{OffsetDelta: int64(i), Value: []byte("v"), Headers: []*sarama.RecordHeader{{Key: []byte("h"), Value: []byte("w")}}})
	}
	blk := &sarama.FetchResponseBlock{RecordsSet: []*sarama.Records{{RecordBatch: rb}}}
	n := testing.AllocsPerRun(10, func() {
		if b, err := decode(record.Partition{}, blk, 0, true); err != nil || len(b.Records) != 1000 {
			t.Fatal(err, len(b.Records))
		}
	})
	if n > 5 {
		t.Errorf("%v allocations for 1000 records", n)
	}
}

func TestOldFormatIsRefused(t *testing.T) {
	blk := &sarama.FetchResponseBlock{RecordsSet: []*sarama.Records{{MsgSet: &sarama.MessageSet{Messages: []*sarama.MessageBlock{{}}}}}}
	if _, err := decode(record.Partition{}, blk, 0, true); err == nil {
		t.Error("no error")
	}
}
