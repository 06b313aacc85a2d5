package avro

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/streamweir/streamweir/serde/avro/wire"
)

type mapped struct {
	A Map[int64]
	B Map[string]
	C Map[Optional[bool]]
	D Map[Map[inner]] // null or a map of maps of records
}

type inner struct {
	F float64
	S []string
}

const mappedSchema = `{"type":"record","name":"mapped","fields":[
	{"name":"A","type":{"type":"map","values":"long"}},
	{"name":"B","type":{"type":"map","values":"string"},"default":{"z":"1","a":"2"}},
	{"name":"C","type":{"type":"map","values":["boolean","null"]}},
	{"name":"D","type":["null",{"type":"map","values":{"type":"map","values":
		{"type":"record","name":"inner","fields":[{"name":"F","type":"double"},{"name":"S","type":{"type":"array","items":"string"}}]}}}]}]}`

func TestMapIsWrittenAndReadAsAGoMapIs(t *testing.T) {
	r, _ := fake(t)
	roundTrip(t, r, mappedSchema, mapped{
		A: Map[int64]{{"", -1}, {"a", 1 << 40}, {"b", 0}},
		B: Map[string]{{"k", "v"}},
		C: Map[Optional[bool]]{{"none", Optional[bool]{}}, {"some", Some(true)}},
		D: Map[Map[inner]]{{"x", Map[inner]{{"y", inner{1.5, []string{"s"}}}}}, {"z", Map[inner]{}}},
	})
	roundTrip(t, r, mappedSchema, mapped{A: Map[int64]{}, B: Map[string]{}, C: Map[Optional[bool]]{}})
}

// Other writers write their maps in any order, in several blocks, and perhaps with
// a key twice.
func TestMapIsInOrderHoweverItWasWritten(t *testing.T) {
	r, _ := fake(t)
	c := bind(t, For[Map[int64]](r, `{"type":"map","values":"long"}`))
	header := encode(t, c, nil)[:HeaderSize]
	block := func(kv ...any) []byte {
		b := wire.AppendLong(nil, int64(len(kv)/2))
		for i := 0; i < len(kv); i += 2 {
			b = wire.AppendLong(wire.AppendString(b, kv[i].(string)), int64(kv[i+1].(int)))
		}
		return b
	}
	data := slices.Concat(header, block("c", 1, "a", 2, "c", 3), block("b", 4, "a", 5), []byte{0})
	if d := cmp.Diff(Map[int64]{{"a", 5}, {"b", 4}, {"c", 3}}, decode(t, c, data)); d != "" {
		t.Error(d)
	}
	for n := range data {
		if _, err := c.Decode(data[:n]); err == nil {
			t.Errorf("the first %d bytes are taken for a map", n)
		}
	}
}

func TestMapOutOfOrderIsNotWritten(t *testing.T) {
	r, _ := fake(t)
	c := bind(t, For[mapped](r, mappedSchema))
	for _, m := range []Map[int64]{{{"b", 1}, {"a", 1}}, {{"a", 1}, {"a", 1}}} {
		_, err := c.Append(nil, mapped{A: m})
		if err == nil || !strings.Contains(err.Error(), "A: the keys of an avro.Map are not in order") {
			t.Error(err)
		}
	}
}

func TestMapIsAGoMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m Map[int]
		want := map[string]int{}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			key := rapid.StringMatching("[a-e]{0,2}").Draw(t, "key")
			if rapid.Bool().Draw(t, "delete") {
				m.Delete(key)
				delete(want, key)
			} else {
				*m.At(key)++
				want[key]++
			}
			got, ok := m.Get(key)
			if v, there := want[key]; got != v || ok != there {
				t.Fatalf("%q is %d, %v; want %d, %v", key, got, ok, v, there)
			}
		}
		if d := cmp.Diff(want, maps.Collect(m.All())); d != "" {
			t.Fatal(d)
		}
		if len(m) > 0 && !cmp.Equal(m, MapOf(want)) {
			t.Fatalf("%v is not %v", m, MapOf(want))
		}
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var back Map[int]
		if err := json.Unmarshal(data, &back); err != nil || !cmp.Equal(back, m) {
			t.Fatalf("%s became %v: %v", data, back, err)
		}
	})
}
