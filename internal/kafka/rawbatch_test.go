package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamweir/streamweir/internal/record"
)

// rawBatch encodes a batch as a broker keeps it. Sequence and producer are absent.
func rawBatch(base int64, lastDelta int32, records ...string) []byte {
	body := binary.BigEndian.AppendUint16(nil, 0) // attributes
	body = binary.BigEndian.AppendUint32(body, uint32(lastDelta))
	body = binary.BigEndian.AppendUint64(body, 1000)
	body = binary.BigEndian.AppendUint64(body, 1000)
	body = binary.BigEndian.AppendUint64(body, ^uint64(0))
	body = binary.BigEndian.AppendUint16(body, ^uint16(0))
	body = binary.BigEndian.AppendUint32(body, ^uint32(0))
	body = binary.BigEndian.AppendUint32(body, uint32(len(records)))
	for i, v := range records {
		r := []byte{0, 0}
		r = binary.AppendVarint(r, int64(i))
		r = binary.AppendVarint(r, -1)
		r = binary.AppendVarint(r, int64(len(v)))
		r = append(append(r, v...), 0)
		body = append(binary.AppendVarint(body, int64(len(r))), r...)
	}
	out := binary.BigEndian.AppendUint64(nil, uint64(base))
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)+9))
	out = binary.BigEndian.AppendUint32(out, 0) // leader epoch
	out = append(out, 2)
	out = binary.BigEndian.AppendUint32(out, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	return append(out, body...)
}

// serve answers fetches of a topic with what the partitions have at an offset.
func serve(e *env, end int64, at func(partition int32, offset int64) []byte) {
	e.fake.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		e.fake.KeepControl()
		req := kreq.(*kmsg.FetchRequest)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		for _, rt := range req.Topics {
			st := kmsg.NewFetchResponseTopic()
			st.Topic, st.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				sp := kmsg.NewFetchResponseTopicPartition()
				sp.Partition, sp.HighWatermark, sp.LastStableOffset = rp.Partition, end, end
				sp.RecordBatches = at(rp.Partition, rp.FetchOffset)
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
}

// Compaction keeps the last batch of a producer without its records. Asking for the
// same offset again would never end.
func TestPositionMovesBehindEmptyBatches(t *testing.T) {
	e := fake(t)
	c := e.client(t)
	topic := e.topic(t, c, 1, nil)
	at := record.Partition{Topic: topic}
	serve(e, 12, func(_ int32, offset int64) []byte {
		switch {
		case offset < 5:
			return rawBatch(0, 4) // nothing else, as if limits cut the rest off
		case offset < 8:
			return append(rawBatch(5, 1), rawBatch(7, 0, "a")...)
		case offset < 10:
			return append(rawBatch(8, 1, "b", "c"), rawBatch(10, 1)...)
		case offset < 12:
			return rawBatch(10, 1)
		}
		return []byte{}
	})
	f := e.fetcher(t, c, FetchConfig{})
	f.Set(map[record.Partition]int64{at: 0})
	r := read(f)
	r.until(t, func() bool { return r.next[at] == 12 })
	if diff := cmp.Diff([]string{"a", "b", "c"}, values(r.records[at])); diff != "" {
		t.Error(diff)
	}
}

func TestCorruptBatchStopsItsPartitionOnly(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"checksum": func(b []byte) []byte { b[len(b)-2] ^= 1; return b },
		"cut off":  func(b []byte) []byte { return b[:len(b)-3] },
		"length":   func(b []byte) []byte { binary.BigEndian.PutUint32(b[8:], 1<<30); return b },
	} {
		t.Run(name, func(t *testing.T) {
			e := fake(t, kfake.NumBrokers(1))
			c := e.client(t)
			topic := e.topic(t, c, 3, nil)
			serve(e, 2, func(partition int32, offset int64) []byte {
				if offset > 0 {
					return []byte{}
				}
				if b := rawBatch(0, 1, "a", "b"); partition != 1 {
					return b
				} else {
					return damage(b)
				}
			})
			f := e.fetcher(t, c, FetchConfig{})
			offsets := map[record.Partition]int64{}
			for id := range int32(3) {
				offsets[record.Partition{Topic: topic, ID: id}] = 0
			}
			f.Set(offsets)
			r := read(f)
			good, bad := record.Partition{Topic: topic, ID: 2}, record.Partition{Topic: topic, ID: 1}
			r.until(t, func() bool {
				return len(r.errors) > 0 && r.next[good] == 2 && r.next[record.Partition{Topic: topic}] == 2
			})
			if err := r.errors[0]; len(r.errors) != 1 || err.Partition != bad || err.OutOfRange || len(r.records[bad]) > 0 {
				t.Errorf("errors %v", r.errors)
			}
		})
	}
}
