package avro_test

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
)

const orderSchema = `{"type": "record", "name": "Order", "namespace": "shop", "fields": [
	{"name": "id", "type": "string"},
	{"name": "amount", "type": "long"},
	{"name": "note", "type": ["null", "string"], "default": null}
]}`

type Order struct {
	ID     string
	Amount int64
	Note   *string
}

func ExampleFor() {
	fake := srfake.New()
	defer fake.Close()
	registry := avro.NewRegistry(fake.URL(), avro.Config{})
	defer registry.Close()

	codec, err := avro.For[*Order](registry, orderSchema).Bind("orders", serde.Value)
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := codec.Append(nil, &Order{ID: "o-1", Amount: 42})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%q\n", data)
	order, err := codec.Decode(data)
	fmt.Println(order.ID, order.Amount, order.Note == nil, err)
	_, err = codec.Decode([]byte("plain text"))
	fmt.Println(err)
	// Output:
	// "\x00\x00\x00\x00\x01\x06o-1T\x00"
	// o-1 42 true <nil>
	// avro: not in the Confluent wire format: the first byte is 0x70, not 0
}

func ExampleOptional() {
	type Order struct {
		ID     string
		Amount int64
		Note   avro.Optional[string]
	}
	fake := srfake.New()
	defer fake.Close()
	registry := avro.NewRegistry(fake.URL(), avro.Config{})
	defer registry.Close()

	codec, err := avro.For[Order](registry, orderSchema).Bind("orders", serde.Value)
	if err != nil {
		fmt.Println(err)
		return
	}
	data, _ := codec.Append(nil, Order{ID: "o-1", Note: avro.Some("fragile")})
	order, err := codec.Decode(data)
	fmt.Println(order.Note.Set, order.Note.Value, err)
	// Output: true fragile <nil>
}

func ExampleRecord() {
	fake := srfake.New()
	defer fake.Close()
	registry := avro.NewRegistry(fake.URL(), avro.Config{})
	defer registry.Close()

	codec, err := avro.Record(registry, orderSchema).Bind("orders", serde.Value)
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := codec.Append(nil, map[string]any{"id": "o-1", "amount": 42, "note": map[string]any{"string": "fragile"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(codec.Decode(data))
	// Output: map[amount:42 id:o-1 note:map[string:fragile]] <nil>
}

func ExampleFromJSON() {
	fake := srfake.New()
	defer fake.Close()
	registry := avro.NewRegistry(fake.URL(), avro.Config{})
	defer registry.Close()

	for _, text := range []string{
		`{"id": "o-1", "amount": 42}`,
		`{"id": "o-2", "amount": 7, "note": "fragile"}`,
		`{"id": "o-3", "amount": 7, "note": {"string": "fragile"}}`,
		`{"id": "o-4", "amount": "many"}`,
	} {
		data, err := avro.FromJSON(registry, "orders-value", orderSchema, []byte(text))
		if err != nil {
			fmt.Println(err)
			continue
		}
		back, err := avro.ToJSON(registry, data)
		fmt.Println(string(back), err)
	}
	// Output:
	// {"id":"o-1","amount":42,"note":null} <nil>
	// {"id":"o-2","amount":7,"note":{"string":"fragile"}} <nil>
	// {"id":"o-3","amount":7,"note":{"string":"fragile"}} <nil>
	// avro: not a shop.Order: amount: "many" is not of type long
}
