package avro_test

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
)

// A producer that is older than the subject writes by the latest schema, which has a
// field more, so that consumers meet one schema only.
func ExampleUseLatestVersion() {
	fake := srfake.New()
	defer fake.Close()
	registry := avro.NewRegistry(fake.URL(), avro.Config{})
	defer registry.Close()
	const latest = `{"type": "record", "name": "Order", "namespace": "shop", "fields": [
		{"name": "id", "type": "string"},
		{"name": "amount", "type": "long"},
		{"name": "note", "type": ["null", "string"], "default": null},
		{"name": "currency", "type": "string", "default": "EUR"}
	]}`
	if _, err := registry.Register("orders-value", latest); err != nil {
		fmt.Println(err)
		return
	}

	codec, err := avro.For[*Order](registry, orderSchema, avro.UseLatestVersion()).Bind("orders", serde.Value)
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := codec.Append(nil, &Order{ID: "o-1", Amount: 42})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := avro.ToJSON(registry, data) // by the schema that it was written with
	fmt.Println(string(text), err)
	// Output: {"id":"o-1","amount":42,"note":null,"currency":"EUR"} <nil>
}

// Money is registered on its own, and orders refer to it.
func ExampleReferences() {
	fake := srfake.New()
	defer fake.Close()
	registry := avro.NewRegistry(fake.URL(), avro.Config{})
	defer registry.Close()
	money := avro.Reference{Name: "shop.Money", Subject: "shop.Money", Schema: `{"type": "record", "name": "Money", "namespace": "shop", "fields": [
		{"name": "cents", "type": "long"}, {"name": "currency", "type": "string"}]}`}
	const priced = `{"type": "record", "name": "Priced", "namespace": "shop", "fields": [{"name": "price", "type": "shop.Money"}]}`
	type Priced struct {
		Price struct {
			Cents    int64
			Currency string
		}
	}

	codec, err := avro.For[*Priced](registry, priced, avro.References(money)).Bind("prices", serde.Value)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := &Priced{}
	p.Price.Cents, p.Price.Currency = 995, "EUR"
	data, err := codec.Append(nil, p)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err = codec.Decode(data)
	fmt.Println(p.Price.Cents, p.Price.Currency, err)
	for _, subject := range []string{"shop.Money", "prices-value"} {
		versions, err := registry.Versions(subject)
		fmt.Println(subject, len(versions), err)
	}
	// Output:
	// 995 EUR <nil>
	// shop.Money 1 <nil>
	// prices-value 1 <nil>
}

// A tool reads what it finds, whatever the schema.
func ExampleRecordAsWritten() {
	fake := srfake.New()
	defer fake.Close()
	registry := avro.NewRegistry(fake.URL(), avro.Config{})
	defer registry.Close()
	data, err := avro.FromJSON(registry, "orders-value", orderSchema, []byte(`{"id": "o-1", "amount": 42, "note": "fragile"}`))
	if err != nil {
		fmt.Println(err)
		return
	}

	codec, err := avro.RecordAsWritten(registry).Bind("orders", serde.Value)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(codec.Decode(data))
	// Output: map[amount:42 id:o-1 note:map[string:fragile]] <nil>
}
