package serde_test

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/streamweir/streamweir/serde"
)

func show[T any](s serde.Serde[T], v T) {
	codec, err := s.Bind("orders", serde.Value)
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := codec.Append(nil, v)
	if err != nil {
		fmt.Println(err)
		return
	}
	back, err := codec.Decode(data)
	fmt.Printf("%q -> %v %v\n", data, back, err)
}

func ExampleString() {
	show(serde.String(), "hello")
	// Output: "hello" -> hello <nil>
}

func ExampleBytes() {
	show(serde.Bytes(), []byte{1, 2})
	// Output: "\x01\x02" -> [1 2] <nil>
}

func ExampleInt32() {
	show(serde.Int32(), 258)
	// Output: "\x00\x00\x01\x02" -> 258 <nil>
}

func ExampleInt64() {
	codec, _ := serde.Int64().Bind("counts", serde.Value)
	_, err := codec.Decode([]byte("12345"))
	fmt.Println(err)
	// Output: serde: int64: 5 bytes, want 8
}

func ExampleFloat64() {
	show(serde.Float64(), 1.5)
	// Output: "?\xf8\x00\x00\x00\x00\x00\x00" -> 1.5 <nil>
}

func ExampleBool() {
	show(serde.Bool(), true)
	// Output: "\x01" -> true <nil>
}

func ExampleUUID() {
	show(serde.UUID(), uuid.MustParse("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"))
	// Output: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6" -> f81d4fae-7dec-11d0-a765-00a0c91e6bf6 <nil>
}

func ExampleJSON() {
	type order struct {
		ID    string `json:"id"`
		Price int    `json:"price"`
	}
	show(serde.JSON[order](), order{ID: "o-1", Price: 42})
	// Output: "{\"id\":\"o-1\",\"price\":42}" -> {o-1 42} <nil>
}

func ExampleVoid() {
	codec, _ := serde.Void().Bind("unkeyed", serde.Key)
	_, err := codec.Decode([]byte("x"))
	fmt.Println(err)
	// Output: serde: void: 1 bytes where only null is expected
}
