package task_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

func cacheOf(max int64) func(*task.Config) {
	return func(c *task.Config) { c.Cache = &task.Cache{Max: max} }
}

var pair = stream.With[string, string](words{}, words{})

// table is a topic as a table whose changes are shown: "old>new" by a filter that
// asks for old values.
func table(t *testing.T, opts ...store.Option) *topology.Topology {
	t.Helper()
	b := stream.NewBuilder()
	rows := stream.Table(b, "in", pair, stream.InStore[string, string]("rows", words{}, words{}).Options(opts...))
	// The filter keeps no store, so that it forwards a deletion only if the old
	// value, which it asks for, was part of its result.
	rows.Filter(func(_, v string) bool { return v != "hidden" }).ToStream().To("out", pair)
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

func TestCacheGivesUpEachKeyOncePerCommit(t *testing.T) {
	r := newRig(t, table(t), cacheOf(1<<20))
	r.add("in", "a", "1", "b", "2", "a", "3")
	r.process()
	r.wantOut()
	r.commit()
	// b first: a was changed after it. The time is that of the last change.
	r.wantOut("app-rows-changelog-0 b=2 @1", "out-0 b=2 @1", "app-rows-changelog-0 a=3 @2", "out-0 a=3 @2")
	if at, ok := r.cfg.Stores.Offset("rows"); !ok || at != 2 {
		t.Errorf("the store is at changelog offset %d, %v; want 2", at, ok)
	}
	if got := r.committed("rows", "a"); !strings.HasSuffix(got, fmt.Sprintf("%x", "3")) {
		t.Errorf("committed value %s, want one that ends in 3", got)
	}
	r.commit()
	r.wantOut()
}

func TestCacheReadsItsOwnWrites(t *testing.T) {
	r := newRig(t, chainOf(remember("s"), latest("s", store.Cached())), cacheOf(1<<20))
	r.add("in", "a", "1", "a", "2", "a", "-", "a", "3")
	r.process()
	r.wantOut("out-0 a= @0", "out-0 a=1 @1", "out-0 a=2 @2", "out-0 a= @3")
	r.commit()
	r.wantOut("app-s-changelog-0 a=3 @3")
}

// The old value is what was last given up, not what a record since then made of it:
// otherwise the filter could not tell that its result had the key.
func TestCacheRemembersTheOldValue(t *testing.T) {
	r := newRig(t, table(t), cacheOf(1<<20))
	r.add("in", "a", "1", "b", "hidden")
	r.process()
	r.commit()
	r.wantOut("app-rows-changelog-0 a=1 @0", "out-0 a=1 @0", "app-rows-changelog-0 b=hidden @1")
	r.add("in", "a", "hidden", "b", "shown", "a", "hidden", "b", "hidden")
	r.process()
	r.commit()
	r.wantOut("app-rows-changelog-0 a=hidden @4", "out-0 a=null @4", "app-rows-changelog-0 b=hidden @5")
}

func TestKeyThatWasCreatedAndDeletedInBetweenLeavesNoTrace(t *testing.T) {
	deleted := record.Record{Key: []byte("a"), Offset: 1, Timestamp: 1}
	r := newRig(t, table(t), cacheOf(1<<20))
	r.addRecords("in", record.Record{Key: []byte("a"), Value: []byte("1")}, deleted)
	r.process()
	r.commit()
	r.wantOut()

	r.add("in", "a", "2")
	r.process()
	r.commit()
	r.wantOut("app-rows-changelog-0 a=2 @2", "out-0 a=2 @2")
	deleted.Offset, deleted.Timestamp = 3, 3
	r.addRecords("in", deleted)
	r.process()
	r.commit()
	r.wantOut("app-rows-changelog-0 a=null @3", "out-0 a=null @3")
}

// A store of a processor has no listener, and no trace to be saved: Kafka Streams'
// CachingKeyValueStore writes the tombstone.
func TestDeletionInAStoreOfAProcessorIsLogged(t *testing.T) {
	r := newRig(t, chainOf(remember("s"), latest("s", store.Cached())), cacheOf(1<<20))
	r.add("in", "a", "1", "a", "-")
	r.process()
	r.out.take()
	r.commit()
	r.wantOut("app-s-changelog-0 a=null @1")
}

func TestFullCacheGivesUpItsKeys(t *testing.T) {
	r := newRig(t, table(t), cacheOf(120))
	r.add("in", "a", "1", "b", "2", "c", "3", "d", "4")
	for range 2 {
		if n, err := r.Process(context.Background(), 0, 1); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	r.wantOut()
	r.process()
	// With c the budget was exceeded; d is held again.
	r.wantOut("app-rows-changelog-0 a=1 @0", "out-0 a=1 @0", "app-rows-changelog-0 b=2 @1", "out-0 b=2 @1",
		"app-rows-changelog-0 c=3 @2", "out-0 c=3 @2")
	r.commit()
	r.wantOut("app-rows-changelog-0 d=4 @3", "out-0 d=4 @3")
}

// The old value of a key that was given up before, in the same transaction.
func TestOldValueOfAKeyThatWasEvicted(t *testing.T) {
	r := newRig(t, table(t), cacheOf(1))
	r.add("in", "a", "shown1", "a", "hidden", "a", "shown2")
	r.process()
	r.wantOut("app-rows-changelog-0 a=shown1 @0", "out-0 a=shown1 @0", "app-rows-changelog-0 a=hidden @1", "out-0 a=null @1",
		"app-rows-changelog-0 a=shown2 @2", "out-0 a=shown2 @2")
}

// What the cache gives up has the source of its change, and only that: a punctuation
// after a commit is caused by no record.
func TestPunctuationAfterAFlushHasNoRecord(t *testing.T) {
	asked := 0
	r := newRig(t, chain(func() *proc {
		return &proc{process: remember("s"), init: func(p *proc) error {
			_, err := p.pc.Schedule(10*time.Millisecond, topology.WallClockTime, func(context.Context, int64) error {
				asked++
				if m, ok := p.pc.RecordMetadata(); ok {
					t.Errorf("a punctuation is caused by record %v", m)
				}
				return nil
			})
			return err
		}}
	}, latest("s", store.Cached())), cacheOf(1<<20))
	r.add("in", "a", "1")
	r.process()
	r.commit()
	r.punctuate(10)
	if asked != 1 {
		t.Errorf("%d punctuations, want 1", asked)
	}
}

func TestBudgetOfTheCacheIsSharedAndGivenBack(t *testing.T) {
	shared := &task.Cache{Max: 120}
	share := func(c *task.Config) { c.Cache = shared }
	first, second := newRig(t, table(t), share), newRig(t, table(t), share)
	first.add("in", "a", "1", "b", "2")
	first.process()
	second.add("in", "c", "3")
	second.process()
	second.wantOut("app-rows-changelog-0 c=3 @0", "out-0 c=3 @0")
	first.wantOut()

	// What a task holds when it is reset or closed is nobody's any more.
	first.reset(0)
	second.add("in", "d", "4", "e", "5")
	second.process()
	second.wantOut()
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	second.commit()
	second.wantOut()
	first.add("in", "a", "1", "b", "2")
	first.process()
	first.wantOut()
}

func TestResetForgetsWhatTheCacheHolds(t *testing.T) {
	r := newRig(t, table(t), cacheOf(1<<20))
	r.add("in", "a", "1")
	r.process()
	r.reset(0)
	r.commit()
	r.wantOut()
	r.add("in", "b", "2")
	r.process()
	r.commit()
	r.wantOut("app-rows-changelog-0 b=2 @0", "out-0 b=2 @0")
}

func TestRecordsOfTheCacheHaveTheHeadersOfTheLastChange(t *testing.T) {
	r := newRig(t, table(t), cacheOf(1<<20))
	for i := range int64(3) {
		r.addRecords("in", record.Record{Key: []byte("a"), Value: []byte("v"), Offset: i, Timestamp: 10 - i, Headers: []serde.Header{header("n", fmt.Sprint(i))}})
	}
	r.process()
	r.commit()
	r.wantOut("app-rows-changelog-0 a=v @8", "out-0 a=v @8 n:2")
}

// A change made in a punctuation is caused by no record.
func TestCacheOfWhatAPunctuationWrote(t *testing.T) {
	r := newRig(t, chain(every(10*time.Millisecond, topology.WallClockTime, func(p *proc, ts int64) error {
		s, err := topology.Store[wordStore](p.pc, "s")
		if err != nil {
			return err
		}
		return s.Put("tick", fmt.Sprint(ts))
	}), latest("s", store.Cached())), cacheOf(1<<20))
	r.punctuate(10)
	r.punctuate(25)
	r.commit()
	r.wantOut("app-s-changelog-0 tick=25 @25")
}

// What the cache gives up is forwarded when no record is being processed; an error
// behind it is one of the record that made the last change.
func TestErrorOfASinkBehindTheCacheGoesToTheHandler(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.Skip}}
	b := stream.NewBuilder()
	rows := stream.Table(b, "in", pair, stream.InStore("rows", serde.String(), serde.String()))
	rows.ToStream().To("out", pair)
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, topo, cacheOf(1<<20), h.configure)
	r.add("in", "a", "1", "b", "2", "b", "unspeakable", "c", "3")
	r.process()
	r.flush()
	if len(h.asked) != 1 || h.asked[0].Offset != 2 || string(h.asked[0].Value) != "unspeakable" {
		t.Fatalf("the handler was asked about %v, want the record that made the last change", h.asked)
	}
	r.wantOut("app-rows-changelog-0 a=1 @0", "out-0 a=1 @0", "app-rows-changelog-0 b=unspeakable @2", "app-rows-changelog-0 c=3 @3", "out-0 c=3 @3")

	// Without an answer it is fatal, and says where.
	r.add("in", "d", "unspeakable")
	r.process()
	if err := r.Flush(context.Background(), 0); !errors.Is(err, errBad) || !strings.Contains(err.Error(), "in-0@4") {
		t.Errorf("Flush returned %v, want the sink's error with the record", err)
	}
}

