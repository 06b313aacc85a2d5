package avro

import (
	"encoding/binary"
	"fmt"
)

// HeaderSize is the length of what stands before the data in the Confluent wire
// format: a zero byte and the schema's id.
const HeaderSize = 5

// AppendHeader appends the header of data that was written with the schema of an id.
func AppendHeader(dst []byte, id int32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), uint32(id))
}

// SchemaID returns the id of the schema by which framed data was written.
func SchemaID(data []byte) (int32, error) {
	if len(data) < HeaderSize || data[0] != 0 {
		return 0, errFrame(data)
	}
	return int32(binary.BigEndian.Uint32(data[1:])), nil
}

func errFrame(data []byte) error {
	if len(data) < HeaderSize {
		return fmt.Errorf("avro: not in the Confluent wire format: %d bytes, the header alone has %d", len(data), HeaderSize)
	}
	return fmt.Errorf("avro: not in the Confluent wire format: the first byte is %#02x, not 0", data[0])
}

func errLeft(n int) error { return fmt.Errorf("%d bytes left over after the value", n) }
