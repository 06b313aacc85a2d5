package avsc

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ConflictType is the kind of a conflict, with the names that Java has for them.
type ConflictType string

// The types of conflicts.
const (
	NameMismatch       ConflictType = "NAME_MISMATCH"
	FixedSizeMismatch  ConflictType = "FIXED_SIZE_MISMATCH"
	MissingEnumSymbols ConflictType = "MISSING_ENUM_SYMBOLS"
	MissingDefault     ConflictType = "READER_FIELD_MISSING_DEFAULT_VALUE"
	TypeMismatch       ConflictType = "TYPE_MISMATCH"
	MissingUnionBranch ConflictType = "MISSING_UNION_BRANCH"
	// AmbiguousField is a field of the reader that is, by its name and aliases,
	// more than one of the writer's. Java throws an exception there.
	AmbiguousField ConflictType = "AMBIGUOUS_FIELD"
)

// Conflict is a reason why data of the writer's schema cannot, or cannot always,
// be read with the reader's.
type Conflict struct {
	Type ConflictType
	// Location is the place in the reader's schema as a JSON pointer, "/" for all
	// of it. Where a union of the writer's is read by a plain type, the number is
	// that of the writer's branch.
	Location string
	Message  string
}

// String is the location and the message.
func (c Conflict) String() string { return c.Location + ": " + c.Message }

// maxConflicts bounds the list: types that are used twice in each other would
// make it exponential.
const maxConflicts = 1000

// Compatible lists the conflicts of reading with the reader's schema what was
// written with the writer's; none means that all such data can be read. The
// verdict is that of Java's SchemaCompatibility, which registries go by:
// record names have to agree without their namespaces, and logical types play no
// role. Below a union there is one conflict for a branch, without its reason. At
// most 1000 conflicts are listed.
func Compatible(reader, writer *Schema) []Conflict {
	c := comparer{known: map[readWrite][]Conflict{}}
	list := c.compare(reader, writer, nil)
	if c.ambiguous != nil {
		return []Conflict{*c.ambiguous}
	}
	return list
}

type readWrite struct{ r, w *Schema }

// comparer keeps what it knows of pairs, so recursive schemas end and no pair is
// looked at twice. A pair that is met again inside of itself counts as
// compatible; what it is found to be later is not looked at again. As Java has
// it, a pair that is met again elsewhere repeats the locations of the first time.
type comparer struct {
	known     map[readWrite][]Conflict
	ambiguous *Conflict
}

// location is the way to a pair, from the inside.
type location struct {
	up   *location
	step string
}

func (l *location) String() string {
	var steps []string
	for ; l != nil; l = l.up {
		steps = append(steps, l.step)
	}
	slices.Reverse(steps)
	return "/" + strings.Join(steps, "/")
}

func (l *location) down(step string) *location { return &location{l, step} }

func (l *location) at(i int) *location { return l.down(strconv.Itoa(i)) }

func (c *comparer) compare(r, w *Schema, at *location) []Conflict {
	pair := readWrite{r, w}
	list, ok := c.known[pair]
	if ok {
		return list
	}
	c.known[pair] = nil
	list = c.pair(r, w, at)
	if len(list) > maxConflicts {
		list = list[:maxConflicts]
	}
	list = slices.Clip(list)
	c.known[pair] = list
	return list
}

func conflict(t ConflictType, at *location, format string, args ...any) []Conflict {
	return []Conflict{{t, at.String(), fmt.Sprintf(format, args...)}}
}

func (c *comparer) pair(r, w *Schema, at *location) []Conflict {
	switch {
	case r.Kind == w.Kind:
		return c.sameKind(r, w, at)
	case w.Kind == Union:
		var list []Conflict
		for i, b := range w.Branches {
			list = append(list, c.compare(r, b, at.at(i))...)
		}
		return list
	case r.Kind == Union:
		for _, b := range r.Branches {
			if len(c.compare(b, w, nil)) == 0 {
				return nil
			}
		}
		return conflict(MissingUnionBranch, at, "the reader's union has no branch for the writer's %s", w.describe())
	case w.Kind.PromotesTo(r.Kind):
		return nil
	}
	return conflict(TypeMismatch, at, "the reader has %s where the writer has %s", r.describe(), w.describe())
}

