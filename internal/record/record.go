// Package record holds a Kafka record as it travels between the client and the
// task engine, before and after the serdes.
package record

import "github.com/streamweir/streamweir/serde"

// Record is one record of a partition. Key and Value are nil for null. The byte
// slices may share one large buffer; nobody modifies them.
type Record struct {
	Key, Value []byte
	Headers    []serde.Header
	Offset     int64
	Timestamp  int64 // milliseconds since the epoch; -1: none
}

// Partition names a partition of a topic.
type Partition struct {
	Topic string
	ID    int32
}
