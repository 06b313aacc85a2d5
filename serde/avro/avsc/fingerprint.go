package avsc

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// empty64 is CRC-64-AVRO of no bytes, and the polynomial.
const empty64 = 0xc15d213aa4d7a795

var table64 = func() (table [256]uint64) {
	for i := range table {
		crc := uint64(i)
		for range 8 {
			crc = crc>>1 ^ empty64&-(crc&1)
		}
		table[i] = crc
	}
	return table
}()

// Fingerprint is CRC-64-AVRO of the canonical form: the short name of a schema,
// for caches and single objects. It is not safe against somebody who wants two
// schemas to share it.
func (s *Schema) Fingerprint() uint64 {
	crc := uint64(empty64)
	for _, c := range []byte(s.Canonical()) {
		crc = crc>>8 ^ table64[byte(crc)^c]
	}
	return crc
}

// MD5 is the MD5 sum of the canonical form.
func (s *Schema) MD5() [md5.Size]byte { return md5.Sum([]byte(s.Canonical())) }

// SHA256 is the SHA-256 sum of the canonical form.
func (s *Schema) SHA256() [sha256.Size]byte { return sha256.Sum256([]byte(s.Canonical())) }

// AppendSingleObject appends the header of Avro's single-object encoding, 10
// bytes: a mark and the fingerprint of the schema of the data that follows.
func AppendSingleObject(dst []byte, fingerprint uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, 0xc3, 0x01), fingerprint)
}

// CutSingleObject takes the header of the single-object encoding off the data.
func CutSingleObject(data []byte) (fingerprint uint64, rest []byte, err error) {
	if len(data) < 10 || data[0] != 0xc3 || data[1] != 0x01 {
		return 0, nil, errors.New("avro: no single object: it begins with the bytes c3 01 and a fingerprint of 8 bytes")
	}
	return binary.LittleEndian.Uint64(data[2:]), data[10:], nil
}
