package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tree is a JSON object. Numbers are json.Number, so that longs stay exact.
type tree = map[string]any

func parse(b []byte) (tree, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var t tree
	err := d.Decode(&t)
	return t, err
}

// sections are the parts of a golden, in the order in which a difference says most.
var sections = []string{"describe", "topics", "copartition", "branches", "queryableStoreNames",
	"output", "calls", "internal", "dropped", "checks", "stores"}

// difference is the first one between a golden and a run, "" if there is none.
func difference(want, got tree) string {
	if d := diffError(want["error"], got["error"]); d != "" {
		return d
	}
	parts := sections
	switch e, _ := want["error"].(tree); e["phase"] {
	case "build":
		// Java stops at the first mistake, Go goes on to collect all of them: what
		// was made of the steps behind it is no part of the comparison.
		parts = []string{"output", "calls", "internal"}
	case "input":
		want = withoutClosing(want, e["i"])
	}
	want, got = likeJavasDriver(want, got)
	if order, ok := want["interleaved"].([]any); ok {
		want, got = loosen(want, order), loosen(got, order)
	}
	for _, s := range parts {
		if d := diff(s, want[s], got[s]); d != "" {
			return d
		}
	}
	return ""
}

// withoutClosing leaves out what Java's driver logs when it is closed after an error
// of input i: it then writes the changelogs of buffers, which are records without a
// time. Nothing of that input would be committed.
func withoutClosing(t tree, i any) tree {
	t = maps.Clone(t)
	records, _ := t["internal"].([]any)
	t["internal"] = slices.DeleteFunc(slices.Clone(records), func(r any) bool {
		return r.(tree)["i"] == i && r.(tree)["ts"] == nil
	})
	return t
}

// loosen forgets in which order the records of some inputs were written: those
// during which several queues of the task had records of equal timestamps, whose
// order is an accident of a heap in Java.
func loosen(t tree, inputs []any) tree {
	t = maps.Clone(t)
	for _, section := range []string{"output", "calls", "internal"} {
		records, _ := t[section].([]any)
		records = slices.Clone(records)
		for i, r := range records {
			if r := r.(tree); slices.Contains(inputs, r["i"]) {
				r = maps.Clone(r)
				delete(r, "n")
				records[i] = r
			}
		}
		for begin := 0; begin < len(records); {
			input := records[begin].(tree)["i"]
			end := begin
			for end < len(records) && records[end].(tree)["i"] == input {
				end++
			}
			if slices.Contains(inputs, input) {
				slices.SortFunc(records[begin:end], func(a, b any) int { return strings.Compare(show(a), show(b)) })
			}
			begin = end
		}
		t[section] = records
	}
	return t
}

// diffError compares the phase of an error and its input. Classes and messages are
// each language's own.
func diffError(want, got any) string {
	w, _ := want.(tree)
	g, _ := got.(tree)
	for _, field := range []string{"phase", "i"} {
		if w[field] != g[field] {
			return fmt.Sprintf("error: want %v, got %v", want, got)
		}
	}
	return ""
}

func diff(path string, want, got any) string {
	switch w := want.(type) {
	case tree:
		g, _ := got.(tree)
		names := slices.Sorted(maps.Keys(w))
		for name := range g {
			if _, ok := w[name]; !ok {
				names = append(names, name)
			}
		}
		for _, name := range names {
			if ts, ok := w[name]; name == "ts" && ok && ts == nil {
				continue // Java's producer sets it by its own clock
			}
			_, inWant := w[name]
			_, inGot := g[name]
			if inWant != inGot {
				return fmt.Sprintf("%s: want %s, got %s", path, show(want), show(got))
			}
			if d := diff(path+"."+name, w[name], g[name]); d != "" {
				return d
			}
		}
		return ""
	case []any:
		g, _ := got.([]any)
		for i := range max(len(w), len(g)) {
			at := fmt.Sprintf("%s[%d]", path, i)
			switch {
			case i >= len(g):
				return fmt.Sprintf("%s: want %s, got no more", at, show(w[i]))
			case i >= len(w):
				return fmt.Sprintf("%s: want no more, got %s", at, show(g[i]))
			case diff("", w[i], g[i]) != "":
				return fmt.Sprintf("%s: want %s, got %s", at, show(w[i]), show(g[i]))
			}
		}
		return ""
	case string:
		if g, ok := got.(string); ok && path == "describe" {
			return diffText(w, g)
		}
	case nil:
		// A list that is empty, or left out, is the same.
		if g, ok := got.([]any); ok && len(g) > 0 {
			return fmt.Sprintf("%s: want none, got %s", path, show(got))
		} else if ok {
			return ""
		}
	}
	if want != got {
		return fmt.Sprintf("%s: want %s, got %s", path, show(want), show(got))
	}
	return ""
}

// diffText is the first line that differs.
func diffText(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("describe: line %d: want %q, got %q", i+1, w[i], g[i])
		}
	}
	if len(w) != len(g) {
		return fmt.Sprintf("describe: want %d lines, got %d", len(w), len(g))
	}
	return ""
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
