package resolve

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/avro"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// maker makes a writer's schema, a reader's that differs from it here and there, and
// data of the former. What resolvers do not agree about is left out: a union with types
// that promote to each other, and other names of records.
type maker struct {
	*rand.Rand
	names int
}

type object = map[string]any

// schemas returns a type as the writer and as the reader has it.
func (m *maker) schemas(depth int) (w, r any) {
	n := m.IntN(13)
	if depth == 0 {
		n = m.IntN(8)
	}
	switch n {
	case 0, 1:
		list := []string{"int", "long", "float", "double"}
		i := m.IntN(4)
		return list[i], list[m.or(i, i+m.IntN(4-i))]
	case 2, 3:
		list := []string{"string", "bytes"}
		i := m.IntN(2)
		return list[i], list[m.or(i, 1-i)]
	case 4:
		return "boolean", "boolean"
	case 5:
		return "null", "null"
	case 6:
		name := m.name("E")
		w := object{"type": "enum", "name": name, "symbols": []string{"A", "B", "C"}}
		if m.IntN(3) > 0 {
			return w, w
		}
		return w, object{"type": "enum", "name": name, "symbols": []string{"C", "X", "A"}, "default": "X"}
	case 7:
		f := object{"type": "fixed", "name": m.name("F"), "size": m.IntN(5)}
		return f, f
	case 8:
		w, r := m.schemas(depth - 1)
		return object{"type": "array", "items": w}, object{"type": "array", "items": r}
	case 9:
		w, r := m.schemas(depth - 1)
		return object{"type": "map", "values": w}, object{"type": "map", "values": r}
	case 10:
		return m.unions(depth)
	}
	return m.records(depth)
}

// or is usually the first.
func (m *maker) or(usual, other int) int {
	if m.IntN(4) > 0 {
		return usual
	}
	return other
}

func (m *maker) name(kind string) string {
	m.names++
	return fmt.Sprint(kind, m.names)
}

func (m *maker) unions(depth int) (w, r any) {
	a, b := m.schemas(depth - 1)
	if _, is := a.([]any); is || a == "null" {
		return a, b
	}
	if _, is := b.([]any); is {
		return a, b
	}
	switch m.IntN(4) {
	case 0:
		return a, []any{"null", b}
	case 1:
		return []any{a, "null"}, []any{"null", b}
	case 2:
		if name, is := a.(string); !is || name != "boolean" {
			return []any{"null", "boolean", a}, []any{b, "boolean", "null"}
		}
	}
	return []any{"null", a}, []any{"null", b}
}

func (m *maker) records(depth int) (w, r any) {
	name := m.name("R")
	var writer, reader []any
	for range m.IntN(5) {
		field := m.name("f")
		a, b := m.schemas(depth - 1)
		switch m.IntN(8) {
		case 0: // removed
			writer = append(writer, object{"name": field, "type": a})
		case 1:
			reader = append(reader, object{"name": field, "type": "long", "default": m.IntN(1000)})
		case 2:
			reader = append(reader, object{"name": field, "type": []any{"null", object{"type": "array", "items": b}}, "default": nil})
		case 3:
			writer = append(writer, object{"name": field, "type": a})
			reader = append(reader, object{"name": field + "new", "type": b, "aliases": []string{field}})
		default:
			writer = append(writer, object{"name": field, "type": a})
			reader = append(reader, object{"name": field, "type": b})
		}
	}
	if m.IntN(4) == 0 {
		m.Shuffle(len(reader), func(i, j int) { reader[i], reader[j] = reader[j], reader[i] })
	}
	if m.IntN(4) == 0 {
		writer = append(writer, object{"name": "next", "type": []any{"null", name}})
		reader = append([]any{object{"name": "next", "type": []any{"null", name}}}, reader...)
	}
	full := func(fields []any) object {
		return object{"type": "record", "name": name, "fields": append([]any{}, fields...)}
	}
	return full(writer), full(reader)
}

