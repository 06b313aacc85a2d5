package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// counting by key, for as long as a key is heard of.
func mortalCounts(t testing.TB, ttl time.Duration, cfg streamtest.Config) *streamtest.Driver {
	t.Helper()
	b := stream.NewBuilder()
	m := stream.InStore("counts", serde.String(), serde.Int64()).Options(store.TTL(ttl))
	stream.From(b, "in", text).GroupByKey().Count(m).ToStream().To("out", stream.With(serde.String(), serde.Int64()))
	return driverOf(t, b, cfg)
}

func pipeKey(t testing.TB, d *streamtest.Driver, key string, at int64) {
	t.Helper()
	if err := streamtest.NewInput(d, "in", serde.String(), serde.String()).PipeAt(at, key, "v"); err != nil {
		t.Fatal(err)
	}
}

func contentOf(t testing.TB, d *streamtest.Driver) map[string]int64 {
	t.Helper()
	s, err := streamtest.Store[store.TimestampedKeyValueStore[string, int64]](d, "counts")
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]int64{}
	it := s.All()
	for it.Next() {
		m[it.Key()] = it.Value().Value
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return m
}

// What a store has is what was put and not ended since, record by record.
func TestTTLIsItsDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const ttl = 40
		d := mortalCounts(t, ttl*time.Millisecond, streamtest.Config{CacheMaxBytes: rapid.SampledFrom([]int64{0, 1 << 20}).Draw(rt, "cache")})
		type entry struct{ count, at int64 }
		model, now := map[string]entry{}, int64(-1)
		for range rapid.IntRange(1, 300).Draw(rt, "records") {
			key, at := rapid.StringMatching("[a-h]").Draw(rt, "key"), max(0, now)+rapid.Int64Range(-20, 30).Draw(rt, "later")
			at = max(at, 0)
			old := model[key]
			if old.at < max(now, at)-ttl {
				old = entry{at: -1}
			}
			model[key] = entry{old.count + 1, max(old.at, at)}
			now = max(now, at)
			pipeKey(t, d, key, at)
		}
		want := map[string]int64{}
		for key, e := range model {
			if e.at >= now-ttl {
				want[key] = e.count
			}
		}
		if diff := cmp.Diff(want, contentOf(t, d)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// What has ended is deleted from the changelog, so the store does not grow with the
// number of keys that there ever were.
func TestTTLDeletesInTheChangelog(t *testing.T) {
	const keys, ttl = 5000, 100
	live := map[string]bool{}
	d := mortalCounts(t, ttl*time.Millisecond, streamtest.Config{Produced: func(topic string, r topology.Record[[]byte, []byte]) {
		if strings.HasSuffix(topic, "counts-changelog") {
			if live[string(r.Key)] = true; r.NullValue {
				delete(live, string(r.Key))
			}
		}
	}})
	for i := range int64(keys) {
		pipeKey(t, d, fmt.Sprint(i), i)
		if len(live) > 3*ttl {
			t.Fatalf("after %d keys %d are there, of which %d live", i+1, len(live), ttl+1)
		}
	}
	if n := len(contentOf(t, d)); n != ttl+1 {
		t.Errorf("%d keys are seen, %d live", n, ttl+1)
	}
}

func TestTTLMistakes(t *testing.T) {
	for want, s := range map[string]store.Builder{
		"less than a millisecond":   store.TimestampedKeyValue("s", serde.String(), serde.String(), store.TTL(0)),
		"use TimestampedKeyValue":   store.KeyValue("s", serde.String(), serde.String(), store.TTL(time.Second)),
		"which needs timestamped k": store.Windows("s", serde.String(), serde.String(), time.Hour, time.Minute, store.TTL(time.Second)),
	} {
		b := stream.NewBuilder()
		b.AddStateStore(s)
		if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"s"`) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
