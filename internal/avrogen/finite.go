package avrogen

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// endless is the error of a record that has no value, with the fields that lead to what
// has none.
func endless(s *avsc.Schema) error {
	var path []string
	seen := map[*avsc.Schema]bool{}
	for at := s; at.Kind == avsc.Record && !seen[at]; {
		seen[at] = true
		for _, f := range at.Fields {
			if !f.Type.HasValue() {
				path = append(path, avsc.Short(at.Name)+"."+f.Name)
				at = without(f.Type)
				break
			}
		}
	}
	return fmt.Errorf("avro schema: %s: record %s has no value that ends, by %s: make a field of these nullable, or an array",
		s.Position, s.Name, strings.Join(path, ", "))
}

// without is what a type without values has none for.
func without(s *avsc.Schema) *avsc.Schema {
	for s.Kind == avsc.Union && len(s.Branches) > 0 {
		s = s.Branches[0]
	}
	return s
}
