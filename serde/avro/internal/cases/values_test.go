package cases

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// tree reads a value in a form that two can be compared in: integers and floats as
// text, floats by their bits.
func tree(s *avsc.Schema, r *wire.Reader) any {
	switch s.Kind {
	case avsc.Boolean:
		return r.Boolean()
	case avsc.Int:
		return strconv.Itoa(int(r.Int()))
	case avsc.Long:
		return strconv.FormatInt(r.Long(), 10)
	case avsc.Float:
		return float32Bits(math.Float32bits(r.Float()))
	case avsc.Double:
		return float64Bits(math.Float64bits(r.Double()))
	case avsc.String:
		return r.String()
	case avsc.Bytes:
		return hex.EncodeToString(r.Bytes())
	case avsc.Fixed:
		if s.Size > len(r.Rest()) {
			r.Fail(wire.ErrEnd)
			return nil
		}
		b := make([]byte, s.Size)
		r.Fixed(b)
		return hex.EncodeToString(b)
	case avsc.Enum:
		if k := r.Symbol(len(s.Symbols)); !r.Failed() {
			return s.Symbols[k]
		}
	case avsc.Union:
		k := r.Branch(len(s.Branches))
		if r.Failed() || s.Branches[k].Kind == avsc.Null {
			return nil
		}
		return map[string]any{s.Branches[k].Label(): tree(s.Branches[k], r)}
	case avsc.Array, avsc.Map, avsc.Record:
		if !r.Enter() {
			return nil
		}
		defer r.Leave()
		return inside(s, r)
	}
	return nil
}

func inside(s *avsc.Schema, r *wire.Reader) any {
	switch s.Kind {
	case avsc.Record:
		m := map[string]any{}
		for _, f := range s.Fields {
			if m[f.Name] = tree(f.Type, r); r.Failed() {
				break
			}
		}
		return m
	case avsc.Map:
		m := map[string]any{}
		for n := r.Count(s.Items.MinSize + 1); n > 0; n = r.Count(s.Items.MinSize + 1) {
			for ; n > 0 && !r.Failed(); n-- {
				k := r.String()
				m[k] = tree(s.Items, r)
			}
		}
		return m
	}
	list := []any{}
	for n := r.Count(s.Items.MinSize); n > 0; n = r.Count(s.Items.MinSize) {
		for ; n > 0 && !r.Failed(); n-- {
			list = append(list, tree(s.Items, r))
		}
	}
	return list
}

// read returns a value as a tree, and how many bytes are left.
func read(s *avsc.Schema, data []byte) (v any, left int, err error) {
	r := wire.NewReader(data)
	v = tree(s, &r)
	return v, len(r.Rest()), r.Err()
}

func float32Bits(b uint32) string { return fmt.Sprintf("%08x", b) }
func float64Bits(b uint64) string { return fmt.Sprintf("%016x", b) }

func float(v any, bits int) string {
	if m, ok := v.(map[string]any); ok {
		return m["bits"].(string)
	}
	f, err := strconv.ParseFloat(fmt.Sprint(v), bits)
	switch {
	case math.IsNaN(f):
		// Java's NaN is another one than Go's.
		return map[int]string{32: "7fc00000", 64: "7ff8000000000000"}[bits]
	case err != nil && !math.IsInf(f, 0):
		return err.Error()
	case bits == 32:
		return float32Bits(math.Float32bits(float32(f)))
	}
	return float64Bits(math.Float64bits(f))
}

