package stream_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// waitingModel is a join with a grace period as a list of what waits and a list of
// versions.
type waitingModel struct {
	grace, now int64
	versions   map[string]map[int64]string
	waiting    []waitingRecord
	out        []string
}

type waitingRecord struct {
	at         int64
	key, value string
	n          int
}

func (m *waitingModel) join(r waitingRecord) {
	best, value := int64(-1), "-"
	for at, v := range m.versions[r.key] {
		if at <= r.at && at > best {
			best, value = at, v
		}
	}
	m.out = append(m.out, fmt.Sprintf("%s=%s%s", r.key, r.value, value))
}

func (m *waitingModel) record(r waitingRecord) {
	if r.at < m.now-m.grace {
		m.join(r)
		return
	}
	m.waiting = append(m.waiting, r)
	m.now = max(m.now, r.at)
	slices.SortFunc(m.waiting, func(a, b waitingRecord) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.key, b.key), cmp.Compare(a.n, b.n))
	})
	for len(m.waiting) > 0 && m.waiting[0].at <= m.now-m.grace {
		m.join(m.waiting[0])
		m.waiting = m.waiting[1:]
	}
}

func TestJoinThatWaitsAgreesWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grace := rapid.Int64Range(0, 20).Draw(t, "grace")
		b := stream.NewBuilder()
		rows := stream.Table(b, "rows", text, stream.InStore("rows", serde.String(), serde.String()).Versioned(time.Hour))
		stream.LeftJoinTable(stream.From(b, "in", text), rows, eitherOf, nil, stream.GracePeriod(time.Duration(grace)*time.Millisecond)).To("out", text)
		topo, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		d, err := streamtest.NewDriver(topo, streamtest.Config{})
		if err != nil {
			t.Fatal(err)
		}
		m := &waitingModel{grace: grace, now: -1, versions: map[string]map[int64]string{"a": {}, "b": {}}}
		for i := range rapid.IntRange(1, 40).Draw(t, "records") {
			topic, key := rapid.SampledFrom([]string{"in", "rows"}).Draw(t, "topic"), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key")
			at := max(0, m.now+rapid.Int64Range(-30, 15).Draw(t, "at"))
			if err := streamtest.NewInput(d, topic, serde.String(), serde.String()).PipeAt(at, key, fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
			if topic == "rows" {
				m.versions[key][at] = fmt.Sprint(i)
			} else {
				m.record(waitingRecord{at, key, fmt.Sprint(i), i})
			}
		}
		all, err := streamtest.NewOutput(d, "out", serde.String(), serde.String()).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range all {
			got = append(got, r.Key+"="+r.Value)
		}
		if !slices.Equal(got, m.out) {
			t.Fatalf("got %q, want %q", got, m.out)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestMistakesWithVersionedTables(t *testing.T) {
	versioned := func(history time.Duration) *stream.Materialized[string, string] {
		return stream.InStore("rows", serde.String(), serde.String()).Versioned(history)
	}
	join := func(m *stream.Materialized[string, string], grace time.Duration) func(b *stream.Builder) {
		return func(b *stream.Builder) {
			stream.JoinTable(stream.From(b, "in", text), stream.Table(b, "rows", text, m), both, nil, stream.Named("join"), stream.GracePeriod(grace))
		}
	}
	for want, program := range map[string]func(b *stream.Builder){
		"needs a versioned table": join(stream.InStore("rows", serde.String(), serde.String()), time.Second),
		"goes back 1s only":       join(versioned(time.Second), time.Minute),
		"must not be negative":    join(versioned(time.Second), -1),
		"is -1s":                  func(b *stream.Builder) { stream.Table(b, "rows", text, versioned(-time.Second), stream.Named("join")) },
		"cannot be suppressed": func(b *stream.Builder) {
			stream.Table(b, "rows", text, versioned(time.Second)).Filter(yes).Suppress(stream.UntilTimeLimit(time.Second, stream.BufferUnbounded()), stream.Named("join"))
		},
		"nor one in windows of streams that all come from versioned tables": func(b *stream.Builder) {
			rows := stream.Table(b, "rows", text, versioned(time.Second)).ToStream().GroupByKey()
			c := stream.Cogroup(rows, func(_, v, a string) string { return a + v })
			stream.CogroupWindowedBy(c, stream.Tumbling(time.Second)).
				Aggregate(func() string { return "" }, stream.InStore("windows", serde.String(), serde.String())).
				Suppress(stream.UntilTimeLimit(time.Second, stream.BufferUnbounded()), stream.Named("join"))
		},
		"has no name": func(b *stream.Builder) {
			stream.Table(b, "rows", text, nil).FilterInto(yes, stream.Stored(serde.String(), serde.String()).Versioned(time.Hour), stream.Named("join"))
		},
		"option GracePeriod does not apply": func(b *stream.Builder) {
			stream.From(b, "in", text).Filter(yes, stream.Named("join"), stream.GracePeriod(time.Second))
		},
	} {
		b := stream.NewBuilder()
		program(b)
		if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "join") {
			t.Errorf("Build returned %v, want an error of operator join that says %q", err, want)
		}
	}
}

// An update that is not the latest of its key does not reach what is aggregated, and a
// table that is computed is read as it was.
func TestVersionedTableThroughAFilter(t *testing.T) {
	b := stream.NewBuilder()
	rows := stream.Table(b, "rows", text, stream.InStore("rows", serde.String(), serde.String()).Versioned(time.Hour)).
		Filter(func(_, v string) bool { return v != "no" })
	stream.LeftJoinTable(stream.From(b, "in", text), rows, eitherOf, nil).To("out", text)
	stream.GroupTableBy(rows, func(_, v string) (string, string) { return "all", v }, text).
		Reduce(both, func(sofar, v string) string { return strings.Replace(sofar, v, "", 1) }, nil).ToStream().To("sums", text)
	d := driverOf(t, b, streamtest.Config{})
	pipe := func(topic string, at int64, value string) {
		t.Helper()
		if err := streamtest.NewInput(d, topic, serde.String(), serde.String()).PipeAt(at, "k", value); err != nil {
			t.Fatal(err)
		}
	}
	pipe("rows", 10, "a")
	pipe("rows", 30, "c")
	pipe("rows", 20, "no") // late
	pipe("in", 15, "1")
	pipe("in", 25, "2")
	pipe("in", 35, "3")
	wantText(t, d, "out", "k=1a", "k=2-", "k=3c")
	wantText(t, d, "sums", "all=a", "all=c")
}
