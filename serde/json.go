package serde

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// JSON is JSON by encoding/json, with its struct tags and rules. Characters
// such as < are not escaped. Fields in the data that T does not have are
// ignored, and bytes after the value are an error. The JSON text null decodes
// to the zero value of T, so for a pointer type it becomes null.
func JSON[T any]() Serde[T] { return jsonSerde[T]{} }

type jsonSerde[T any] struct{}

func (jsonSerde[T]) Bind(string, Role) (Codec[T], error) {
	c := &jsonCodec[T]{}
	c.enc = json.NewEncoder(&c.buf)
	c.enc.SetEscapeHTML(false)
	return c, nil
}

type jsonCodec[T any] struct {
	buf bytes.Buffer
	enc *json.Encoder
}

func (c *jsonCodec[T]) Append(dst []byte, v T) ([]byte, error) {
	c.buf.Reset()
	if err := c.enc.Encode(v); err != nil {
		return dst, fmt.Errorf("serde: json: cannot encode a %v: %w", reflect.TypeFor[T](), err)
	}
	return append(dst, bytes.TrimSuffix(c.buf.Bytes(), []byte{'\n'})...), nil
}

// AppendCopy implements [Copier].
func (c *jsonCodec[T]) AppendCopy(dst, data []byte, codec any) ([]byte, bool, error) {
	_, ok := codec.(*jsonCodec[T])
	if ok {
		dst = append(dst, data...)
	}
	return dst, ok, nil
}

func (c *jsonCodec[T]) Decode(data []byte) (T, error) {
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		var zero T
		return zero, fmt.Errorf("serde: json: not a %v: %w", reflect.TypeFor[T](), err)
	}
	return v, nil
}
