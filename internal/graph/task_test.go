package graph_test

import (
	"testing"

	"github.com/streamweir/streamweir/internal/graph"
)

func TestTaskIDIsReadAsItIsWritten(t *testing.T) {
	for text, id := range map[string]graph.TaskID{
		"0_0":                   {},
		"0_3":                   {Partition: 3},
		"12_345":                {Subtopology: 12, Partition: 345},
		"2147483647_2147483647": {Subtopology: 1<<31 - 1, Partition: 1<<31 - 1},
	} {
		if got, err := graph.ParseTaskID(text); err != nil || got != id {
			t.Errorf("ParseTaskID(%q) = %v, %v; want %v", text, got, err, id)
		}
		if got := id.String(); got != text {
			t.Errorf("%#v is written %q, want %q", id, got, text)
		}
	}
}

func TestWhatIsNoTaskID(t *testing.T) {
	for _, text := range []string{"", "0", "_", "0_", "_3", "a_3", "0_b", "0_-3", "-1_3", "0_3_1", "0_2147483648", " 0_3", "0_3 "} {
		if got, err := graph.ParseTaskID(text); err == nil {
			t.Errorf("ParseTaskID(%q) = %v, want an error", text, got)
		}
	}
}

func FuzzParseTaskID(f *testing.F) {
	for _, text := range []string{"0_3", "00_3", "+1_2", "1_2_3"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := graph.ParseTaskID(text)
		if err != nil {
			return
		}
		if again, err := graph.ParseTaskID(id.String()); err != nil || again != id {
			t.Errorf("%q is %v, which is read as %v, %v", text, id, again, err)
		}
	})
}
