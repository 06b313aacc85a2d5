package avsc

import (
	"fmt"
	"slices"
	"strings"
)

// Mode is a compatibility mode of a registry: what a new version of a schema has
// to be to the earlier ones.
type Mode uint8

// The modes. Backward: the new version reads what the latest has written.
// Forward: the latest reads what the new one writes. Full: both. The transitive
// modes say so of all earlier versions.
const (
	NoCheck Mode = iota
	Backward
	BackwardTransitive
	Forward
	ForwardTransitive
	Full
	FullTransitive
)

var modeNames = [...]string{"NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"}

// String is the name that registries have for the mode.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("Mode(%d)", m)
}

// ParseMode reads the name of a mode, in upper or lower case.
func ParseMode(name string) (Mode, error) {
	if i := slices.Index(modeNames[:], strings.ToUpper(name)); i >= 0 {
		return Mode(i), nil
	}
	return 0, fmt.Errorf("avro: there is no compatibility mode %q; the modes are %s", name, strings.Join(modeNames[:], ", "))
}

func (m Mode) backward() bool {
	return m == Backward || m == BackwardTransitive || m == Full || m == FullTransitive
}

func (m Mode) forward() bool {
	return m == Forward || m == ForwardTransitive || m == Full || m == FullTransitive
}

func (m Mode) transitive() bool {
	return m == BackwardTransitive || m == ForwardTransitive || m == FullTransitive
}

// Finding is what keeps a new version from being compatible with an earlier one.
type Finding struct {
	Version   int  // index of the earlier schema
	Forward   bool // the earlier schema is the reader, else the new one is
	Conflicts []Conflict
}

// Report is the outcome of a check. Without findings the new schema is
// compatible.
type Report struct {
	Mode     Mode
	Findings []Finding
	// Names are what String calls the earlier schemas, oldest first; without them it is
	// "earlier schema 1" and so on.
	Names []string
}

// OK is whether the new schema is compatible.
func (r Report) OK() bool { return len(r.Findings) == 0 }

// String is the report in lines: for each earlier schema who cannot read what,
// and below that where and why.
func (r Report) String() string {
	if r.OK() {
		return "compatible (" + r.Mode.String() + ")"
	}
	return fmt.Sprintf("not compatible (%s)", r.Mode) + r.Details()
}

// Details are the lines of String behind the first, each with a line end before it.
func (r Report) Details() string {
	var b strings.Builder
	for _, f := range r.Findings {
		name := fmt.Sprint("earlier schema ", f.Version+1)
		if r.Names != nil {
			name = r.Names[f.Version]
		}
		if f.Forward {
			fmt.Fprintf(&b, "\n%s cannot read what the new schema writes:", name)
		} else {
			fmt.Fprintf(&b, "\nthe new schema cannot read what %s wrote:", name)
		}
		for _, c := range f.Conflicts {
			fmt.Fprintf(&b, "\n  %s: %s (%s)", c.Location, c.Message, c.Type)
		}
	}
	return b.String()
}

// Check compares a new schema with the earlier ones, oldest first, as a registry
// does in that mode. The findings begin with the latest schema.
func (m Mode) Check(s *Schema, earlier []*Schema) Report {
	r := Report{Mode: m}
	for i, e := range slices.Backward(earlier) {
		if m.backward() {
			r.add(Finding{Version: i, Conflicts: Compatible(s, e)})
		}
		if m.forward() {
			r.add(Finding{Version: i, Forward: true, Conflicts: Compatible(e, s)})
		}
		if !m.transitive() {
			break
		}
	}
	return r
}

func (r *Report) add(f Finding) {
	if len(f.Conflicts) > 0 {
		r.Findings = append(r.Findings, f)
	}
}