// treeOf brings a value of a case or golden into the form of tree.
func treeOf(s *avsc.Schema, v any) any {
	switch s.Kind {
	case avsc.Int, avsc.Long:
		return fmt.Sprint(v)
	case avsc.Float:
		return float(v, 32)
	case avsc.Double:
		return float(v, 64)
	case avsc.String:
		if m, ok := v.(map[string]any); ok {
			b, _ := hex.DecodeString(m["utf8"].(string))
			return string(b)
		}
	case avsc.Array:
		list := make([]any, 0)
		for _, e := range v.([]any) {
			list = append(list, treeOf(s.Items, e))
		}
		return list
	case avsc.Map:
		m := map[string]any{}
		for k, e := range v.(map[string]any) {
			m[k] = treeOf(s.Items, e)
		}
		return m
	case avsc.Record:
		m := map[string]any{}
		for _, f := range s.Fields {
			if e, ok := v.(map[string]any)[f.Name]; ok {
				m[f.Name] = treeOf(f.Type, e)
			}
		}
		return m
	case avsc.Union:
		if m, ok := v.(map[string]any); ok {
			for _, b := range s.Branches {
				if e, ok := m[b.Label()]; ok {
					return map[string]any{b.Label(): treeOf(b, e)}
				}
			}
		}
	}
	return v
}

// avroJSON brings a value of a case into Avro's JSON encoding. There is none for a NaN
// of other bits and for text that is not UTF-8.
func avroJSON(s *avsc.Schema, v any) (out any, ok bool) {
	ok = true
	each := func(s *avsc.Schema, v any) any {
		e, good := avroJSON(s, v)
		ok = ok && good
		return e
	}
	switch s.Kind {
	case avsc.Long:
		if t, is := v.(string); is {
			return json.Number(t), true
		}
	case avsc.Float, avsc.Double, avsc.String:
		_, other := v.(map[string]any)
		return v, !other
	case avsc.Bytes, avsc.Fixed:
		b, _ := hex.DecodeString(v.(string))
		var t []rune
		for _, c := range b {
			t = append(t, rune(c))
		}
		return string(t), true
	case avsc.Array:
		list := make([]any, 0)
		for _, e := range v.([]any) {
			list = append(list, each(s.Items, e))
		}
		return list, ok
	case avsc.Map:
		m := map[string]any{}
		for k, e := range v.(map[string]any) {
			m[k] = each(s.Items, e)
		}
		return m, ok
	case avsc.Record:
		m := map[string]any{}
		for _, f := range s.Fields {
			if e, there := v.(map[string]any)[f.Name]; there {
				m[f.Name] = each(f.Type, e)
			}
		}
		return m, ok
	case avsc.Union:
		for _, b := range s.Branches {
			if m, is := v.(map[string]any); is && m[b.Label()] != nil {
				return map[string]any{b.Label(): each(b, m[b.Label()])}, ok
			}
		}
	}
	return v, ok
}

func parseJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func unhex(text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// javaError is a golden's error.
type javaError struct{ Phase, Kind, Message string }

// kindOf is the kind of an error, as the goldens name it.
func kindOf(err error) string {
	text := err.Error()
	for _, k := range [][2]string{
		{"cannot be used", "default"}, {wire.ErrEnd.Error(), "eof"}, {wire.ErrVarint.Error(), "varint"}, {"too large for an int", "varint"},
		{wire.ErrDepth.Error(), "stack"}, {"negative length", "negative"}, {"a block of", "negative"}, {"take no bytes", "tooLarge"},
		{"cannot be read", "mismatch"}, {"has no such field", "missingField"}, {"is unknown to the reader", "enumSymbol"},
		{"no symbol of", "enumSymbol"}, {"by its aliases", "alias"},
	} {
		if strings.Contains(text, k[0]) {
			return k[1]
		}
	}
	switch {
	case strings.Contains(text, "branch") && strings.Contains(text, "there are"):
		return "unionIndex"
	case strings.Contains(text, "symbol") && strings.Contains(text, "there are"):
		return "enumIndex"
	}
	return text
}

// sameKind compares kinds of errors. Announced lengths that cannot be are too large for
// Java and end too early for us.
func sameKind(java javaError, err error) bool {
	ours := kindOf(err)
	switch java.Kind {
	case ours:
		return true
	case "tooLarge":
		return ours == "eof" || ours == "negative"
	case "writerDefault":
		return false
	case "index":
		return ours == "unionIndex" || ours == "enumIndex"
	case "memory":
		return ours == "eof" || ours == "tooLarge"
	}
	return false
}
