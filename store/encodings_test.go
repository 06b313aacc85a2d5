package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// fragile writes text, and of "error" and "panic" the half.
type fragile struct{}

func (f fragile) Bind(string, serde.Role) (serde.Codec[string], error) { return f, nil }

func (fragile) Append(dst []byte, v string) ([]byte, error) {
	switch v {
	case "error":
		return append(dst, "er"...), errors.New(v)
	case "panic":
		_ = append(dst, "pa"...)
		panic(v)
	}
	return append(dst, v...), nil
}

func (fragile) Decode(data []byte) (string, error) { return string(data), nil }

// An encoding is good until the store writes into its bytes, and be it in vain.
func TestEncodingsEnd(t *testing.T) {
	type stamped = store.ValueAndTimestamp[string]
	for _, next := range []string{"other", "error", "panic"} {
		s, err := store.TimestampedKeyValue("s", serde.String(), fragile{}).Bind(bindings(&logged{values: map[string][]byte{}}))
		if err != nil {
			t.Fatal(err)
		}
		put := func(value string) (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("panic: %v", p)
				}
			}()
			return s.Put("k", stamped{value, 5})
		}
		if err := put("first value"); err != nil {
			t.Fatal(err)
		}
		last := s.(interface{ Encodings() *store.Encodings }).Encodings().Last()
		if data, codec := last.Bytes(); string(data) != "first value" || codec != (fragile{}) {
			t.Errorf("%q by a %T", data, codec)
		}
		if err := put(next); (err == nil) != (next == "other") {
			t.Errorf("%s: %v", next, err)
		}
		if data, _ := last.Bytes(); data != nil {
			t.Errorf("%s: there is still %q", next, data)
		}
	}
	if data, _ := (store.Encoding{}).Bytes(); data != nil {
		t.Errorf("none is %q", data)
	}
}
