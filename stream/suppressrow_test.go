package stream

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/topology"
)

func rowOf(prior, old, new []byte) bufferRow {
	r := bufferRow{prior: prior, old: old, new: new, time: 7}
	r.take(&graph.Source{Topic: "in", Partition: 3, Record: &record.Record{Offset: 9}}, 5,
		topology.Headers{{Name: "h", Value: []byte("v")}, {Name: "none"}})
	return r
}

func TestBufferRowComesBack(t *testing.T) {
	a, b := []byte("a"), []byte("bb")
	rows := map[string]bufferRow{
		"all different": rowOf(a, b, []byte("c")),
		"old is prior":  rowOf(a, a, b),
		"old is null":   rowOf(a, nil, b),
		"prior is null": rowOf(nil, a, b),
		"all null":      rowOf(nil, nil, nil),
		"empty values":  rowOf([]byte{}, []byte{}, []byte{}),
		"punctuation":   {time: 1, partition: -1, offset: -1, topic: []byte{}},
	}
	for name, want := range rows {
		var got bufferRow
		if err := got.parse(want.append(nil)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(bufferRow{}), cmpopts.IgnoreFields(bufferRow{}, "headers")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(want.headers, got.headers); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", name, diff)
		}
	}
}

// A row that ends early, or has something behind its end, is refused, wherever it is
// cut.
func TestDamagedBufferRowIsRefused(t *testing.T) {
	r := rowOf([]byte("a"), []byte("b"), []byte("c"))
	data := r.append(nil)
	for n := range data {
		if err := new(bufferRow).parse(data[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are taken for a row", n, len(data))
		}
	}
	if err := new(bufferRow).parse(append(data, 0)); err == nil {
		t.Error("a row with a byte behind it is taken for a row")
	}
}

func FuzzBufferRow(f *testing.F) {
	for _, r := range []bufferRow{rowOf([]byte("a"), []byte("a"), nil), rowOf(nil, nil, []byte("c"))} {
		f.Add(r.append(nil))
	}
	f.Add(bytes.Repeat([]byte{0xff}, 60))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r, again bufferRow
		if r.parse(data) != nil {
			return
		}
		if err := again.parse(r.append(nil)); err != nil {
			t.Fatalf("a row that was read cannot be read when it is written again: %v", err)
		}
		if diff := cmp.Diff(r, again, cmp.AllowUnexported(bufferRow{})); diff != "" {
			t.Fatalf("a row changes when it is written again:\n%s", diff)
		}
	})
}