func (m *maker) data(dst []byte, s *avsc.Schema, depth int) []byte {
	few := m.IntN(4)
	if depth <= 0 {
		few = 0
	}
	switch s.Kind {
	case avsc.Boolean:
		return wire.AppendBoolean(dst, m.IntN(2) == 1)
	case avsc.Int:
		return wire.AppendLong(dst, int64(int32(m.Uint32()))>>m.IntN(32))
	case avsc.Long:
		return wire.AppendLong(dst, int64(m.Uint64())>>m.IntN(64))
	case avsc.Float:
		return wire.AppendFloat(dst, float32(m.NormFloat64()))
	case avsc.Double:
		return wire.AppendDouble(dst, m.NormFloat64()*math.Pow(10, float64(m.IntN(20))))
	case avsc.Bytes, avsc.String:
		return wire.AppendString(dst, "some text, and more of it: "[:m.IntN(27)])
	case avsc.Fixed:
		return append(dst, "12345678"[:s.Size]...)
	case avsc.Enum:
		return wire.AppendLong(dst, int64(m.IntN(len(s.Symbols))))
	case avsc.Union:
		k := m.IntN(len(s.Branches))
		for i, b := range s.Branches {
			if depth <= 0 && b.Kind == avsc.Null {
				k = i
			}
		}
		return m.data(wire.AppendLong(dst, int64(k)), s.Branches[k], depth-1)
	case avsc.Record:
		for _, f := range s.Fields {
			dst = m.data(dst, f.Type, depth-1)
		}
		return dst
	case avsc.Array, avsc.Map:
		for ; few > 0; few-- {
			var block []byte
			n := 1 + m.IntN(2)
			for i := range n {
				if s.Kind == avsc.Map {
					block = wire.AppendString(block, fmt.Sprint("k", few, i))
				}
				block = m.data(block, s.Items, depth-1)
			}
			if m.IntN(3) == 0 {
				dst = wire.AppendLong(wire.AppendLong(dst, int64(-n)), int64(len(block)))
			} else {
				dst = wire.AppendLong(dst, int64(n))
			}
			dst = append(dst, block...)
		}
		return append(dst, 0)
	}
	return dst
}

// against resolves the data of a seed by this package and by twmb/avro. It returns
// whether both had something to say.
func against(t *testing.T, seed uint64) (compared bool) {
	t.Helper()
	m := maker{Rand: rand.New(rand.NewPCG(seed, 5))}
	a, b := m.schemas(4)
	wText, _ := json.Marshal(a)
	rText, _ := json.Marshal(b)
	w, r := parse(t, string(wText)), parse(t, string(rText))
	theirW, err := avro.Parse(string(wText))
	if err != nil {
		return false
	}
	theirR, err := avro.Parse(string(rText))
	if err != nil {
		return false
	}
	p, err := New(w, r, Options{})
	theirs, theirErr := avro.Resolve(theirW, theirR)
	if theirErr != nil {
		return false // it refuses what only some values meet
	}
	if err != nil {
		t.Errorf("seed %d: %s as %s: %v", seed, wText, rText, err)
		return false
	}
	for range 5 {
		data := m.data(nil, w, 5)
		changed := false
		switch m.IntN(4) {
		case 0:
			data = data[:m.IntN(len(data)+1)]
		case 1:
			if len(data) > 0 {
				data[m.IntN(len(data))] ^= 1 << m.IntN(8)
				changed = true
			}
		}
		out, rest, err := p.Append(nil, data)
		var want, got any
		theirRest, theirErr := theirs.Decode(data, &want, avro.TaggedUnions())
		if theirErr != nil || err != nil {
			// Of data that was changed it takes overlong numbers and any boolean, and
			// goes by the sizes of blocks, which may be wrong then.
			if (err == nil) != (theirErr == nil) && !changed {
				t.Errorf("seed %d: %s as %s: %x: %v, twmb: %v", seed, wText, rText, data, err, theirErr)
			}
			continue
		}
		if left, wrong := Check(r, out); wrong != nil || len(left) > 0 || !changed && len(rest) != len(theirRest) {
			t.Errorf("seed %d: %s as %s: %x became %x: %v, %d left", seed, wText, rText, data, out, wrong, len(rest))
			continue
		}
		if _, err := theirR.Decode(out, &got, avro.TaggedUnions()); err != nil || !changed && !cmp.Equal(want, got, cmpopts.EquateNaNs()) {
			t.Errorf("seed %d: %s as %s: %x, %v (-twmb +ours)\n%s", seed, wText, rText, data, err, cmp.Diff(want, got, cmpopts.EquateNaNs()))
		}
	}
	return true
}

