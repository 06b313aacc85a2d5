package stream

import (
	"encoding/hex"
	"testing"

	"github.com/streamweir/streamweir/serde"
)

// The bytes are those that Kafka Streams wrote; see the scenarios ktable-fk-*.
func TestSubscriptionsAreEncodedAsInKafkaStreams(t *testing.T) {
	c := bindString[subscription[string]](t, subscriptionSerde[string]{serde.String()})
	h := hasher[string]{values: bindString(t, serde.String())}
	a1, err := h.hash("a1")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		s   subscription[string]
		hex string
	}{
		{subscription[string]{key: "k", hash: a1, hashed: true, instruction: subscribe}, "0103353e0e4f3af5ce6b8fb80c06f3fdc5846b00000000"},
		{subscription[string]{key: "k", hash: a1, hashed: true, instruction: subscribeAndTell, partition: 258}, "0102353e0e4f3af5ce6b8fb80c06f3fdc5846b00000102"},
		{subscription[string]{key: "k", instruction: deleteAndTell}, "81016b00000000"},
		{subscription[string]{key: "k", instruction: deleteSilently, partition: -1}, "80006b"}, // version 0 has no partition
	} {
		b, err := c.Append(nil, tt.s)
		if err != nil || hex.EncodeToString(b) != tt.hex {
			t.Errorf("%+v is %x, %v, want %s", tt.s, b, err, tt.hex)
		}
		if got, err := c.Decode(b); err != nil || got != tt.s {
			t.Errorf("%s is decoded to %+v, %v, want %+v", tt.hex, got, err, tt.s)
		}
	}
}

func TestResponsesAreEncodedAsInKafkaStreams(t *testing.T) {
	c := bindString[response[string]](t, responseSerde[string]{serde.String()})
	h := hasher[string]{values: bindString(t, serde.String())}
	a1, _ := h.hash("a1")
	for _, tt := range []struct {
		r   response[string]
		hex string
	}{
		{response[string]{hash: a1, hashed: true, value: "R", partition: -1}, "00353e0e4f3af5ce6b8fb80c06f3fdc58452"},
		{response[string]{hash: a1, hashed: true, isNull: true, partition: -1}, "00353e0e4f3af5ce6b8fb80c06f3fdc584"},
		{response[string]{isNull: true, partition: -1}, "80"},
		{response[string]{value: "R", partition: -1}, "8052"},
	} {
		b, err := c.Append(nil, tt.r)
		if err != nil || hex.EncodeToString(b) != tt.hex {
			t.Errorf("%+v is %x, %v, want %s", tt.r, b, err, tt.hex)
		}
		if got, err := c.Decode(b); err != nil || got != tt.r {
			t.Errorf("%s is decoded to %+v, %v, want %+v", tt.hex, got, err, tt.r)
		}
	}
}

func TestCombinedKeys(t *testing.T) {
	b, err := appendForeign(nil, bindString(t, serde.String()), "fk")
	if err != nil || hex.EncodeToString(b) != "00000002666b" {
		t.Errorf("the prefix of fk is %x, %v", b, err)
	}
	if primary, err := primaryOf(append(b, "pk"...)); err != nil || string(primary) != "pk" {
		t.Errorf("the primary key is %q, %v", primary, err)
	}
	for _, garbage := range []string{"", "\x00\x00\x00", "\x00\x00\x00\x03fk", "\xff\xff\xff\xfffk"} {
		if primary, err := primaryOf([]byte(garbage)); err == nil {
			t.Errorf("%q has the primary key %q", garbage, primary)
		}
	}
}

func FuzzDecodeSubscription(f *testing.F) {
	for _, s := range []string{"", "\x01", "\x81\x01k\x00\x00\x00\x00", "\x80\x00k", "\x01\x03", "\x02\x00k\x00\x00\x00\x00", "\x81\x09k\x00\x00\x00\x00", "\x81\x01\x00\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := bindString[subscription[string]](t, subscriptionSerde[string]{serde.String()})
		if s, err := c.Decode(data); err == nil && s.partition >= -1 {
			if again, err := c.Append(nil, s); err != nil || string(again) != string(data) {
				t.Fatalf("%x is decoded to %+v, and that is %x, %v", data, s, again, err)
			}
		}
		r := bindString[response[string]](t, responseSerde[string]{serde.String()})
		if s, err := r.Decode(data); err == nil {
			if again, err := r.Append(nil, s); err != nil || string(again) != string(data) {
				t.Fatalf("%x is decoded to %+v, and that is %x, %v", data, s, again, err)
			}
		}
	})
}
