// Package murmur is the hash that Kafka's Java client partitions keys by.
package murmur

import "encoding/binary"

// Partition returns the partition, of n, for an encoded key, as Java's default
// partitioner does: the positive murmur2 hash modulo n.
func Partition(key []byte, n int32) int32 { return int32(Sum(key)&0x7fffffff) % n }

// Sum is the 32-bit murmur2 hash with Kafka's seed.
func Sum(data []byte) uint32 {
	const m, seed = uint32(0x5bd1e995), uint32(0x9747b28c)
	h := seed ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k = (k ^ k>>24) * m
		h = h*m ^ k
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(data[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
