package task_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
)

// restart makes the task anew from what was committed, as the broker has it.
func (r *rig) restart() {
	r.t.Helper()
	r.commit()
	inputs := make([]task.Input, len(r.cfg.Inputs))
	for i, in := range r.cfg.Inputs {
		at := r.Offsets()[in.Partition]
		inputs[i] = in
		inputs[i].Offset = at.Offset
		inputs[i].Time, inputs[i].Kept = task.DecodeMetadata(at.Metadata())
	}
	if err := r.Reset(inputs); err != nil {
		r.t.Fatal(err)
	}
	r.start()
}

const ms = time.Millisecond

// operators with a time of their own, on a stream of strings.
var timed = map[string]func(s *stream.KStream[string, string]) *stream.KStream[string, string]{
	"window": func(s *stream.KStream[string, string]) *stream.KStream[string, string] {
		return flat(stream.WindowedBy(s.GroupByKey(), stream.Tumbling(10*ms)).Reduce(appended, nil))
	},
	"sliding": func(s *stream.KStream[string, string]) *stream.KStream[string, string] {
		return flat(stream.WindowedBy(s.GroupByKey(), stream.Sliding(10*ms)).Reduce(appended, nil))
	},
	"session": func(s *stream.KStream[string, string]) *stream.KStream[string, string] {
		return flat(stream.SessionWindowedBy(s.GroupByKey(), stream.Sessions(10*ms)).Reduce(appended, nil))
	},
	"window, once closed": func(s *stream.KStream[string, string]) *stream.KStream[string, string] {
		return flat(stream.WindowedBy(s.GroupByKey(), stream.Tumbling(10*ms)).EmitStrategy(stream.OnWindowClose).Reduce(appended, nil))
	},
	"suppress": func(s *stream.KStream[string, string]) *stream.KStream[string, string] {
		return s.ToTable(nil).Suppress(stream.UntilTimeLimit(5*ms, stream.BufferUnbounded())).ToStream()
	},
	"join with a grace period": func(s *stream.KStream[string, string]) *stream.KStream[string, string] {
		table := s.ToTable(stream.InStore("versions", serde.String(), serde.String()).Versioned(time.Hour))
		return stream.LeftJoinTable(s, table, func(v string, w *string) string { return v + "+" + orNone(w) }, nil, stream.GracePeriod(5*ms))
	},
	"outer join": func(s *stream.KStream[string, string]) *stream.KStream[string, string] {
		none := s.Filter(func(string, string) bool { return false })
		return stream.OuterJoin(s, none, func(v, w *string) string { return orNone(v) + "+" + orNone(w) }, stream.TimeDifference(5*ms), nil)
	},
	"deduplicate": func(s *stream.KStream[string, string]) *stream.KStream[string, string] {
		return stream.Deduplicate(s, 5*ms, func(_, v string) string { return v }, serde.String())
	},
}

func flat(t *stream.KTable[stream.Windowed[string], string]) *stream.KStream[string, string] {
	return stream.SelectKey(t.ToStream(), func(k stream.Windowed[string], _ string) string { return k.String() })
}

func appended(sofar, v string) string { return sofar + v }

func orNone(v *string) string {
	if v == nil {
		return "none"
	}
	return *v
}

// What is late stays late when the task begins again, and what has closed stays closed.
// Kafka Streams begins to count time anew: a window whose result was final has another.
func TestTimeOutlivesARestart(t *testing.T) {
	for name, operator := range timed {
		t.Run(name, func(t *testing.T) {
			run := func(restart bool) []string {
				b := stream.NewBuilder()
				texts := stream.With(serde.String(), serde.String())
				operator(stream.From(b, "in", texts)).To("out", texts)
				r := newRig(t, built(t, b))
				for i, at := range []int64{3, 50, 7, 41, 48, 3, 49, 70} {
					r.addClick(int64(i), at, "k", fmt.Sprint(i))
					r.process()
					if restart {
						r.restart()
					}
				}
				var out []string
				for _, s := range r.out.take() {
					if strings.HasPrefix(s, "out-") {
						out = append(out, s)
					}
				}
				return out
			}
			if d := cmp.Diff(run(false), run(true)); d != "" {
				t.Errorf("(-without a restart +with restarts)\n%s", d)
			}
		})
	}
}

// Windows of a task that begins again while nothing comes close too.
func TestIdleTaskClosesWindowsAfterARestart(t *testing.T) {
	for name, operator := range timed {
		if name != "window, once closed" && name != "suppress" && name != "outer join" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			b := stream.NewBuilder()
			texts := stream.With(serde.String(), serde.String())
			operator(stream.From(b, "in", texts)).To("out", texts)
			r := newRig(t, built(t, b), func(c *task.Config) { c.IdleAfter = 100 })
			r.addClick(0, 3, "k", "v")
			r.process()
			r.restart()
			r.out.take()
			r.punctuate(1000)
			r.commit()
			r.out.take()
			r.punctuate(2000)
			if n := len(r.out.take()); n == 0 {
				t.Error("nothing came")
			}
			r.commit()
			r.out.take()
			r.punctuate(3000)
			if needed, _ := r.CommitNeeded(); needed {
				t.Error("nothing is left to come, but a commit is needed each time")
			}
		})
	}
}
