package resolve

import (
	"flag"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

var _ = flag.String("cases", "", "read by internal/cases")

func parse(t interface{ Fatalf(string, ...any) }, text string) *avsc.Schema {
	s, err := avsc.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}