func TestResolvesAsTwmbDoes(t *testing.T) {
	ran := 0
	for seed := range uint64(20_000) {
		if against(t, seed) {
			ran++
		}
		if t.Failed() {
			break
		}
	}
	if ran < 10_000 {
		t.Errorf("only %d pairs of schemas were compared", ran)
	}
}

func FuzzAgainstTwmb(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { against(t, seed) })
}

// hostileRoom is what a few bytes may take where no default is large: 65536 elements
// without bytes may become a few each. What is only announced is far more.
const hostileRoom = 1 << 20

// hostile resolves whatever it is given: it must end, without a panic, within bounds
// and with data of the reader's schema.
func hostile(t *testing.T, writer, reader string, data []byte) {
	w, err := avsc.Parse(writer)
	if err != nil {
		return
	}
	r, err := avsc.Parse(reader)
	if err != nil {
		return
	}
	p, err := New(w, r, Options{Times: true})
	if err != nil {
		return
	}
	var out, rest []byte
	grown(t, hostileRoom+4*maxGrowth*uint64(len(data)), func() {
		if out, rest, err = p.Append(nil, data); err != nil {
			_ = err.Error()
		}
	})
	if err != nil {
		return
	}
	if left, err := Check(r, out); err == nil && len(left) > 0 || err != nil && !bounded(err) {
		t.Errorf("%s as %s: %x became %x: %v", writer, reader, data, out, err)
	}
	if left, err := Check(w, data); err == nil && len(left) != len(rest) || err != nil && !bounded(err) {
		t.Errorf("%s: %x: resolved up to %d, gone over up to %d, %v", writer, data, len(rest), len(left), err)
	}
	if len(out) > 2*(maxOutput+maxGrowth*len(data)) {
		t.Errorf("%d bytes became %d", len(data), len(out))
	}
}

// bounded tells whether a bound is why a value cannot be gone over: depth counts where
// plans inline, and defaults have elements without bytes. The size of a block is looked
// at only to be no more than there is, and less may be there when a part was dropped.
func bounded(err error) bool {
	return errors.Is(err, wire.ErrDepth) || strings.Contains(err.Error(), "take no bytes") || strings.Contains(err.Error(), "a block of")
}

func FuzzHostile(f *testing.F) {
	f.Add(oldEvent, newEvent, oldData())
	f.Add(record(`["null","R"]`), record(`["null","R"]`, `["int","null"]`), []byte{2, 2, 0})
	f.Add(`{"type":"array","items":"null"}`, `{"type":"array","items":["null","int"]}`, []byte{0xfe, 0xff, 0xff, 0xff, 0x0f, 0})
	f.Add(`{"type":"map","values":{"type":"long","logicalType":"timestamp-millis"}}`, `{"type":"map","values":{"type":"long","logicalType":"timestamp-nanos"}}`, []byte{2, 2, 'k', 8, 0})
	f.Fuzz(hostile)
}

// TestHostileDataOfRandomSchemas changes and makes up data.
func TestHostileDataOfRandomSchemas(t *testing.T) {
	for seed := range uint64(3000) {
		m := maker{Rand: rand.New(rand.NewPCG(seed, 6))}
		a, b := m.schemas(4)
		wText, _ := json.Marshal(a)
		rText, _ := json.Marshal(b)
		w := parse(t, string(wText))
		for range 10 {
			data := m.data(nil, w, 5)
			for range 1 + m.IntN(3) {
				at := m.IntN(len(data) + 1)
				some := []byte{byte(m.IntN(256)), 0xff, 0xff, 0xff, 0xff, 0x0f}
				data = append(append(data[:at:at], some[:m.IntN(len(some))]...), data[at:]...)
			}
			hostile(t, string(wText), string(rText), data)
		}
	}
}
