package avro_test

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/streamweir/streamweir/internal/avrogen/golden"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// A type that `streamweir avro generate` made has its schema and its codec with it.
func ExampleOf() {
	fake := srfake.New()
	defer fake.Close()
	registry := avro.NewRegistry(fake.URL(), avro.Config{})
	defer registry.Close()

	codec, err := avro.Of[*golden.Line](registry).Bind("lines", serde.Value)
	if err != nil {
		fmt.Println(err)
		return
	}
	line := golden.NewLine() // with the schema's defaults
	line.SKU, line.Gift = "LAPTOP-15", avro.Some(true)
	data, err := codec.Append(nil, line)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%q\n", data)
	line, err = codec.Decode(data)
	fmt.Println(line.SKU, line.Quantity, line.Gift.Value, err)
	// Output:
	// "\x00\x00\x00\x00\x01\x12LAPTOP-15\x02\x02\x01"
	// LAPTOP-15 1 true <nil>
}

// With the name of the record in it, a topic may have records of several types.
func ExampleSubject() {
	fake := srfake.New()
	defer fake.Close()
	registry := avro.NewRegistry(fake.URL(), avro.Config{})
	defer registry.Close()

	orders := avro.For[*Order](registry, orderSchema, avro.Subject(avro.TopicRecordNameStrategy))
	codec, err := orders.Bind("shop-events", serde.Value)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := codec.Append(nil, &Order{ID: "o-1"}); err != nil {
		fmt.Println(err)
		return
	}
	versions, err := registry.Versions("shop-events-shop.Order")
	fmt.Println(len(versions), err)
	// Output: 1 <nil>
}

// The serde refuses a schema whose consumers could not read it, whatever the subject's
// own level in the registry is, and before anything is written.
func ExampleRequireCompatible() {
	fake := srfake.New()
	defer fake.Close()
	registry := avro.NewRegistry(fake.URL(), avro.Config{})
	defer registry.Close()
	if _, err := registry.Register("orders-value", orderSchema); err != nil {
		fmt.Println(err)
		return
	}
	const next = `{"type": "record", "name": "Order", "namespace": "shop", "fields": [
		{"name": "id", "type": "string"},
		{"name": "amount", "type": "long"},
		{"name": "customer", "type": "string"}
	]}`
	type NextOrder struct {
		ID, Customer string
		Amount       int64
	}
	codec, err := avro.For[*NextOrder](registry, next, avro.RequireCompatible(avsc.Backward)).Bind("orders", serde.Value)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = codec.Append(nil, &NextOrder{ID: "o-1"})
	fmt.Println(err)
	// Output:
	// avro: the schema of subject "orders-value" is not registered: not compatible (BACKWARD)
	// the new schema cannot read what version 1 (id 1) wrote:
	//   /fields/2: the writer's shop.Order has no field customer, and the reader's has no default (READER_FIELD_MISSING_DEFAULT_VALUE)
}
