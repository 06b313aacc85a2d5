package avro

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/streamweir/streamweir/serde"
)

// subjects are those of a fake registry.
func subjects(f *srfake.Registry, names ...string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return !f.SubjectExists(n) })
}

// The names are those of Confluent's serializers, checked against its sources.
func TestSubjectsAreThoseOfTheJVM(t *testing.T) {
	const record = `{"type":"record","name":"Order","namespace":"com.shop","fields":[]}`
	internalKey, internalValue := serde.Key.Internal(), serde.Value.Internal()
	for _, c := range []struct {
		schema string
		role   serde.Role
		opts   []Option
		want   string
	}{
		{record, serde.Key, nil, "t-key"},
		{record, serde.Value, nil, "t-value"},
		{`"string"`, serde.Value, nil, "t-value"},
		{record, serde.Value, []Option{Subject(RecordNameStrategy)}, "com.shop.Order"},
		{record, serde.Key, []Option{Subject(TopicRecordNameStrategy)}, "t-com.shop.Order"},
		{record, serde.Value, []Option{Subject(TopicRecordNameStrategy)}, "t-com.shop.Order"},
		{`"string"`, serde.Key, []Option{Subject(RecordNameStrategy)}, `error: the key is string`},
		{`{"type":"enum","name":"e.E","symbols":["A"]}`, serde.Value, []Option{Subject(TopicRecordNameStrategy)}, `error: the value is`},
		{record, internalKey, nil, "com.shop.Order"},
		{record, internalValue, []Option{Subject(TopicRecordNameStrategy)}, "com.shop.Order"},
		{`{"type":"array","items":"int"}`, internalValue, nil, "t-value"},
		{`"string"`, internalKey, nil, "t-key"},
		{record, internalKey, []Option{InternalSubject(TopicNameStrategy)}, "t-key"},
		{record, internalValue, []Option{InternalSubject(TopicRecordNameStrategy)}, "t-com.shop.Order"},
	} {
		o := newOptions(c.opts)
		s, err := o.parse(c.schema)
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.subjectOf("t", c.role, s)
		if want, isError := strings.CutPrefix(c.want, "error: "); isError {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %v: %q, %v, want an error with %q", c.schema, c.role, got, err, want)
			}
		} else if got != c.want || err != nil {
			t.Errorf("%s %v: %q, %v, want %q", c.schema, c.role, got, err, c.want)
		}
	}
}

func TestInternalTopicsShareASubject(t *testing.T) {
	r, f := fake(t)
	s := For[inventoryEvent](r, eventSchema)
	ids := map[byte]bool{}
	for _, topic := range []string{"app-a-changelog", "app-b-repartition"} {
		c, err := s.Bind(topic, serde.Value.Internal())
		if err != nil {
			t.Fatal(err)
		}
		ids[encode(t, c, sampleEvent())[4]] = true
	}
	want := []string{"com.inventory.avro.InventoryEvent"}
	if d := cmp.Diff(want, subjects(f, want[0], "app-a-changelog-value", "app-b-repartition-value")); d != "" || len(ids) != 1 {
		t.Error(d, ids)
	}
	c, err := For[inventoryEvent](r, eventSchema, InternalSubject(TopicNameStrategy)).Bind("app-a-changelog", serde.Value.Internal())
	if err != nil {
		t.Fatal(err)
	}
	encode(t, c, sampleEvent())
	if !f.SubjectExists("app-a-changelog-value") {
		t.Error("no subject for the topic")
	}
}

func TestStrategyThatIsNoneIsAnErrorOfBind(t *testing.T) {
	r, _ := fake(t)
	for _, s := range []serde.Serde[map[string]any]{Record(r, eventSchema, Subject(nil)), Record(r, eventSchema, InternalSubject(nil))} {
		if _, err := s.Bind("t", serde.Value); err == nil || !strings.Contains(err.Error(), "strategy is nil") {
			t.Error(err)
		}
	}
	if _, err := For[string](r, `"string"`, Subject(RecordNameStrategy)).Bind("t", serde.Key); err == nil {
		t.Error("a string has no record name")
	}
}
