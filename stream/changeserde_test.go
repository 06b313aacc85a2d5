package stream

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/streamweir/streamweir/serde"
)

func bindString[V any](t testing.TB, s serde.Serde[V]) serde.Codec[V] {
	t.Helper()
	c, err := s.Bind("topic", serde.Value)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The bytes are those that Kafka Streams wrote; see the scenarios kgroupedtable-*.
func TestChangesAreEncodedAsInKafkaStreams(t *testing.T) {
	c := bindString[change[string]](t, changeSerde[string]{serde.String()})
	for _, tt := range []struct {
		change change[string]
		hex    string
	}{
		{change[string]{old: "x#1", nullNew: true}, "78233100"},
		{change[string]{new: "x#1", nullOld: true}, "78233101"},
		{change[string]{new: "x#1", old: "null#2"}, "067823316e756c6c233202"},
		{change[string]{new: "", nullOld: true}, "01"},
		{change[string]{new: "", old: ""}, "0002"},
	} {
		b, err := c.Append([]byte("in front "), tt.change)
		if err != nil || hex.EncodeToString(bytes.TrimPrefix(b, []byte("in front "))) != tt.hex {
			t.Errorf("%+v is %x, %v, want %s", tt.change, b, err, tt.hex)
		}
		raw, _ := hex.DecodeString(tt.hex)
		if got, err := c.Decode(raw); err != nil || got != tt.change {
			t.Errorf("%s is decoded to %+v, %v, want %+v", tt.hex, got, err, tt.change)
		}
	}
	if _, err := c.Append(nil, change[string]{nullNew: true, nullOld: true}); err == nil {
		t.Error("a change of nothing is encoded")
	}
}

// A later version may write whether a change is the latest in front of the flag.
func TestChangesOfALaterFormatAreDecoded(t *testing.T) {
	c := bindString[change[string]](t, changeSerde[string]{serde.String()})
	for in, want := range map[string]change[string]{
		"61\x01\x03":         {old: "61", nullNew: true},
		"61\x00\x04":         {new: "61", nullOld: true},
		"\x02a\x62\x01\x05":  {new: "a", old: "b"},
		"\x04ab\x63\x00\x05": {new: "ab", old: "c"},
	} {
		if got, err := c.Decode([]byte(in)); err != nil || got != want {
			t.Errorf("%q is decoded to %+v, %v, want %+v", in, got, err, want)
		}
	}
}

func FuzzDecodeChange(f *testing.F) {
	for _, s := range []string{"", "\x00", "\x01", "\x02", "\x03", "\x05", "\x09a\x02", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", "\x01\x02", "ab\x06", "\x06abcdef\x02"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := bindString[change[string]](t, changeSerde[string]{serde.String()})
		v, err := c.Decode(data)
		if err != nil {
			return
		}
		again, err := c.Append(nil, v)
		if err != nil {
			t.Fatalf("%x is decoded to %+v, which cannot be encoded: %v", data, v, err)
		}
		if back, err := c.Decode(again); err != nil || back != v {
			t.Fatalf("%x is decoded to %+v, and then to %+v, %v", data, v, back, err)
		}
	})
}
