package avro

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

const (
	itemV1 = `{"type":"record","name":"Item","fields":[{"name":"id","type":"string"},{"name":"n","type":"int"}]}`
	itemV2 = `{"type":"record","name":"Item","fields":[{"name":"n","type":"long"},{"name":"id","type":"string"},{"name":"note","type":["null","string"],"default":null}]}`
	itemV3 = `{"type":"record","name":"Item","fields":[{"name":"id","type":"string"},{"name":"lines","type":{"type":"array","items":"int"}}]}`
)

type item struct {
	ID string
	N  int32
}

// latest and fixed are the two ways to write with a schema that is registered.
func registeredWays(id int32) map[string]Option {
	return map[string]Option{"latest": UseLatestVersion(), "fixed": UseSchemaID(id)}
}

func TestValuesAreWrittenWithARegisteredSchema(t *testing.T) {
	for name, option := range registeredWays(8) {
		r, f := fake(t)
		f.SeedSchema("topic-value", 1, 7, sr.Schema{Schema: itemV1})
		f.SeedSchema("topic-value", 2, 8, sr.Schema{Schema: itemV2})
		n := requests(f)
		want := []byte{0, 0, 0, 0, 8, 10, 2, 'a', 0} // n, id, note
		c := bind(t, For[item](r, itemV1, option))
		for range 3 {
			if d := cmp.Diff(want, encode(t, c, item{"a", 5})); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
		data := encode(t, bind(t, Record(r, itemV1, option)), map[string]any{"id": "a", "n": int32(5)})
		if d := cmp.Diff(want, data); d != "" {
			t.Errorf("%s: record: %s", name, d)
		}
		data, err := FromJSON(r, "topic-value", itemV1, []byte(`{"id":"a","n":5}`), option)
		if d := cmp.Diff(want, data); d != "" || err != nil {
			t.Errorf("%s: JSON: %s %v", name, d, err)
		}
		if n.Load() != 1 {
			t.Errorf("%s: %d requests", name, n.Load())
		}
		if _, ok := f.GetSchema("topic-value", 3); ok {
			t.Errorf("%s: a schema was registered", name)
		}
	}
}

func TestEqualRegisteredSchemaIsWrittenDirectly(t *testing.T) {
	r, f := fake(t)
	f.SeedSchema("topic-value", 1, 7, sr.Schema{Schema: strings.ReplaceAll(itemV1, ":", " : ")})
	c := bind(t, For[item](r, itemV1, UseLatestVersion())).(*typedCodec[item])
	if data := encode(t, serde.Codec[item](c), item{"a", 5}); c.out.plan != nil || data[4] != 7 {
		t.Errorf("% x, resolved: %v", data, c.out.plan != nil)
	}
}

func TestRegisteredSchemaThatDoesNotFit(t *testing.T) {
	for name, option := range registeredWays(9) {
		r, f := fake(t)
		f.SeedSchema("topic-value", 3, 9, sr.Schema{Schema: itemV3})
		n := requests(f)
		c := bind(t, For[item](r, itemV1, option))
		for range 3 {
			_, err := c.Append(nil, item{"a", 5})
			if err == nil || errors.Is(err, serde.ErrRetriable) || !strings.Contains(err.Error(), "lines") || !strings.Contains(err.Error(), "id 9") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n.Load() != 1 {
			t.Errorf("%s: %d requests", name, n.Load())
		}
	}
}

func TestRegisteredSchemaThatIsNotThere(t *testing.T) {
	for name, option := range registeredWays(9) {
		r, f := fake(t)
		n := requests(f)
		c := bind(t, For[item](r, itemV1, option))
		for range 3 {
			if _, err := c.Append(nil, item{}); err == nil || errors.Is(err, serde.ErrRetriable) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n.Load() != 1 {
			t.Errorf("%s: %d requests", name, n.Load())
		}
	}
}

func TestRegisteredSchemaIsWaitedFor(t *testing.T) {
	for name, option := range registeredWays(9) {
		r, _ := answering(t, 503, "")
		if _, err := bind(t, For[item](r, itemV1, option)).Append(nil, item{}); !errors.Is(err, serde.ErrRetriable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOptionsThatContradictEachOther(t *testing.T) {
	r, _ := fake(t)
	for _, opts := range [][]Option{{UseLatestVersion(), UseSchemaID(1)}, {UseSchemaID(-1)}} {
		if _, err := For[item](r, itemV1, opts...).Bind("t", serde.Value); err == nil {
			t.Error("no error")
		}
	}
}

// The registry of this test takes anything.
func TestIncompatibleSchemaIsNotRegistered(t *testing.T) {
	r, f := fake(t)
	option := RequireCompatible(avsc.Backward)
	data := encode(t, bind(t, For[item](r, itemV1, option)), item{"a", 5}) // the first
	c := bind(t, Record(r, itemV3, option))
	_, err := c.Append(nil, map[string]any{"id": "a", "lines": []any{}})
	if err == nil || errors.Is(err, serde.ErrRetriable) || !strings.Contains(err.Error(), "READER_FIELD_MISSING_DEFAULT_VALUE") || !strings.Contains(err.Error(), "/fields/1") {
		t.Errorf("%v", err)
	}
	if _, ok := f.GetSchema("topic-value", 2); ok {
		t.Error("the schema was registered")
	}
	if again := encode(t, bind(t, For[item](r, itemV1, option)), item{"a", 5}); string(again) != string(data) {
		t.Errorf("% x", again)
	}
	encode(t, bind(t, Record(r, itemV2, option)), map[string]any{"id": "a", "n": int64(5)})
	if _, ok := f.GetSchema("topic-value", 2); !ok {
		t.Error("a compatible schema was not registered")
	}
}

// A refusal says where the schema differs from the registered one.
func TestRefusalIsExplained(t *testing.T) {
	r, _ := script(t, map[string]string{
		"POST /subjects/a/versions":          `409{"error_code":409,"message":"incompatible"}`,
		"GET /config/a?defaultToGlobal=true": `{"compatibilityLevel":"BACKWARD"}`,
		"GET /subjects/a/versions":           `[1]`,
		"GET /subjects/a/versions/1":         `{"id":4,"version":1,"schema":` + text(itemV1) + `}`,
	})
	_, err := r.Register("a", itemV3)
	if err == nil || !strings.Contains(err.Error(), "409") || !strings.Contains(err.Error(), "/fields/1") {
		t.Error(err)
	}
	r, _ = script(t, map[string]string{"POST /subjects/a/versions": `409{"error_code":409,"message":"incompatible"}`})
	if _, err := r.Register("a", itemV3); err == nil || errors.Is(err, serde.ErrRetriable) || !strings.Contains(err.Error(), "409") {
		t.Error(err)
	}
}
