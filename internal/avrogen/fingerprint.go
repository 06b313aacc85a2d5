package avrogen

import "github.com/streamweir/streamweir/serde/avro/avsc"

// fingerprint is the CRC-64-AVRO of a schema's canonical form.
func fingerprint(s *avsc.Schema) uint64 {
	const empty = 0xc15d213aa4d7a795
	sum := uint64(empty)
	for _, b := range []byte(s.Canonical()) {
		x := (sum ^ uint64(b)) & 0xff
		for range 8 {
			x = x>>1 ^ empty&-(x&1)
		}
		sum = sum>>8 ^ x
	}
	return sum
}
