package task_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"testing"

	"github.com/streamweir/streamweir/internal/task"
)

// The bytes are those of TopicPartitionMetadata.encode without processor metadata:
// version 2 and the partition time in 8 bytes.
func TestTimeIsEncodedAsKafkaStreamsDoes(t *testing.T) {
	for time, want := range map[int64]string{
		-1:            "Av//////////",
		0:             "AgAAAAAAAAAA",
		100:           "AgAAAAAAAABk",
		1700000000000: "AgAAAYvP5WgA",
		math.MaxInt64: "An//////////",
	} {
		if got := task.EncodeMetadata(time, nil); got != want {
			t.Errorf("EncodeMetadata(%d) = %q, want %q", time, got, want)
		}
		if got, kept := task.DecodeMetadata(want); got != time || kept != nil {
			t.Errorf("DecodeMetadata(%q) = %d, %v, want %d", want, got, kept, time)
		}
	}
}

func TestMetadataOfOtherVersionsAndOfStrangers(t *testing.T) {
	for name, c := range map[string]struct {
		metadata []byte
		want     int64
	}{
		"version 1":                      {[]byte{1, 0, 0, 0, 0, 0, 0, 0, 100}, 100},
		"processor metadata cut off":     {[]byte{2, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 1, 9}, 100},
		"a key longer than all there is": {[]byte{2, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 1, 255, 255, 255, 255, 9, 0, 0, 0, 0, 0, 0, 0, 7}, 100},
		"version 3":                      {[]byte{3, 0, 0, 0, 0, 0, 0, 0, 100}, -1},
		"cut off":                        {[]byte{2, 0, 0, 0, 0, 0, 0, 0}, -1},
		"nothing":                        {nil, -1},
	} {
		got, kept := task.DecodeMetadata(base64.StdEncoding.EncodeToString(c.metadata))
		if got != c.want || len(kept) != 0 {
			t.Errorf("%s: time %d and %v, want %d", name, got, kept, c.want)
		}
	}
	if got, _ := task.DecodeMetadata("{}"); got != -1 {
		t.Errorf("not base64: time %d, want -1", got)
	}
}

// The bytes are those of ProcessorMetadata.serialize: the number of entries, then
// for each the length of its key, the key and a long.
func TestWhatNodesKeepIsEncodedAsKafkaStreamsDoes(t *testing.T) {
	kept := map[string]int64{"counts": 40, "st": 9}
	want := base64.StdEncoding.EncodeToString([]byte("\x02\x00\x00\x00\x00\x00\x00\x00\x64" + "\x00\x00\x00\x02" +
		"\x00\x00\x00\x06counts\x00\x00\x00\x00\x00\x00\x00\x28" + "\x00\x00\x00\x02st\x00\x00\x00\x00\x00\x00\x00\x09"))
	if got := task.EncodeMetadata(100, kept); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if at, got := task.DecodeMetadata(want); at != 100 || !maps.Equal(got, kept) {
		t.Errorf("decoded as %d, %v", at, got)
	}
}

func FuzzDecodeMetadata(f *testing.F) {
	f.Add(int64(100), "AgAAAAAAAABk")
	f.Add(int64(-1), "AQAAAAAAAABk")
	f.Add(int64(math.MinInt64), "{}")
	f.Add(int64(1), task.EncodeMetadata(5, map[string]int64{"st": 3, "": -1}))
	f.Fuzz(func(t *testing.T, time int64, metadata string) {
		if got, kept := task.DecodeMetadata(task.EncodeMetadata(time, map[string]int64{metadata: time})); got != time || kept[metadata] != time {
			t.Errorf("%d became %d, %v", time, got, kept)
		}
		at, kept := task.DecodeMetadata(metadata)
		again, same := task.DecodeMetadata(task.EncodeMetadata(at, kept))
		if again != at || !maps.Equal(same, kept) {
			t.Errorf("%q is %d, %v and then %d, %v", metadata, at, kept, again, same)
		}
	})
}

// A broker refuses a commit with more metadata than 4096 bytes: then the times of nodes
// are left out, and the rest stays.
func TestMetadataStaysWithinWhatABrokerTakes(t *testing.T) {
	p := task.Position{Time: 5, Kept: map[string]int64{"counts": 4}}
	for n := range 100 {
		before := p.Metadata()
		p.Kept[fmt.Sprintf("time KSTREAM-AGGREGATE-%010d", n)] = int64(n)
		at, kept := task.DecodeMetadata(p.Metadata())
		switch {
		case at != 5 || kept["counts"] != 4 || len(p.Metadata()) > task.MaxMetadata:
			t.Fatalf("%d times: %d and %v", n, at, kept)
		case n < 65 && len(kept) != len(p.Kept):
			t.Fatalf("%d of %d are left of %d bytes", len(kept), len(p.Kept), len(before))
		case n == 99 && len(kept) != 1:
			t.Fatalf("%d are left", len(kept))
		}
	}
}
