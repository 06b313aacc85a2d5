package serde

import (
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
)

// UUID is the text form of a UUID, 36 characters with hyphens, as Kafka's UUID
// serde writes it: lower case. Both cases are read; other forms (braces, urn:,
// no hyphens) are errors.
func UUID() Serde[uuid.UUID] { return uuidSerde{} }

type uuidSerde struct{}

const uuidLength = 36

func (s uuidSerde) Bind(string, Role) (Codec[uuid.UUID], error) { return s, nil }

func (uuidSerde) Append(dst []byte, v uuid.UUID) ([]byte, error) {
	dst = append(hex.AppendEncode(dst, v[:4]), '-')
	dst = append(hex.AppendEncode(dst, v[4:6]), '-')
	dst = append(hex.AppendEncode(dst, v[6:8]), '-')
	dst = append(hex.AppendEncode(dst, v[8:10]), '-')
	return hex.AppendEncode(dst, v[10:]), nil
}

func (uuidSerde) Decode(data []byte) (uuid.UUID, error) {
	if len(data) != uuidLength {
		return uuid.UUID{}, errLength("uuid", uuidLength, data)
	}
	v, err := uuid.ParseBytes(data)
	if err != nil {
		return uuid.UUID{}, fmt.Errorf("serde: uuid: %q: %w", data, err)
	}
	return v, nil
}
