package cases

import (
	"encoding/json"
	"fmt"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/resolve"
)

type readResult struct {
	Hex   string
	Value json.RawMessage
	Error *javaError
	Left  int

	WithoutWriterDefaults *readResult
}

// resolution reads what the writer wrote as the reader's.
func resolution(c *testCase, golden json.RawMessage) string {
	var g struct{ Results []readResult }
	if err := json.Unmarshal(golden, &g); err != nil {
		return err.Error()
	}
	w, err := c.writer()
	if err != nil {
		return fmt.Sprintf("writer: %v", err)
	}
	r, err := c.reader()
	if err != nil {
		return fmt.Sprintf("reader: %v", err)
	}
	plan, planErr := resolve.New(w, r, resolve.Options{})
	for i, want := range g.Results {
		if want.Hex == "" {
			want.Hex = c.hex(i)
		}
		if other := want.WithoutWriterDefaults; other != nil {
			want.Value, want.Error, want.Left = other.Value, other.Error, other.Left // Java's bug 3
		}
		if d := c.resolved(w, r, plan, planErr, want); d != "" {
			return fmt.Sprintf("value %d, %s: %s", i, want.Hex, d)
		}
	}
	return ""
}

func (c *testCase) hex(i int) string {
	var list []string
	if json.Unmarshal(c.Hex, &list) != nil || i >= len(list) {
		return ""
	}
	return list[i]
}

func (c *testCase) resolved(w, r *avsc.Schema, plan *resolve.Plan, err error, want readResult) string {
	data := unhex(want.Hex)
	var out, rest []byte
	early := err != nil
	if !early {
		out, rest, err = plan.Append([]byte{0xaa}, data)
	}
	switch {
	case want.Error != nil && err == nil:
		v, _, _ := read(r, out[1:])
		return fmt.Sprintf("read as %v, Java: %s %s", v, want.Error.Kind, want.Error.Message)
	case want.Error == nil && err != nil:
		return fmt.Sprintf("%v, Java: %s", err, want.Value)
	case err != nil:
		// Who refuses before a byte is read may have another reason than Java has
		// for this value.
		if !sameKind(*want.Error, err) && (!early || want.Error.Phase == "resolution") {
			return fmt.Sprintf("%v, Java: %s %s", err, want.Error.Kind, want.Error.Message)
		}
		return ""
	}
	if left := len(rest); left != want.Left {
		return fmt.Sprintf("%d bytes left, Java: %d", left, want.Left)
	}
	if plan.Equal() && string(out[1:]) != string(data[:len(data)-len(rest)]) {
		return fmt.Sprintf("the plan says that nothing changes, and makes %x", out[1:])
	}
	got, left, err := read(r, out[1:])
	if err != nil || left > 0 || out[0] != 0xaa {
		return fmt.Sprintf("became %x, which is read with %d bytes left, %v", out, left, err)
	}
	java, err := parseJSON(want.Value)
	if err != nil {
		return err.Error()
	}
	if d := cmp.Diff(treeOf(r, java), got); d != "" {
		return "(-java +ours)\n" + d
	}
	return ""
}
