package resolve

import (
	"fmt"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// names holds the reader's aliases. As in Java they rename the types and fields of the
// writer wherever these stand.
type names struct {
	types  map[string]string            // alias -> the reader's name
	fields map[string]map[string]string // the reader's record -> alias -> field
}

func namesOf(reader *avsc.Schema) *names {
	n := &names{map[string]string{}, map[string]map[string]string{}}
	n.add(reader, map[*avsc.Schema]bool{})
	return n
}

func (n *names) add(s *avsc.Schema, seen map[*avsc.Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	for _, a := range s.Aliases {
		n.types[a] = s.Name
	}
	for _, f := range s.Fields {
		for _, a := range f.Aliases {
			if n.fields[s.Name] == nil {
				n.fields[s.Name] = map[string]string{}
			}
			n.fields[s.Name][a] = f.Name
		}
		n.add(f.Type, seen)
	}
	for _, b := range s.Branches {
		n.add(b, seen)
	}
	n.add(s.Items, seen)
}

// of is the name of a writer's type to the reader.
func (n *names) of(w *avsc.Schema) string {
	if to, ok := n.types[w.Name]; ok {
		return to
	}
	return w.Name
}

func (n *names) sameShort(w, r *avsc.Schema) bool { return avsc.Short(n.of(w)) == avsc.Short(r.Name) }

// match returns for each field of the writer the position of the reader's, -1 if there
// is none, and for each of the reader whether the writer has it.
func (n *names) match(w, r *avsc.Schema) (to []int, found []bool, err error) {
	byName := make(map[string]int, len(r.Fields))
	for i, f := range r.Fields {
		byName[f.Name] = i
	}
	aliases := n.fields[n.of(w)]
	to, found = make([]int, len(w.Fields)), make([]bool, len(r.Fields))
	seen := make(map[string]string, len(w.Fields))
	for i, f := range w.Fields {
		name := f.Name
		if a, ok := aliases[name]; ok {
			name = a
		}
		if other, ok := seen[name]; ok {
			return nil, nil, fmt.Errorf("the fields %s and %s of %s are both %s to the reader, by its aliases", other, f.Name, w.Name, name)
		}
		seen[name] = f.Name
		to[i] = -1
		if k, ok := byName[name]; ok {
			to[i], found[k] = k, true
		}
	}
	return to, found, nil
}
