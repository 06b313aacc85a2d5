package serde

import (
	"errors"
	"fmt"
)

// String is text as it is: no check that it is UTF-8, so any bytes survive.
func String() Serde[string] { return stringSerde{} }

type stringSerde struct{}

func (s stringSerde) Bind(string, Role) (Codec[string], error) { return s, nil }

func (stringSerde) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }

func (stringSerde) Decode(data []byte) (string, error) { return string(data), nil }

// Bytes is bytes as they are. A nil slice is null, an empty one a value of zero
// bytes. What Decode returns is a copy.
func Bytes() Serde[[]byte] { return bytesSerde{} }

type bytesSerde struct{}

func (s bytesSerde) Bind(string, Role) (Codec[[]byte], error) { return s, nil }

func (bytesSerde) Append(dst []byte, v []byte) ([]byte, error) { return append(dst, v...), nil }

func (bytesSerde) Decode(data []byte) ([]byte, error) {
	return append(make([]byte, 0, len(data)), data...), nil
}

// Void is for keys or values that are always null, as Kafka's Void serde: its
// one value is nil. Anything else, written or read, is an error.
func Void() Serde[*struct{}] { return voidSerde{} }

type voidSerde struct{}

var errVoid = errors.New("serde: void: a value is not null; use the nil pointer")

func (s voidSerde) Bind(string, Role) (Codec[*struct{}], error) { return s, nil }

func (voidSerde) Append(dst []byte, _ *struct{}) ([]byte, error) { return dst, errVoid }

func (voidSerde) Decode(data []byte) (*struct{}, error) {
	return nil, fmt.Errorf("serde: void: %d bytes where only null is expected", len(data))
}
