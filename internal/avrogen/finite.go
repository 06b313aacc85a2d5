package avrogen

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// named are the named types in s, in order.
func named(s *avsc.Schema, known []*avsc.Schema) []*avsc.Schema {
	if s.Name != "" {
		for _, k := range known {
			if k == s {
				return known
			}
		}
		known = append(known, s)
	}
	for _, p := range parts(s) {
		known = named(p, known)
	}
	return known
}

// finite refuses records all of whose values contain themselves without end.
func finite(s *avsc.Schema) error {
	types := named(s, nil)
	ends := map[*avsc.Schema]bool{}
	var has func(s *avsc.Schema) bool
	has = func(s *avsc.Schema) bool {
		switch s.Kind {
		case avsc.Record:
			return ends[s]
		case avsc.Union:
			for _, b := range s.Branches {
				if has(b) {
					return true
				}
			}
			return len(s.Branches) == 0
		}
		return true
	}
	for changed := true; changed; {
		changed = false
		for _, t := range types {
			if t.Kind != avsc.Record || ends[t] {
				continue
			}
			all := true
			for _, f := range t.Fields {
				all = all && has(f.Type)
			}
			if all {
				ends[t], changed = true, true
			}
		}
	}
	for _, t := range types {
		if t.Kind == avsc.Record && !ends[t] {
			return fmt.Errorf("%s has no value that ends: it contains itself by %s; make that nullable, or an array", t.Name, circle(t, ends))
		}
	}
	return nil
}

// circle is a path of fields from a record back into one that it came through.
func circle(s *avsc.Schema, ends map[*avsc.Schema]bool) string {
	var path []string
	seen := map[*avsc.Schema]bool{}
	for s != nil && !seen[s] {
		seen[s] = true
		next := (*avsc.Schema)(nil)
		for _, f := range s.Fields {
			var open func(*avsc.Schema) *avsc.Schema
			open = func(t *avsc.Schema) *avsc.Schema {
				switch t.Kind {
				case avsc.Record:
					if !ends[t] {
						return t
					}
				case avsc.Union:
					var found *avsc.Schema
					for _, b := range t.Branches {
						o := open(b)
						if o == nil {
							return nil
						}
						found = o
					}
					return found
				}
				return nil
			}
			if next = open(f.Type); next != nil {
				path = append(path, s.Name+"."+f.Name)
				break
			}
		}
		s = next
	}
	return strings.Join(path, ", ")
}
