package avro

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/streamweir/streamweir/serde"
)

// copied is what a codec for a topic appends for what one for a changelog has encoded.
func copied[T any](t *testing.T, stored, sent serde.Serde[T], v T, spoil func(data []byte) []byte) (out []byte, ok bool, err error) {
	t.Helper()
	by, err := stored.Bind("app-table-changelog", serde.Value.Internal())
	if err != nil {
		t.Fatal(err)
	}
	data := spoil(encode(t, by, v))
	return bind(t, sent).(serde.Copier).AppendCopy([]byte("head"), data, by)
}

func asItIs(data []byte) []byte { return data }

func TestEncodingsAreCopied(t *testing.T) {
	r, f := fake(t)
	f.SeedSchema("Item", 1, 9, sr.Schema{Schema: itemV1})
	f.SeedSchema("topic-value", 1, 7, sr.Schema{Schema: itemV1})
	items, records := For[item](r, itemV1), Record(r, itemV1)
	want := []byte("head\x00\x00\x00\x00\x07\x02a\x0a")
	got, ok, err := copied(t, items, items, item{"a", 5}, asItIs)
	if d := cmp.Diff(want, got); d != "" || !ok || err != nil {
		t.Errorf("%v %v: %s", ok, err, d)
	}
	got, ok, err = copied(t, records, records, map[string]any{"id": "a", "n": int32(5)}, asItIs)
	if d := cmp.Diff(want, got); d != "" || !ok || err != nil {
		t.Errorf("record: %v %v: %s", ok, err, d)
	}
}

func TestEncodingsThatAreNotCopied(t *testing.T) {
	for name, c := range map[string]struct {
		latest []string // of the changelog's and of the topic's subject
		other  bool
		spoil  func([]byte) []byte
	}{
		"another serde":                   {other: true},
		"another schema's id":             {spoil: func(data []byte) []byte { data[4]++; return data }},
		"no header":                       {spoil: func(data []byte) []byte { return data[:4] }},
		"no data":                         {spoil: func([]byte) []byte { return nil }},
		"stored as another schema has it": {latest: []string{itemV2, itemV1}},
		"sent as another schema has it":   {latest: []string{itemV1, itemV2}},
	} {
		t.Run(name, func(t *testing.T) {
			r, f := fake(t)
			var opts []Option
			if c.latest != nil {
				f.SeedSchema("Item", 1, 7, sr.Schema{Schema: c.latest[0]})
				f.SeedSchema("topic-value", 1, 8, sr.Schema{Schema: c.latest[1]})
				opts = append(opts, UseLatestVersion())
			}
			if c.spoil == nil {
				c.spoil = asItIs
			}
			items, records := For[item](r, itemV1, opts...), Record(r, itemV1, opts...)
			otherItems, otherRecords := items, records
			if c.other {
				otherItems, otherRecords = For[item](r, itemV1, opts...), Record(r, itemV1, opts...)
			}
			if out, ok, err := copied(t, items, otherItems, item{"a", 5}, c.spoil); ok || err != nil || string(out) != "head" {
				t.Errorf("%q, %v, %v", out, ok, err)
			}
			if out, ok, err := copied(t, records, otherRecords, map[string]any{"id": "a", "n": int32(5)}, c.spoil); ok || err != nil || string(out) != "head" {
				t.Errorf("record: %q, %v, %v", out, ok, err)
			}
		})
	}
}

// The topic's subject is asked for as when a value is encoded.
func TestCopyWaitsForTheRegistry(t *testing.T) {
	r, f := fake(t)
	items := For[item](r, itemV1)
	_, _, err := copied(t, items, items, item{"a", 5}, func(data []byte) []byte {
		f.Close()
		return data
	})
	if !errors.Is(err, serde.ErrRetriable) {
		t.Errorf("%v", err)
	}
}
