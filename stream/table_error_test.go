package stream_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// fragile is a serde that cannot encode "error", panics at "panic", and encodes
// "later" only at the third attempt.
type fragile struct{ attempts *int }

func (f fragile) Bind(string, serde.Role) (serde.Codec[string], error) { return f, nil }

func (f fragile) Append(dst []byte, v string) ([]byte, error) {
	switch v {
	case "error":
		return dst, errFlaky
	case "panic":
		panic("no such word")
	case "later":
		if *f.attempts++; *f.attempts < 3 {
			return dst, errFlaky
		}
	}
	return append(dst, v...), nil
}

func (fragile) Decode(data []byte) (string, error) { return string(data), nil }

// A store's serdes are user code like an operator's function: what they do wrong is
// an error of the record, also where the library puts the record into the store.
func TestStoreThatCannotTakeARecord(t *testing.T) {
	tables := map[string]func(b *stream.Builder, m *stream.Materialized[string, string]) *stream.KTable[string, string]{
		"Table": func(b *stream.Builder, m *stream.Materialized[string, string]) *stream.KTable[string, string] {
			return stream.Table(b, "in", text, m)
		},
		"ToTable": func(b *stream.Builder, m *stream.Materialized[string, string]) *stream.KTable[string, string] {
			return stream.From(b, "in", text).ToTable(m)
		},
		"Reduce": func(b *stream.Builder, m *stream.Materialized[string, string]) *stream.KTable[string, string] {
			return stream.From(b, "in", text).GroupByKey().Reduce(func(_, v string) string { return v }, m)
		},
		"FilterInto": func(b *stream.Builder, m *stream.Materialized[string, string]) *stream.KTable[string, string] {
			return stream.Table(b, "in", text, nil).FilterInto(func(string, string) bool { return true }, m)
		},
	}
	for name, table := range tables {
		t.Run(name, func(t *testing.T) {
			attempts, asked := 0, ""
			b := stream.NewBuilder()
			table(b, stream.InStore[string, string]("rows", fragile{&attempts}, fragile{&attempts})).ToStream().To("out", text)
			d := driverOf(t, b, streamtest.Config{ErrorHandler: func(_ context.Context, e *stream.ProcessingError) stream.Action {
				asked += fmt.Sprintf("%s ", e.Value)
				if string(e.Value) == "later" {
					return stream.Retry
				}
				return stream.Skip
			}})
			in := streamtest.NewInput(d, "in", serde.String(), serde.String())
			for _, v := range []string{"error", "fine", "panic", "later"} {
				if err := in.Pipe("k", v); err != nil {
					t.Fatal(err)
				}
			}
			wantText(t, d, "out", "k=fine", "k=later")
			if want := "error panic later later "; asked != want {
				t.Errorf("the handler was asked about %q, want %q", asked, want)
			}
		})
	}
}

func TestErrorOfATableFailsWithoutAHandler(t *testing.T) {
	b := stream.NewBuilder()
	stream.Table(b, "in", text, stream.InStore[string, string]("rows", fragile{}, fragile{}), stream.Named("customers"))
	d := driverOf(t, b, streamtest.Config{})
	err := streamtest.NewInput(d, "in", serde.String(), serde.String()).Pipe("k", "error")
	e := (*stream.ProcessingError)(nil)
	if !errors.Is(err, errFlaky) || !errors.As(err, &e) || e.Node != "customers" {
		t.Errorf("Pipe returned %v, want an error of node customers", err)
	}
}

// driverOf builds a topology and starts it, until the end of the test.
func driverOf(t testing.TB, b *stream.Builder, cfg streamtest.Config) *streamtest.Driver {
	t.Helper()
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	d, err := streamtest.NewDriver(topo, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// wantText checks all records of a topic of strings: "k=v", "null" for null.
func wantText(t *testing.T, d *streamtest.Driver, topic string, want ...string) {
	t.Helper()
	records, err := streamtest.NewOutput(d, topic, serde.String(), serde.String()).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range records {
		key, value := r.Key, r.Value
		if r.NullKey {
			key = "null"
		}
		if r.NullValue {
			value = "null"
		}
		got = append(got, key+"="+value)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("topic %s has %v, want %v", topic, got, want)
	}
}