// A flush of one store writes to another that was added to the topology before it:
// both must be empty afterwards, or the commit would lack changelog records of
// what it makes visible.
func TestFlushReachesAStoreThatComesBeforeItsWriter(t *testing.T) {
	b := stream.NewBuilder()
	b.AddStateStore(latest("last", store.Cached()))
	rows := stream.Table(b, "in", pair, stream.InStore[string, string]("rows", words{}, words{}))
	stream.Process[string, string, string, string](rows.ToStream(), func() *proc { return &proc{process: remember("last")} }, stream.Stores("last")).To("out", pair)
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, topo, cacheOf(1<<20))
	r.add("in", "a", "1", "a", "2")
	r.process()
	r.commit()
	r.wantOut("app-rows-changelog-0 a=2 @1", "out-0 a= @1", "app-last-changelog-0 a=2 @1")
}

func TestStoreThatIsNotCachedForwardsEachUpdate(t *testing.T) {
	for name, r := range map[string]*rig{
		"option":    newRig(t, table(t, store.NotCached()), cacheOf(1<<20)),
		"no budget": newRig(t, table(t), cacheOf(0)),
		"no cache":  newRig(t, table(t)),
	} {
		r.add("in", "a", "1", "a", "2")
		r.process()
		if got := fmt.Sprint(r.out.take()); got != "[app-rows-changelog-0 a=1 @0 out-0 a=1 @0 app-rows-changelog-0 a=2 @1 out-0 a=2 @1]" {
			t.Errorf("%s: output %s", name, got)
		}
	}
}

