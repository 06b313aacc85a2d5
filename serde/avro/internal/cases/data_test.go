package cases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde/avro/avrojson"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/resolve"
)

type dataResult struct {
	readResult
	Rewritten *string
	JSON      *string
	JSONBack  json.RawMessage
	JSONError *javaError
}

// data writes values, as binary data and as JSON, and reads them back; of bytes it only
// does the latter.
func data(c *testCase, golden json.RawMessage) string {
	var g struct{ Results []dataResult }
	if err := json.Unmarshal(golden, &g); err != nil {
		return err.Error()
	}
	s, err := c.schema()
	if err != nil {
		return fmt.Sprintf("schema: %v", err)
	}
	for i, want := range g.Results {
		var d string
		if i < len(c.Values) {
			d = written(s, c.Values[i], want)
		} else {
			d = decoded(s, unhex(c.hex(i)), want)
		}
		if d != "" {
			return fmt.Sprintf("value %d: %s", i, d)
		}
	}
	return ""
}

// written checks a value that Java wrote.
func written(s *avsc.Schema, text json.RawMessage, want dataResult) string {
	value, err := parseJSON(text)
	if err != nil {
		return err.Error()
	}
	in, ok := avroJSON(s, value)
	if ok {
		out, err := avrojson.Encode(nil, s, in)
		switch {
		case want.Error != nil && err == nil:
			return fmt.Sprintf("written as %x, Java: %s %s", out, want.Error.Kind, want.Error.Message)
		case want.Error == nil && err != nil:
			return fmt.Sprintf("%v, Java: %s", err, want.Hex)
		case want.Error == nil:
			if d := sameData(s, out, unhex(want.Hex)); d != "" {
				return d
			}
		}
	}
	if want.Error != nil {
		return ""
	}
	if want.Value == nil {
		want.Value = text
	}
	if d := decoded(s, unhex(want.Hex), want); d != "" {
		return d
	}
	return asJSON(s, unhex(want.Hex), want)
}

// decoded reads bytes, which may be wrong.
func decoded(s *avsc.Schema, b []byte, want dataResult) string {
	rest, err := resolve.Check(s, b)
	got, left, readErr := read(s, b)
	_, textRest, textErr := avrojson.Append(nil, s, b)
	switch {
	case (err == nil) != (readErr == nil) || (err == nil) != (textErr == nil):
		return fmt.Sprintf("%x: gone over: %v, read: %v, as text: %v", b, err, readErr, textErr)
	case want.Error != nil && err == nil:
		return fmt.Sprintf("%x is read as %v, Java: %s %s", b, got, want.Error.Kind, want.Error.Message)
	case want.Error == nil && err != nil:
		return fmt.Sprintf("%x: %v, Java: %s", b, err, want.Value)
	case err != nil:
		if !sameKind(*want.Error, err) || kindOf(readErr) != kindOf(err) || kindOf(textErr) != kindOf(err) {
			return fmt.Sprintf("%x: %v, %v, %v, Java: %s %s", b, err, readErr, textErr, want.Error.Kind, want.Error.Message)
		}
		return ""
	}
	if len(rest) != want.Left || left != want.Left || len(textRest) != want.Left {
		return fmt.Sprintf("%x: %d, %d and %d bytes left, Java: %d", b, len(rest), left, len(textRest), want.Left)
	}
	java, err := parseJSON(want.Value)
	if err != nil {
		return err.Error()
	}
	if d := cmp.Diff(treeOf(s, java), got); d != "" {
		return "(-java +ours)\n" + d
	}
	in, ok := avroJSON(s, java)
	if !ok {
		return ""
	}
	out, err := avrojson.Encode(nil, s, in)
	if err != nil {
		return err.Error()
	}
	again := b[:len(b)-left]
	if want.Rewritten != nil {
		again = unhex(*want.Rewritten)
	}
	return sameData(s, out, again)
}

// sameData compares what we write with what Java writes: the bytes, but for the order
// of a map's entries.
func sameData(s *avsc.Schema, ours, java []byte) string {
	if bytes.Equal(ours, java) {
		return ""
	}
	a, leftA, errA := read(s, ours)
	b, leftB, errB := read(s, java)
	if len(ours) != len(java) || !strings.Contains(s.Text(), `"type":"map"`) || errA != nil || errB != nil || leftA+leftB > 0 || !cmp.Equal(a, b) {
		return fmt.Sprintf("written as %x, Java: %x", ours, java)
	}
	return ""
}

// asJSON compares the JSON encoding, and what is read back from it.
func asJSON(s *avsc.Schema, b []byte, want dataResult) string {
	text, _, err := avrojson.Append(nil, s, b)
	if err != nil {
		return err.Error()
	}
	if want.JSON == nil || want.JSONError != nil {
		return fmt.Sprintf("as JSON %s, Java: %v", text, want.JSONError)
	}
	// Java writes nothing at all for a record in which there is nothing but records, and
	// an old one some floats with a digit more than they need.
	if string(text) != *want.JSON && *want.JSON != "" && !sameText(s, text, []byte(*want.JSON)) {
		return fmt.Sprintf("as JSON %s, Java: %s", text, *want.JSON)
	}
	value, err := parseJSON(text)
	if err != nil {
		return err.Error()
	}
	back, err := avrojson.Encode(nil, s, value)
	if err != nil {
		return fmt.Sprintf("%s is not read back: %v", text, err)
	}
	if want.JSONBack != nil {
		want.Value = want.JSONBack
	}
	java, err := parseJSON(want.Value)
	if err != nil {
		return err.Error()
	}
	got, _, err := read(s, back)
	if d := cmp.Diff(treeOf(s, java), got); d != "" || err != nil {
		return fmt.Sprintf("%s is read back with %v (-java +ours)\n%s", text, err, d)
	}
	return ""
}

func sameText(s *avsc.Schema, a, b []byte) bool {
	v, err := parseJSON(b)
	if err != nil || s.Kind != avsc.Float && s.Kind != avsc.Double {
		return false
	}
	w, err := parseJSON(a)
	return err == nil && treeOf(s, v) == treeOf(s, w)
}
