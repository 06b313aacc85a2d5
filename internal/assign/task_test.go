package assign

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParseTaskIsTheInverseOfString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := taskGen.Draw(t, "task")
		got, err := ParseTask(want.String())
		if err != nil || got != want {
			t.Fatalf("ParseTask(%q) = %v, %v", want.String(), got, err)
		}
	})
}

func TestParseTaskRefusesOtherNames(t *testing.T) {
	for _, name := range []string{"", "_", "0", "0_", "_0", "0_1_2", "00_1", "0_01", "+0_1", "0_-1", "-1_0", "0_1 ", "a_b", "global", "2147483648_0", "0_2147483648"} {
		if got, err := ParseTask(name); err == nil {
			t.Errorf("ParseTask(%q) = %v, want an error", name, got)
		}
	}
}
