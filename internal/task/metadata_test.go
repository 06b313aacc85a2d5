package task_test

import (
	"encoding/base64"
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
		if got := task.EncodeTime(time); got != want {
			t.Errorf("EncodeTime(%d) = %q, want %q", time, got, want)
		}
		if got := task.DecodeTime(want); got != time {
			t.Errorf("DecodeTime(%q) = %d, want %d", want, got, time)
		}
	}
}

func TestMetadataOfOtherVersionsAndOfStrangers(t *testing.T) {
	for name, c := range map[string]struct {
		metadata []byte
		want     int64
	}{
		"version 1":                         {[]byte{1, 0, 0, 0, 0, 0, 0, 0, 100}, 100},
		"version 2 with processor metadata": {[]byte{2, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 1, 9}, 100},
		"version 3":                         {[]byte{3, 0, 0, 0, 0, 0, 0, 0, 100}, -1},
		"cut off":                           {[]byte{2, 0, 0, 0, 0, 0, 0, 0}, -1},
		"nothing":                           {nil, -1},
	} {
		if got := task.DecodeTime(base64.StdEncoding.EncodeToString(c.metadata)); got != c.want {
			t.Errorf("%s: time %d, want %d", name, got, c.want)
		}
	}
	if got := task.DecodeTime("{}"); got != -1 {
		t.Errorf("not base64: time %d, want -1", got)
	}
}

func FuzzDecodeTime(f *testing.F) {
	f.Add(int64(100), "AgAAAAAAAABk")
	f.Add(int64(-1), "AQAAAAAAAABk")
	f.Add(int64(math.MinInt64), "{}")
	f.Fuzz(func(t *testing.T, time int64, metadata string) {
		if got := task.DecodeTime(task.EncodeTime(time)); got != time {
			t.Errorf("%d became %d", time, got)
		}
		if at := task.DecodeTime(metadata); at != -1 {
			if again := task.DecodeTime(task.EncodeTime(at)); again != at {
				t.Errorf("%q is %d and then %d", metadata, at, again)
			}
		}
	})
}
