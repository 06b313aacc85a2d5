package resolve

import (
	"slices"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

type pair struct{ w, r *avsc.Schema }

// branch returns the branch of the reader's union for a type of the writer that is no
// union, -1 if there is none.
func (c *compiler) branch(w, r *avsc.Schema) int {
	fitting := -1
	for i, b := range r.Branches {
		switch {
		case b.Kind != w.Kind:
		case w.Name == "" || c.names.of(w) == b.Name:
			return i
		case w.Kind == avsc.Record && (fitting < 0 || c.names.sameShort(w, b)) && c.fits(w, b):
			fitting = i
		}
	}
	if fitting >= 0 {
		return fitting
	}
	return slices.IndexFunc(r.Branches, func(b *avsc.Schema) bool { return w.Kind.PromotesTo(b.Kind) })
}

// fits tells whether a record has the right fields for another, as far as can be seen
// without looking into them.
func (c *compiler) fits(w, r *avsc.Schema) bool {
	if slices.Contains(c.fitting, pair{w, r}) {
		return true
	}
	c.fitting = append(c.fitting, pair{w, r})
	defer func() { c.fitting = c.fitting[:len(c.fitting)-1] }()
	to, found, err := c.names.match(w, r)
	if err != nil || missing(r, found) != nil {
		return false
	}
	for i, k := range to {
		if k >= 0 && !c.mayFit(w.Fields[i].Type, r.Fields[k].Type) {
			return false
		}
	}
	return true
}

func missing(r *avsc.Schema, found []bool) *avsc.Field {
	for i, f := range r.Fields {
		if !found[i] && !f.HasDefault {
			return f
		}
	}
	return nil
}

func (c *compiler) mayFit(w, r *avsc.Schema) bool {
	switch {
	case w.Kind == avsc.Union:
		return true
	case r.Kind == avsc.Union:
		return c.branch(w, r) >= 0
	case w.Kind != r.Kind:
		return w.Kind.PromotesTo(r.Kind)
	}
	switch w.Kind {
	case avsc.Fixed:
		return w.Size == r.Size && c.names.sameShort(w, r)
	case avsc.Enum:
		return c.names.sameShort(w, r)
	case avsc.Record:
		_, found, err := c.names.match(w, r)
		return err == nil && missing(r, found) == nil
	}
	return true
}

// equivalent tells whether types are equal but for namespaces. The branches of
// equivalent unions belong together in their order.
func (c *compiler) equivalent(w, r *avsc.Schema, seen map[pair]bool) bool {
	if w.Kind != r.Kind || w.Name != "" && !c.names.sameShort(w, r) {
		return false
	}
	switch w.Kind {
	case avsc.Union:
		return slices.EqualFunc(w.Branches, r.Branches, func(a, b *avsc.Schema) bool { return c.equivalent(a, b, seen) })
	case avsc.Array, avsc.Map:
		return c.equivalent(w.Items, r.Items, seen)
	case avsc.Fixed:
		return w.Size == r.Size
	case avsc.Enum:
		return slices.Equal(w.Symbols, r.Symbols)
	case avsc.Record:
		known, ok := seen[pair{w, r}]
		if ok {
			return known
		}
		seen[pair{w, r}] = true
		aliases := c.names.fields[c.names.of(w)]
		seen[pair{w, r}] = slices.EqualFunc(w.Fields, r.Fields, func(a, b *avsc.Field) bool {
			name := a.Name
			if to, ok := aliases[name]; ok {
				name = to
			}
			return name == b.Name && c.equivalent(a.Type, b.Type, seen)
		})
		return seen[pair{w, r}]
	}
	return true
}

// same tells whether each value of w is, byte for byte, one of r.
func (c *compiler) same(w, r *avsc.Schema) bool {
	if known, ok := c.alike[pair{w, r}]; ok {
		return known
	}
	open := map[pair]bool{}
	same := c.sameInside(w, r, open)
	if same {
		// All that was looked at rests on nothing that is not the same.
		for p := range open {
			c.alike[p] = true
		}
	}
	c.alike[pair{w, r}] = same
	return same
}

func (c *compiler) sameInside(w, r *avsc.Schema, open map[pair]bool) bool {
	if known, ok := c.alike[pair{w, r}]; ok {
		return known
	}
	if open[pair{w, r}] {
		return true
	}
	open[pair{w, r}] = true
	if w.Kind != r.Kind {
		return w.Kind == avsc.Int && r.Kind == avsc.Long && !c.rescales(w, r) ||
			w.Kind == avsc.String && r.Kind == avsc.Bytes || w.Kind == avsc.Bytes && r.Kind == avsc.String
	}
	switch w.Kind {
	case avsc.Int, avsc.Long:
		return !c.rescales(w, r)
	case avsc.Fixed:
		return w.Size == r.Size && c.names.sameShort(w, r)
	case avsc.Enum:
		return c.names.sameShort(w, r) && len(w.Symbols) <= len(r.Symbols) && slices.Equal(w.Symbols, r.Symbols[:len(w.Symbols)])
	case avsc.Array, avsc.Map:
		return c.sameInside(w.Items, r.Items, open)
	case avsc.Record:
		to, _, err := c.names.match(w, r)
		if err != nil || len(to) != len(r.Fields) {
			return false
		}
		for i, k := range to {
			if k != i || !c.sameInside(w.Fields[i].Type, r.Fields[i].Type, open) {
				return false
			}
		}
	case avsc.Union:
		paired := c.equivalent(w, r, map[pair]bool{})
		for i, b := range w.Branches {
			if !paired && c.branch(b, r) != i || !c.sameInside(b, r.Branches[i], open) {
				return false
			}
		}
	}
	return true
}
