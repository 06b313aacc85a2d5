package stream_test

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
)

func windowedCodecs(t testing.TB) map[string]serde.Codec[stream.Windowed[string]] {
	t.Helper()
	codecs := map[string]serde.Codec[stream.Windowed[string]]{}
	for name, s := range map[string]serde.Serde[stream.Windowed[string]]{
		"time": stream.TimeWindowed(serde.String(), 10*milli), "unlimited": stream.TimeWindowed(serde.String(), store.Forever),
		"session": stream.SessionWindowed(serde.String()),
	} {
		c, err := s.Bind("topic", serde.Key)
		if err != nil {
			t.Fatal(err)
		}
		codecs[name] = c
	}
	return codecs
}

// The bytes are those of TimeWindowedSerializer and SessionWindowedSerializer.
func TestWindowedKeysAreEncodedAsKafkaStreamsDoes(t *testing.T) {
	codecs := windowedCodecs(t)
	for name, c := range map[string]struct {
		window stream.Window
		want   string
	}{
		"time":      {stream.Window{Start: 256, End: 266}, "k\x00\x00\x00\x00\x00\x00\x01\x00"},
		"unlimited": {stream.Window{Start: 5, End: math.MaxInt64}, "k\x00\x00\x00\x00\x00\x00\x00\x05"},
		"session":   {stream.Window{Start: 1, End: 256}, "k\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01"},
	} {
		key := stream.Windowed[string]{Key: "k", Window: c.window}
		got, err := codecs[name].Append([]byte("before"), key)
		if err != nil || string(got) != "before"+c.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if back, err := codecs[name].Decode([]byte(c.want)); err != nil || back != key {
			t.Errorf("%s: decoded as %v, %v", name, back, err)
		}
	}
}

func FuzzWindowedKeys(f *testing.F) {
	f.Add([]byte("k\x00\x00\x00\x00\x00\x00\x01\x00"))
	f.Add([]byte("short"))
	f.Add(bytes.Repeat([]byte{0xff}, 16))
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, c := range windowedCodecs(t) {
			key, err := c.Decode(data)
			if err != nil {
				continue
			}
			if w := key.Window; w.Start < 0 || w.End < w.Start {
				t.Errorf("%s: %q has the window %v", name, data, w)
			}
			if again, err := c.Append(nil, key); err != nil || !bytes.Equal(again, data) {
				t.Errorf("%s: %q became %q, %v", name, data, again, err)
			}
		}
	})
}

func TestWindowedTableIsNotVersioned(t *testing.T) {
	b := stream.NewBuilder()
	m := stream.InStore("rows", serde.String(), serde.String()).Versioned(time.Hour)
	collect(b, stream.Tumbling(time.Second), stream.OnWindowUpdate, m)
	if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), "not in a versioned one") {
		t.Error(err)
	}
}
