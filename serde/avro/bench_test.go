package avro

import (
	"testing"

	"github.com/linkedin/goavro/v2"
)

func withMetadata(e inventoryEvent) inventoryEvent {
	e.Metadata = map[string]string{"source": "scanner-7", "shift": "late"}
	return e
}

func benchEncode[T any](b *testing.B, schema string, v T) {
	r, _ := fake(b)
	c := bind(b, For[T](r, schema))
	buf := encode(b, c, v)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = c.Append(buf[:0], v)
	}
}

func benchDecode[T any](b *testing.B, schema string, v T) {
	r, _ := fake(b)
	c := bind(b, For[T](r, schema))
	buf := encode(b, c, v)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	b.Run("event", func(b *testing.B) { benchEncode(b, eventSchema, sampleEvent()) })
	b.Run("event+metadata", func(b *testing.B) { benchEncode(b, eventSchema, withMetadata(sampleEvent())) })
	b.Run("lean", func(b *testing.B) { benchEncode(b, eventSchema, sampleLean()) })
	a := sampleAggregate()
	b.Run("aggregate", func(b *testing.B) { benchEncode(b, aggregateSchema, &a) })
}

func BenchmarkDecode(b *testing.B) {
	b.Run("event", func(b *testing.B) { benchDecode(b, eventSchema, sampleEvent()) })
	b.Run("event+metadata", func(b *testing.B) { benchDecode(b, eventSchema, withMetadata(sampleEvent())) })
	b.Run("lean", func(b *testing.B) { benchDecode(b, eventSchema, sampleLean()) })
	a := sampleAggregate()
	b.Run("aggregate", func(b *testing.B) { benchDecode(b, aggregateSchema, &a) })
}

// BenchmarkGoavro is what the dynamic codec takes for the same event.
func BenchmarkGoavro(b *testing.B) {
	codec, err := goavro.NewCodec(eventSchema)
	if err != nil {
		b.Fatal(err)
	}
	r, _ := fake(b)
	buf := encode(b, bind(b, For[inventoryEvent](r, eventSchema)), sampleEvent())[HeaderSize:]
	native, _, err := codec.NativeFromBinary(buf)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if buf, err = codec.BinaryFromNative(buf[:0], native); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := codec.NativeFromBinary(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}
