package stream_test

import (
	"fmt"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// clicks are what the examples of windows read: key, value and a time in seconds.
func clicks(d *streamtest.Driver, topic string, records ...any) {
	in := streamtest.NewInput(d, topic, serde.String(), serde.String())
	for i := 0; i < len(records); i += 3 {
		check(in.PipeAt(int64(records[i+2].(int))*1000, records[i].(string), records[i+1].(string)))
	}
}

// showWindows prints what was written with windowed keys; times are in seconds.
func showWindows[V any](d *streamtest.Driver, topic string, key serde.Serde[stream.Windowed[string]], value serde.Serde[V]) {
	records, err := streamtest.NewOutput(d, topic, key, value).ReadAll()
	check(err)
	for _, r := range records {
		w := r.Key.Window
		if r.NullValue {
			fmt.Printf("%s, %d to %d: null\n", r.Key.Key, w.Start/1000, w.End/1000)
		} else {
			fmt.Printf("%s, %d to %d: %v\n", r.Key.Key, w.Start/1000, w.End/1000, r.Value)
		}
	}
}

func ExampleWindowedBy() {
	b := stream.NewBuilder()
	perMinute := stream.WindowedBy(stream.From(b, "clicks", text).GroupByKey(), stream.Tumbling(time.Minute).Grace(10*time.Second))
	perMinute.Count(stream.InStore("per-minute", serde.String(), serde.Int64())).
		ToStream().To("counts", nil)

	d := drive(b)
	clicks(d, "clicks", "ann", "home", 5, "ann", "cart", 58, "bob", "home", 65,
		"ann", "late, but in time", 59, "bob", "cart", 70, "ann", "too late", 59)
	showWindows(d, "counts", stream.TimeWindowed(serde.String(), time.Minute), serde.Int64())
	// Output:
	// ann, 0 to 60: 1
	// ann, 0 to 60: 2
	// bob, 60 to 120: 1
	// ann, 0 to 60: 3
	// bob, 60 to 120: 2
}

// A window's result is sent once, when the window and its grace period have ended.
func ExampleTimeWindowedKStream_EmitStrategy() {
	b := stream.NewBuilder()
	stream.WindowedBy(stream.From(b, "clicks", text).GroupByKey(), stream.Tumbling(time.Minute).Grace(10*time.Second)).
		EmitStrategy(stream.OnWindowClose).
		Count(nil).ToStream().To("counts", nil)

	d := drive(b)
	clicks(d, "clicks", "ann", "home", 5, "ann", "cart", 58, "bob", "home", 65, "ann", "late, but in time", 59, "bob", "cart", 70)
	showWindows(d, "counts", stream.TimeWindowed(serde.String(), time.Minute), serde.Int64())
	// Output:
	// ann, 0 to 60: 3
}

func ExampleHopping() {
	b := stream.NewBuilder()
	stream.WindowedBy(stream.From(b, "clicks", text).GroupByKey(), stream.Hopping(time.Minute, 30*time.Second)).
		Reduce(func(sofar, page string) string { return sofar + " " + page }, nil).
		ToStream().To("pages", nil)

	d := drive(b)
	clicks(d, "clicks", "ann", "home", 40, "ann", "cart", 70)
	showWindows(d, "pages", stream.TimeWindowed(serde.String(), time.Minute), serde.String())
	// Output:
	// ann, 0 to 60: home
	// ann, 30 to 90: home
	// ann, 30 to 90: home cart
	// ann, 60 to 120: cart
}

// A window for each set of clicks that are at most a minute apart.
func ExampleSliding() {
	b := stream.NewBuilder()
	s := stream.WindowedBy(stream.From(b, "clicks", text).GroupByKey(), stream.Sliding(time.Minute))
	stream.AggregateWindows(s, func() int64 { return 0 }, func(_, page string, n int64) int64 { return n + int64(len(page)) },
		stream.Stored(serde.String(), serde.Int64())).ToStream().To("letters", nil)

	d := drive(b)
	clicks(d, "clicks", "ann", "home", 100, "ann", "cart", 130)
	showWindows(d, "letters", stream.TimeWindowed(serde.String(), time.Minute), serde.Int64())
	// Output:
	// ann, 40 to 100: 4
	// ann, 100 to 160: 4
	// ann, 70 to 130: 8
}

func ExampleUnlimited() {
	b := stream.NewBuilder()
	since := stream.Unlimited(time.Unix(60, 0))
	stream.WindowedBy(stream.From(b, "clicks", text).GroupByKey(), since).Count(nil).ToStream().
		Foreach(func(k stream.Windowed[string], n int64) { fmt.Println(k.Key, k.Window.Start, n) })

	d := drive(b)
	clicks(d, "clicks", "ann", "too early", 59, "ann", "home", 60, "ann", "cart", 5000)
	// Output:
	// ann 60000 1
	// ann 60000 2
}

// A record that connects two sessions deletes them and makes one.
func ExampleSessionWindowedBy() {
	b := stream.NewBuilder()
	stream.SessionWindowedBy(stream.From(b, "clicks", text).GroupByKey(), stream.Sessions(time.Minute).Grace(time.Hour)).
		Count(nil).ToStream().To("sessions", nil)

	d := drive(b)
	clicks(d, "clicks", "ann", "home", 0, "ann", "cart", 100, "ann", "help", 50)
	showWindows(d, "sessions", stream.SessionWindowed(serde.String()), serde.Int64())
	// Output:
	// ann, 0 to 0: 1
	// ann, 100 to 100: 1
	// ann, 0 to 0: null
	// ann, 100 to 100: null
	// ann, 0 to 100: 3
}

func ExampleSessionWindowedKStream_EmitStrategy() {
	b := stream.NewBuilder()
	stream.SessionWindowedBy(stream.From(b, "clicks", text).GroupByKey(), stream.Sessions(time.Minute)).
		EmitStrategy(stream.OnWindowClose).
		Reduce(func(sofar, page string) string { return sofar + " " + page }, nil).
		ToStream().To("sessions", nil)

	d := drive(b)
	clicks(d, "clicks", "ann", "home", 0, "ann", "cart", 50, "bob", "home", 200)
	showWindows(d, "sessions", stream.SessionWindowed(serde.String()), serde.String())
	// Output:
	// ann, 0 to 50: home cart
}

func ExampleAggregateSessions() {
	b := stream.NewBuilder()
	s := stream.SessionWindowedBy(stream.From(b, "clicks", text).GroupByKey(), stream.Sessions(time.Minute))
	longest := func(_, a, b string) string {
		if len(b) > len(a) {
			return b
		}
		return a
	}
	stream.AggregateSessions(s, func() string { return "" }, longest, longest, stream.Stored(serde.String(), serde.String())).
		ToStream().To("longest", nil)

	d := drive(b)
	clicks(d, "clicks", "ann", "home", 0, "ann", "checkout", 20)
	showWindows(d, "longest", stream.SessionWindowed(serde.String()), serde.String())
	// Output:
	// ann, 0 to 0: home
	// ann, 0 to 0: null
	// ann, 0 to 20: checkout
}

func ExampleTryAggregateSessions() {
	b := stream.NewBuilder()
	s := stream.SessionWindowedBy(stream.From(b, "clicks", text).GroupByKey(), stream.Sessions(time.Minute))
	stream.TryAggregateSessions(s, func() string { return "" }, addPage,
		func(_, a, b string) (string, error) { return a + b, nil }, stream.Stored(serde.String(), serde.String())).
		ToStream().To("pages", nil)

	d := drive(b, skip)
	clicks(d, "clicks", "ann", "home", 0, "ann", "", 10, "ann", "cart", 20)
	showWindows(d, "pages", stream.SessionWindowed(serde.String()), serde.String())
	// Output:
	// skipped: a click without a page
	// ann, 0 to 0: /home
	// ann, 0 to 0: null
	// ann, 0 to 20: /home/cart
}

func addPage(r topology.Record[string, string], pages string) (string, error) {
	if r.Value == "" {
		return "", fmt.Errorf("a click without a page")
	}
	return pages + "/" + r.Value, nil
}

func ExampleTryAggregateWindows() {
	b := stream.NewBuilder()
	s := stream.WindowedBy(stream.From(b, "clicks", text).GroupByKey(), stream.Tumbling(time.Minute))
	stream.TryAggregateWindows(s, func() string { return "" }, addPage, stream.Stored(serde.String(), serde.String())).
		ToStream().To("pages", nil)

	d := drive(b, skip)
	clicks(d, "clicks", "ann", "home", 0, "ann", "", 10, "ann", "cart", 20)
	showWindows(d, "pages", stream.TimeWindowed(serde.String(), time.Minute), serde.String())
	// Output:
	// skipped: a click without a page
	// ann, 0 to 60: /home
	// ann, 0 to 60: /home/cart
}

// A windowed table is a table like others.
func ExampleTimeWindowed() {
	b := stream.NewBuilder()
	counts := stream.WindowedBy(stream.From(b, "clicks", text).GroupByKey(), stream.Tumbling(time.Minute)).Count(nil)
	busy := counts.Filter(func(_ stream.Windowed[string], n int64) bool { return n > 1 }).ToStream()
	stream.SelectKey(busy, func(k stream.Windowed[string], _ int64) string { return k.String() }).
		To("busy", stream.With(serde.String(), serde.Int64()))

	d := drive(b)
	clicks(d, "clicks", "ann", "home", 0, "ann", "cart", 20, "bob", "home", 30)
	showAs(d, "busy", serde.String(), serde.Int64())
	// Output:
	// [ann@0/60000]: 2
}

// Windows close after their grace period of none, but are kept for a day, to be queried.
func ExampleMaterialized_Retention() {
	b := stream.NewBuilder()
	perMinute := stream.WindowedBy(stream.From(b, "clicks", text).GroupByKey(), stream.Tumbling(time.Minute))
	perMinute.Count(stream.InStore("per-minute", serde.String(), serde.Int64()).Retention(24 * time.Hour))

	d := drive(b)
	clicks(d, "clicks", "ann", "home", 5, "ann", "cart", 58, "ann", "home", 3600, "ann", "too late", 59)
	counts, err := streamtest.Store[store.TimestampedWindowStore[string, int64]](d, "per-minute")
	check(err)
	it := counts.All()
	for it.Next() {
		w := it.Key().Window
		fmt.Printf("%d to %d: %d\n", w.Start/1000, w.End/1000, it.Value().Value)
	}
	check(it.Close())
	// Output:
	// 0 to 60: 2
	// 3600 to 3660: 1
}

// A late record changes the sliding windows that are still open.
func ExampleSlidingWindows_Grace() {
	b := stream.NewBuilder()
	perMinute := stream.WindowedBy(stream.From(b, "clicks", text).GroupByKey(), stream.Sliding(time.Minute).Grace(10*time.Second))
	perMinute.Count(nil).ToStream().To("counts", nil)

	d := drive(b)
	clicks(d, "clicks", "ann", "home", 100, "bob", "home", 120, "ann", "late, but in time", 110, "ann", "too late", 49)
	showWindows(d, "counts", stream.TimeWindowed(serde.String(), time.Minute), serde.Int64())
	// Output:
	// ann, 40 to 100: 1
	// bob, 60 to 120: 1
	// ann, 100 to 160: 1
	// ann, 50 to 110: 2
}
