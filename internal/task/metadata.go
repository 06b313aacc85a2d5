package task

import (
	"encoding/base64"
	"encoding/binary"
)

// EncodeTime is the metadata committed with an offset: the partition's time, as
// Kafka Streams' TopicPartitionMetadata encodes it.
func EncodeTime(time int64) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64([]byte{2}, uint64(time)))
}

// DecodeTime is the inverse. Metadata that is not Kafka Streams' has no time: -1.
func DecodeTime(metadata string) int64 {
	b, err := base64.StdEncoding.DecodeString(metadata)
	if err != nil || len(b) < 9 || b[0] != 1 && b[0] != 2 {
		return -1
	}
	return int64(binary.BigEndian.Uint64(b[1:]))
}
