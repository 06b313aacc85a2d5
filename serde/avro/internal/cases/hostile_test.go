package cases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde/avro/avrojson"
	"github.com/streamweir/streamweir/serde/avro/resolve"
)

const (
	largeMemory = 16 << 20
	longTime    = 5 * time.Second
)

// hostile reads bytes that somebody made up: without a large allocation, in time, and
// with an error where they must not be taken.
func hostile(c *testCase, golden json.RawMessage) string {
	if c.Writer == nil && c.WriterText == nil {
		c.Writer, c.WriterText = c.Schema, c.SchemaText
	}
	if c.Reader == nil && c.ReaderText == nil {
		c.Reader, c.ReaderText = c.Writer, c.WriterText
	}
	w, err := c.writer()
	if err != nil {
		return fmt.Sprintf("writer: %v", err)
	}
	r, err := c.reader()
	if err != nil {
		return fmt.Sprintf("reader: %v", err)
	}
	b := c.bytes()
	ways := map[string]func() error{
		"checked": func() error { _, err := resolve.Check(w, b); return err },
		"read":    func() error { _, _, err := read(w, b); return err },
		"as text": func() error { _, _, err := avrojson.Append(nil, w, b); return err },
	}
	var out []byte
	resolved := func() error {
		plan, err := resolve.New(w, r, resolve.Options{})
		if err != nil {
			return err
		}
		out, _, err = plan.Append(nil, b)
		return err
	}
	ways["resolved"] = resolved
	for how, way := range ways {
		d, err := measured(way)
		if d != "" {
			return how + ": " + d
		}
		if c.Want == "error" && err == nil || c.Want == "value" && err != nil {
			return fmt.Sprintf("%s: %v, want %s", how, err, c.Want)
		}
	}
	var java struct{ Value json.RawMessage }
	if err := json.Unmarshal(golden, &java); err != nil {
		return err.Error()
	}
	if err := resolved(); err != nil || java.Value == nil {
		return ""
	}
	got, _, err := read(r, out)
	value, jsonErr := parseJSON(java.Value)
	if err != nil || jsonErr != nil {
		return fmt.Sprintf("%v, %v", err, jsonErr)
	}
	if d := cmp.Diff(treeOf(r, value), got); d != "" {
		return "(-java +ours)\n" + d
	}
	return ""
}

func (c *testCase) bytes() []byte {
	var one string
	if c.Repeat == nil {
		if err := json.Unmarshal(c.Hex, &one); err != nil {
			panic(err)
		}
		return unhex(one)
	}
	var b []byte
	for _, part := range c.Repeat {
		var times int
		if json.Unmarshal(part[0], &one) != nil || json.Unmarshal(part[1], &times) != nil {
			panic("repeat")
		}
		b = append(b, bytes.Repeat(unhex(one), times)...)
	}
	return b
}

func measured(f func() error) (problem string, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	err = f()
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > largeMemory {
		problem = fmt.Sprintf("allocates %d bytes", n)
	}
	if took > longTime {
		problem = fmt.Sprintf("takes %v", took)
	}
	return problem, err
}