// A read is a use, and the entry that is given up first, with what it was, is the
// one that was not used for the longest time. Entries of a key, a value and the
// topic "in" of one, one and two bytes count 49.
func TestEvictionStartsWithTheLeastRecentlyUsed(t *testing.T) {
	r := newRig(t, chainOf(remember("s"), latest("s", store.Cached())), cacheOf(3*49))
	r.add("in", "a", "1", "b", "2", "c", "3", "a", "4")
	r.process()
	r.out.take()
	r.add("in", "d", "5")
	r.process()
	// b was used least recently; c, a, d follow in the order of their last change.
	r.wantOut("app-s-changelog-0 b=2 @1", "app-s-changelog-0 c=3 @2", "app-s-changelog-0 a=4 @3", "app-s-changelog-0 d=5 @4", "out-0 d= @4")
	r.commit()
	r.wantOut()
}

// A clean entry is given up without a flush of those with changes.
func TestEvictionOfACleanEntryFlushesNothing(t *testing.T) {
	r := newRig(t, chainOf(remember("s"), latest("s", store.Cached())), cacheOf(2*49))
	r.add("in", "a", "1")
	r.process()
	r.commit()
	r.out.take()
	r.add("in", "b", "2", "c", "3")
	r.process()
	r.wantOut("out-0 b= @1", "out-0 c= @2")
	// a is read back from the store: a clean entry, for which b has to go.
	r.add("in", "a", "-")
	r.process()
	r.wantOut("app-s-changelog-0 b=2 @1", "app-s-changelog-0 c=3 @2", "out-0 a=1 @3")
	r.commit()
	r.wantOut("app-s-changelog-0 a=null @3")
}

// While a full cache is given up, the budget still counts it: the cache of the table
// behind it passes on at once what it is given. Kafka Streams: ThreadCache.maybeEvict.
func TestEvictionGoesThroughTheTablesBehind(t *testing.T) {
	b := stream.NewBuilder()
	rows := stream.Table(b, "in", pair, stream.InStore[string, string]("rows", words{}, words{}))
	upper := stream.MapTableValuesInto(rows, func(_, v string) string { return strings.ToUpper(v) }, stream.InStore[string, string]("upper", words{}, words{}))
	upper.ToStream().To("out", pair)
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, topo, cacheOf(120))
	r.add("in", "a", "x", "b", "y", "c", "z")
	r.process()
	r.wantOut("app-rows-changelog-0 a=x @0", "app-upper-changelog-0 a=X @0", "out-0 a=X @0",
		"app-rows-changelog-0 b=y @1", "app-upper-changelog-0 b=Y @1", "out-0 b=Y @1",
		"app-rows-changelog-0 c=z @2", "app-upper-changelog-0 c=Z @2", "out-0 c=Z @2")
}
