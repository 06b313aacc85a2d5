package resolve

import (
	"testing"

	"github.com/streamweir/streamweir/serde/avro/wire"
)

// The inventory event as it is and as an older one may have been: a field of which
// there is no trace any more, another name, an int that became a long, and three
// fields that were added.
const (
	newEvent = `{"type":"record","name":"InventoryEvent","fields":[
		{"name":"eventId","type":"string"},{"name":"sku","type":"string","aliases":["article"]},
		{"name":"eventType","type":{"type":"enum","name":"EventType","symbols":["STOCK_IN","STOCK_OUT","SALE"]}},
		{"name":"quantity","type":"long"},{"name":"locationId","type":"string"},
		{"name":"productName","type":["null","string"],"default":null},{"name":"timestamp","type":{"type":"long","logicalType":"timestamp-millis"}},
		{"name":"userId","type":["null","string"],"default":null},{"name":"reason","type":["null","string"],"default":null},
		{"name":"priority","type":"int","default":3},{"name":"source","type":"string","default":"unknown"},
		{"name":"metadata","type":["null",{"type":"map","values":"string"}],"default":null}]}`
	oldEvent = `{"type":"record","name":"InventoryEvent","fields":[
		{"name":"eventId","type":"string"},{"name":"article","type":"string"},
		{"name":"eventType","type":{"type":"enum","name":"EventType","symbols":["STOCK_IN","STOCK_OUT","SALE"]}},
		{"name":"quantity","type":"int"},{"name":"legacy","type":"string"},{"name":"locationId","type":"string"},
		{"name":"productName","type":["null","string"],"default":null},{"name":"timestamp","type":{"type":"long","logicalType":"timestamp-millis"}},
		{"name":"userId","type":["null","string"],"default":null},{"name":"reason","type":["null","string"],"default":null}]}`
)

func oldData() []byte {
	b := wire.AppendString(wire.AppendString(nil, "evt-0000001234"), "LAPTOP-15-0042")
	b = wire.AppendString(wire.AppendLong(wire.AppendLong(b, 0), 100), "legacy-0815-4711")
	b = wire.AppendString(wire.AppendLong(wire.AppendString(b, "WH-NY-001"), 1), "15-inch Laptop")
	b = wire.AppendString(wire.AppendLong(wire.AppendLong(b, 1704067200000), 1), "admin-at-the-warehouse")
	return wire.AppendLong(b, 0)
}

func BenchmarkAppend(b *testing.B) {
	for name, reader := range map[string]string{"evolved": newEvent, "equal": oldEvent} {
		b.Run(name, func(b *testing.B) {
			p, err := New(parse(b, oldEvent), parse(b, reader), Options{})
			if err != nil {
				b.Fatal(err)
			}
			data := oldData()
			b.SetBytes(int64(len(data)))
			buf := make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				if buf, _, err = p.Append(buf[:0], data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