func (c *comparer) sameKind(r, w *Schema, at *location) []Conflict {
	switch r.Kind {
	case Array:
		return c.compare(r.Items, w.Items, at.down("items"))
	case Map:
		return c.compare(r.Items, w.Items, at.down("values"))
	case Fixed:
		list := names(r, w, at)
		if r.Size != w.Size {
			list = append(list, conflict(FixedSizeMismatch, at.down("size"),
				"fixed %s has %d bytes for the reader and %d for the writer", r.Name, r.Size, w.Size)...)
		}
		return list
	case Enum:
		return append(names(r, w, at), symbols(r, w, at)...)
	case Record:
		return append(names(r, w, at), c.fields(r, w, at)...)
	case Union:
		var list []Conflict
		for i, b := range w.Branches {
			if len(c.compare(r, b, nil)) > 0 {
				list = append(list, conflict(MissingUnionBranch, at.at(i), "the reader's union has no branch for the writer's %s", b.describe())...)
			}
		}
		return list
	}
	return nil
}

func names(r, w *Schema, at *location) []Conflict {
	if Short(r.Name) == Short(w.Name) || slices.Contains(r.Aliases, w.Name) {
		return nil
	}
	return conflict(NameMismatch, at.down("name"), "the reader's %s %s is neither called %s, as the writer's, nor has it the alias", r.Kind, r.Name, w.Name)
}

func symbols(r, w *Schema, at *location) []Conflict {
	if r.Default != "" {
		return nil
	}
	known := make(map[string]bool, len(r.Symbols))
	for _, y := range r.Symbols {
		known[y] = true
	}
	var missing []string
	for _, y := range w.Symbols {
		if !known[y] {
			missing = append(missing, y)
		}
	}
	if missing == nil {
		return nil
	}
	slices.Sort(missing)
	return conflict(MissingEnumSymbols, at.down("symbols"), "the reader's enum %s has no default and lacks the writer's %s", r.Name, strings.Join(missing, ", "))
}

func (c *comparer) fields(r, w *Schema, at *location) (list []Conflict) {
	byName := make(map[string]*Field, len(w.Fields))
	for _, f := range w.Fields {
		byName[f.Name] = f
	}
	for i, f := range r.Fields {
		here := at.down("fields").at(i)
		from, ambiguous := writersField(byName, f)
		switch {
		case ambiguous:
			if c.ambiguous == nil {
				c.ambiguous = &Conflict{AmbiguousField, here.String(), fmt.Sprintf(
					"field %s of the reader's %s is more than one of the writer's, by its name and aliases", f.Name, r.Name)}
			}
		case from != nil:
			list = append(list, c.compare(f.Type, from.Type, here.down("type"))...)
		case f.HasDefault:
		case f.Type.Kind == Enum && f.Type.Default != "":
			// As in Java, where the enum's default was once to stand in.
			list = append(list, conflict(TypeMismatch, here.down("type"),
				"the writer's %s has no field %s, and the reader's has no default: that of its enum is for symbols", w.Name, f.Name)...)
		default:
			list = append(list, conflict(MissingDefault, here, "the writer's %s has no field %s, and the reader's has no default", w.Name, f.Name)...)
		}
	}
	return list
}

// writersField finds the one field of the writer's that has the name or an alias
// of the reader's.
func writersField(byName map[string]*Field, f *Field) (found *Field, ambiguous bool) {
	found = byName[f.Name]
	seen := map[string]bool{}
	for _, a := range f.Aliases {
		if w := byName[a]; w != nil && !seen[a] {
			seen[a] = true
			if found != nil {
				return nil, true
			}
			found = w
		}
	}
	return found, false
}
