package conformance

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
)

// value is the one Go type of all keys and values of scenarios: a string, an int64,
// or nil for null. An interface has a nil, so null needs no bit beside it, and
// functions can return it.
type value = any

// The DSL's types over it. Only the keys of windowed tables, and of streams of their
// changes, have a type of their own: windowedKey.
type (
	kstreamOf[K any] = *stream.KStream[K, value]
	ktableOf[K any]  = *stream.KTable[K, value]
	kstream          = kstreamOf[value]
	ktable           = ktableOf[value]
	grouped          = *stream.KGroupedStream[value, value]
)

// dynamic is the serde of a type that a scenario names.
type dynamic string

// Bind implements serde.Serde.
func (d dynamic) Bind(string, serde.Role) (serde.Codec[value], error) {
	switch d {
	case "string":
		return stringCodec{}, nil
	case "long":
		return longCodec{}, nil
	}
	if strings.HasPrefix(string(d), "timeWindowed:") || d == "sessionWindowed" {
		return bindWindowed(d)
	}
	return nil, missing("type " + string(d))
}

type stringCodec struct{}

func (stringCodec) Append(dst []byte, v value) ([]byte, error) {
	s, ok := v.(string)
	if !ok {
		return dst, fmt.Errorf("conformance: a %T is no string", v)
	}
	return append(dst, s...), nil
}

func (stringCodec) Decode(data []byte) (value, error) { return string(data), nil }

type longCodec struct{}

func (longCodec) Append(dst []byte, v value) ([]byte, error) {
	n, ok := v.(int64)
	if !ok {
		return dst, fmt.Errorf("conformance: a %T is no long", v)
	}
	return append(dst, longBytes(n)...), nil
}

func (longCodec) Decode(data []byte) (value, error) {
	n, err := serde.Int64().Bind("", serde.Value)
	if err != nil {
		return nil, err
	}
	v, err := n.Decode(data)
	if err != nil {
		return nil, err // not a zero in an interface: it would not be null
	}
	return v, nil
}

func longBytes(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// text is a value as functions and goldens print it.
func text(v value) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case fmt.Stringer:
		return v.String()
	}
	panic(fmt.Sprintf("conformance: a %T is no value", v))
}

// length is the number of UTF-16 units of a value's text.
func length(v value) int64 { return int64(len(utf16.Encode([]rune(text(v))))) }

// number is a long itself, the length of anything else, 0 for null.
func number(v value) int64 {
	switch v := v.(type) {
	case nil:
		return 0
	case int64:
		return v
	}
	return length(v)
}

// firstChar is the first character of a value, null if there is none or if it is
// "_".
func firstChar(v value) value {
	if v == nil || text(v) == "" || text(v)[0] == '_' {
		return nil
	}
	return string(utf16.Decode(utf16.Encode([]rune(text(v)))[:1]))
}

// jsonOf is a value as goldens have it.
func jsonOf(v value) any {
	switch v := v.(type) {
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case windowedKey:
		return jsonOfWindowed(v)
	}
	return v
}

// jsonOfBytes is bytes as goldens have them where they are decoded.
func jsonOfBytes(b []byte, as dynamic) (any, error) {
	if b == nil {
		return nil, nil
	}
	c, err := as.Bind("", serde.Value)
	if err != nil {
		return nil, err
	}
	v, err := c.Decode(b)
	return jsonOf(v), err
}

// hexOf is bytes as goldens have them where they are not decoded.
func hexOf(b []byte) any {
	if b == nil {
		return nil
	}
	return hex.EncodeToString(b)
}
