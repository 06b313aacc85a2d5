package stream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

func deduplicated(t testing.TB, within time.Duration) *streamtest.Driver {
	t.Helper()
	b := stream.NewBuilder()
	stream.Deduplicate(stream.From(b, "in", text), within, func(_, value string) *string {
		id, _, ok := strings.Cut(value, ":")
		if !ok {
			return nil
		}
		return &id
	}, pointerSerde{}).To("out", text)
	d, err := streamtest.NewDriver(built(t, b), streamtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// pointerSerde is strings, of which nil is null.
type pointerSerde struct{}

func (pointerSerde) Bind(string, serde.Role) (serde.Codec[*string], error) {
	return pointerSerde{}, nil
}

func (pointerSerde) Append(dst []byte, v *string) ([]byte, error) { return append(dst, *v...), nil }

func (pointerSerde) Decode(b []byte) (*string, error) { s := string(b); return &s, nil }

func TestDeduplicate(t *testing.T) {
	d := deduplicated(t, 10*time.Millisecond)
	for _, r := range []struct {
		value string
		at    int64
	}{
		{"a:first", 100}, {"a:same time", 100}, {"a:again", 105}, {"a:at the bound", 110}, {"a:behind it", 111},
		{"b:first", 115}, {"b:earlier", 106}, {"no id", 1}, {"no id", 1},
		{"c:late", 104}, {"c:late but in time", 105}, {"c:again", 112}, {"d:far", 5000}, {"d:again", 5010}, {"d:next", 5011},
	} {
		pipeAt(t, d, r.at, r.value)
	}
	want := []string{"a:first", "a:behind it", "b:first", "no id", "no id", "c:late but in time", "d:far", "d:next"}
	if diff := cmp.Diff(want, valuesIn(t, d, "out")); diff != "" {
		t.Error(diff)
	}
	if n := d.Dropped(); n != 7 {
		t.Errorf("%d records counted as dropped", n)
	}
}

func pipeAt(t testing.TB, d *streamtest.Driver, at int64, value string) {
	t.Helper()
	if err := streamtest.NewInput(d, "in", serde.String(), serde.String()).PipeAt(at, "k", value); err != nil {
		t.Fatal(err)
	}
}

func valuesIn(t testing.TB, d *streamtest.Driver, topic string) (values []string) {
	t.Helper()
	all, err := streamtest.NewOutput(d, topic, serde.String(), serde.String()).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		values = append(values, r.Value)
	}
	return values
}

// What passes is what passes by the definition, looked at record by record.
func TestDeduplicateIsItsDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := deduplicated(t, 20*time.Millisecond)
		type event struct {
			id string
			at int64
		}
		var passed []event
		var want []string
		now := int64(-1)
		for range rapid.IntRange(1, 60).Draw(rt, "records") {
			e := event{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "id"), rapid.Int64Range(0, 150).Draw(rt, "at")}
			now = max(now, e.at)
			again := e.at < now-20
			for _, p := range passed {
				again = again || p.id == e.id && p.at >= e.at-20 && p.at <= e.at+20
			}
			pipeAt(t, d, e.at, e.id+":")
			if !again {
				passed, want = append(passed, e), append(want, e.id+":")
			}
		}
		if diff := cmp.Diff(want, valuesIn(t, d, "out")); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestDeduplicateMistakes(t *testing.T) {
	b := stream.NewBuilder()
	s := stream.From(b, "in", text)
	id := func(k, _ string) string { return k }
	stream.Deduplicate(s, 0, id, serde.String(), stream.Named("zero"))
	stream.Deduplicate(s, time.Second, id, nil, stream.Named("ids"))
	_, err := b.Build()
	for _, word := range []string{`"zero"`, "at least a millisecond", `"ids"`, "no serde for the ids"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("no %s in %v", word, err)
		}
	}
}

func ExampleDeduplicate() {
	b := stream.NewBuilder()
	payments := stream.From(b, "payments", text)
	stream.Deduplicate(payments, time.Hour, func(_, payment string) string { return payment }, serde.String()).
		To("paid-once", text)

	d := drive(b)
	pipe(d, "payments", "ann", "payment-1", "ann", "payment-1", "bob", "payment-2")
	show(d, "paid-once")
	// Output:
	// ann: payment-1
	// bob: payment-2
}
