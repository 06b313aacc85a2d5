package avsc

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestPositionsOfAnyOrder(t *testing.T) {
	s := &source{text: "aä{\n\n  \"x\": ü,\n}"}
	for at := range len(s.text) {
		if at > 0 && s.text[at]&0xc0 == 0x80 {
			continue // inside of a character
		}
		want := Position{Line: 1 + strings.Count(s.text[:at], "\n"), Column: 1 + len([]rune(s.text[strings.LastIndex(s.text[:at], "\n")+1:at]))}
		for _, before := range []int{0, at, len(s.text) - 1, 5} {
			s.position(before)
			if got := s.position(at); got != want {
				t.Errorf("byte %d after %d: %v, want %v", at, before, got, want)
			}
		}
	}
}

// A registry's schemas are on one line, and may be large.
func TestLongLineIsReadInTime(t *testing.T) {
	fields := make([]string, 40_000)
	for i := range fields {
		fields[i] = fmt.Sprintf(`{"name":"field%d","type":"long"}`, i)
	}
	text := `{"type":"record","name":"R","fields":[` + strings.Join(fields, ",") + `]}`
	from := time.Now()
	if _, err := Parse(text); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(from); d > 5*time.Second {
		t.Errorf("%v for %d bytes", d, len(text))
	}
}
