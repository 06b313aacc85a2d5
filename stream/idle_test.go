package stream_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// What waits for stream time comes without another record when the task is idle, and
// waits for ever otherwise.
func TestWindowsCloseWhileIdle(t *testing.T) {
	const second, grace = time.Second, 500 * time.Millisecond
	key := func(t *stream.KTable[stream.Windowed[string], int64]) *stream.KStream[string, int64] {
		return stream.SelectKey(t.ToStream(), func(k stream.Windowed[string], _ int64) string { return k.String() })
	}
	counts := stream.With(serde.String(), serde.Int64())
	for name, c := range map[string]struct {
		build func(s *stream.KStream[string, string])
		want  string
	}{
		"tumbling": {func(s *stream.KStream[string, string]) {
			w := stream.WindowedBy(s.GroupByKey(), stream.Tumbling(second).Grace(grace)).EmitStrategy(stream.OnWindowClose)
			key(w.Count(nil)).To("out", counts)
		}, "[k@0/1000]"},
		"sliding": {func(s *stream.KStream[string, string]) {
			w := stream.WindowedBy(s.GroupByKey(), stream.Sliding(50*time.Millisecond).Grace(grace)).EmitStrategy(stream.OnWindowClose)
			key(w.Count(nil)).To("out", counts)
		}, "[k@50/100]"},
		"session": {func(s *stream.KStream[string, string]) {
			w := stream.SessionWindowedBy(s.GroupByKey(), stream.Sessions(second).Grace(grace)).EmitStrategy(stream.OnWindowClose)
			key(w.Count(nil)).To("out", counts)
		}, "[k@100/100]"},
		"suppress": {func(s *stream.KStream[string, string]) {
			w := stream.WindowedBy(s.GroupByKey(), stream.Tumbling(second).Grace(grace)).Count(nil)
			key(w.Suppress(stream.UntilWindowCloses(stream.BufferUnbounded()))).To("out", counts)
		}, "[k@0/1000]"},
		"left join": {func(s *stream.KStream[string, string]) {
			none := s.Filter(func(string, string) bool { return false })
			stream.LeftJoin(s, none, func(string, *string) int64 { return 1 }, stream.TimeDifference(second).Grace(grace), nil).To("out", counts)
		}, "k"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, idle := range []time.Duration{0, 10 * time.Second} {
				b := stream.NewBuilder()
				c.build(stream.From(b, "in", text))
				d := driverOf(t, b, streamtest.Config{IdleAfter: idle})
				if err := streamtest.NewInput(d, "in", serde.String(), serde.String()).PipeAt(100, "k", "v"); err != nil {
					t.Fatal(err)
				}
				out := streamtest.NewOutput(d, "out", serde.String(), serde.Int64())
				var want []string
				for _, after := range []time.Duration{10 * time.Second, 5 * time.Second} {
					if err := d.Advance(after); err != nil {
						t.Fatal(err)
					}
					var got []string
					all, err := out.ReadAll()
					if err != nil {
						t.Fatal(err)
					}
					for _, r := range all {
						got = append(got, r.Key)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("IdleAfter %v: %s", idle, diff)
					}
					if idle > 0 {
						want = []string{c.want}
					}
				}
			}
		})
	}
}
