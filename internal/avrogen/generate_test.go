package avrogen

import (
	"strings"
	"testing"
)

func TestMistakesAreToldWithFileAndPlace(t *testing.T) {
	for text, want := range map[string]string{
		`{"type":"record","name":"R","fields":[{"name":"a","type":"R"}]}`:                                                                       "R.a",
		`{"type":"record","name":"R","fields":[{"name":"a","type":["R"]}]}`:                                                                     "R.a",
		`{"type":"record","name":"R","fields":[{"name":"a","type":["null",{"type":"record","name":"S","fields":[{"name":"s","type":"S"}]}]}]}`:  "S.s",
		`{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}`:                                                       "/fields/0/default",
		`{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":3000000000}]}`:                                                "/fields/0/default",
		`{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":2},"default":"x"}]}`:                        "/fields/0/default",
		`{"type":"record","name":"R","fields":[{"name":"a","type":"bytes","default":"中"}]}`:                                                     "/fields/0/default",
		`{"type":"record","name":"R","fields":[{"name":"a","type":"Nowhere"}]}`:                                                                 "Nowhere",
		`{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"string","logicalType":"uuid"},"default":"x"}]}`:                      "1:58: the default of this uuid",
		`{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"long","logicalType":"time-micros"},"default":9223372036854775807}]}`: "too long",
		`["int","string"]`: "no record, enum or fixed",
		`{`:                "1:2",
	} {
		_, err := Generate([]Source{{Name: "dir/Bad.avsc", Text: text}}, Config{Package: "p"})
		if err == nil || !strings.HasPrefix(strings.TrimPrefix(err.Error(), "avro schema: "), "dir/Bad.avsc:") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{"eventId": "EventID", "event_id": "EventID", "sku": "SKU", "SKUs": "SKUs", "x": "X", "_": "X",
		"type": "Type", "v1_2": "V1_2", "v_1": "V1", "中": "X中", "été": "Été", "URLPath": "URLPath", "myURL": "MyURL", "aB": "AB"} {
		if got := exported(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string]string{"STOCK_IN": "StockIn", "A": "A", "userId": "UserID", "_1": "X1", "HTTP": "HTTP", "Zwei": "Zwei"} {
		if got := symbol(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	taken := scope{}
	for name, want := range map[string]string{"dir/InventoryEvent.avsc": "inventory_event_avro.go", "x_test.avsc": "x_test_avro.go",
		"com.shop.Order.avsc": "com_shop_order_avro.go", "_.avsc": "schema_avro.go"} {
		if got := fileName(name, taken); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := fileName("other/INVENTORY_EVENT.avsc", taken); got != "inventory_event_2_avro.go" {
		t.Error(got)
	}
}
