package serde

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Int32 is 4 bytes, big-endian two's complement, as Kafka's Integer serde.
func Int32() Serde[int32] { return int32Serde{} }

type int32Serde struct{}

func (s int32Serde) Bind(string, Role) (Codec[int32], error) { return s, nil }

func (int32Serde) Append(dst []byte, v int32) ([]byte, error) {
	return binary.BigEndian.AppendUint32(dst, uint32(v)), nil
}

func (int32Serde) Decode(data []byte) (int32, error) {
	if len(data) != 4 {
		return 0, errLength("int32", 4, data)
	}
	return int32(binary.BigEndian.Uint32(data)), nil
}

// Int64 is 8 bytes, big-endian two's complement, as Kafka's Long serde.
func Int64() Serde[int64] { return int64Serde{} }

type int64Serde struct{}

func (s int64Serde) Bind(string, Role) (Codec[int64], error) { return s, nil }

func (int64Serde) Append(dst []byte, v int64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
}

func (int64Serde) Decode(data []byte) (int64, error) {
	if len(data) != 8 {
		return 0, errLength("int64", 8, data)
	}
	return int64(binary.BigEndian.Uint64(data)), nil
}

// Float64 is 8 bytes, big-endian IEEE 754, as Kafka's Double serde. The bits of
// a NaN are kept.
func Float64() Serde[float64] { return float64Serde{} }

type float64Serde struct{}

func (s float64Serde) Bind(string, Role) (Codec[float64], error) { return s, nil }

func (float64Serde) Append(dst []byte, v float64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(v)), nil
}

func (float64Serde) Decode(data []byte) (float64, error) {
	if len(data) != 8 {
		return 0, errLength("float64", 8, data)
	}
	return math.Float64frombits(binary.BigEndian.Uint64(data)), nil
}

// Bool is one byte, 0 or 1, as Kafka's Boolean serde. Another byte is an error.
func Bool() Serde[bool] { return boolSerde{} }

type boolSerde struct{}

func (s boolSerde) Bind(string, Role) (Codec[bool], error) { return s, nil }

func (boolSerde) Append(dst []byte, v bool) ([]byte, error) {
	if v {
		return append(dst, 1), nil
	}
	return append(dst, 0), nil
}

func (boolSerde) Decode(data []byte) (bool, error) {
	if len(data) != 1 {
		return false, errLength("bool", 1, data)
	}
	if data[0] > 1 {
		return false, fmt.Errorf("serde: bool: byte %#02x, want 0 or 1", data[0])
	}
	return data[0] == 1, nil
}

func errLength(name string, want int, data []byte) error {
	return fmt.Errorf("serde: %s: %d bytes, want %d", name, len(data), want)
}
