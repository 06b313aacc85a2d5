package cases

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// checkModes compares the verdicts of the modes and the conflicts behind them.
func checkModes(c *testCase, golden json.RawMessage) string {
	var g struct{ Steps []map[string]any }
	if err := json.Unmarshal(golden, &g); err != nil {
		return err.Error()
	}
	list := make([]*avsc.Schema, len(c.Schemas))
	for i, text := range c.Schemas {
		s, err := c.parse(string(text))
		if err != nil {
			return fmt.Sprintf("schema %d: %v", i, err)
		}
		list[i] = s
	}
	var d differences
	for i, step := range g.Steps {
		s, earlier := list[i+1], list[:i+1]
		for mode := avsc.Backward; mode <= avsc.FullTransitive; mode++ {
			d.values(fmt.Sprintf("schema %d, %s", i+1, mode), step[mode.String()], any(mode.Check(s, earlier).OK()))
		}
		reads, isRead := map[string]any{}, map[string]any{}
		for _, f := range avsc.FullTransitive.Check(s, earlier).Findings {
			into := reads
			if f.Forward {
				into = isRead
			}
			var reasons []any
			for _, c := range f.Conflicts {
				reasons = append(reasons, javas(c))
			}
			into[strconv.Itoa(f.Version)] = reasons
		}
		d.values(fmt.Sprintf("what schema %d cannot read", i+1), orEmpty(step["cannotRead"]), any(reads))
		d.values(fmt.Sprintf("what cannot read schema %d", i+1), orEmpty(step["cannotBeRead"]), any(isRead))
	}
	return d.String()
}

func orEmpty(v any) any {
	if v == nil {
		return map[string]any{}
	}
	return v
}

// javas is the conflict as the goldens list it.
func javas(c avsc.Conflict) string {
	if c.Type == avsc.AmbiguousField {
		return "EXCEPTION /"
	}
	return string(c.Type) + " " + c.Location
}

// checkVerdict compares the conflicts of a writer's and a reader's schema.
func checkVerdict(c *testCase, golden json.RawMessage) string {
	var g struct {
		Compat            string
		Incompatibilities []struct{ Type, Location string }
	}
	if err := json.Unmarshal(golden, &g); err != nil {
		return err.Error()
	}
	w, err := c.writer()
	if err != nil {
		return "writer: " + err.Error()
	}
	r, err := c.reader()
	if err != nil {
		return "reader: " + err.Error()
	}
	verdict := "COMPATIBLE"
	var java, ours []string
	for _, i := range g.Incompatibilities {
		java = append(java, i.Type+" "+i.Location)
	}
	for _, i := range avsc.Compatible(r, w) {
		ours = append(ours, javas(i))
		if verdict = "INCOMPATIBLE"; i.Type == avsc.AmbiguousField {
			verdict = "EXCEPTION"
		}
	}
	var d differences
	d.texts("verdict", g.Compat, verdict)
	d.values("conflicts", java, ours)
	return d.String()
}
