package stream_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// rows is a table as it stands.
type rows map[string]string

// referred is the key that an entry refers to: its first letter; "-" refers to none.
func referred(_, v string) (string, bool) { return v[:1], v[:1] != "-" }

// tableOperators are operators of one or two tables, with what their result is for
// tables as they stand, however they came to that.
var tableOperators = map[string]struct {
	build func(l, r *stream.KTable[string, string]) *stream.KTable[string, string]
	model func(l, r rows) rows
}{
	"JoinTables": {
		func(l, r *stream.KTable[string, string]) *stream.KTable[string, string] {
			return stream.JoinTables(l, r, both, nil)
		},
		func(l, r rows) rows {
			return each(l, func(k, v string) (string, bool) { w, ok := r[k]; return v + w, ok })
		},
	},
	"LeftJoinTables, computed inputs": {
		func(l, r *stream.KTable[string, string]) *stream.KTable[string, string] {
			return stream.LeftJoinTables(l.Filter(noA), stream.MapTableValues(r, strings.ToUpper), eitherOf, nil)
		},
		func(l, r rows) rows {
			return each(l, func(k, v string) (string, bool) {
				if w, ok := r[k]; ok {
					return v + strings.ToUpper(w), noA(k, v)
				}
				return v + "-", noA(k, v)
			})
		},
	},
	"OuterJoinTables, kept": {
		func(l, r *stream.KTable[string, string]) *stream.KTable[string, string] {
			return stream.OuterJoinTables(l, r, func(v, w *string) string { return or(v) + or(w) }, seen("outer"))
		},
		func(l, r rows) rows {
			all := each(l, func(k, v string) (string, bool) { w, ok := r[k]; return v + or(ptr(w, ok)), true })
			for k, w := range r {
				if _, ok := l[k]; !ok {
					all[k] = "-" + w
				}
			}
			return all
		},
	},
	"JoinForeignKey": {
		func(l, r *stream.KTable[string, string]) *stream.KTable[string, string] {
			return stream.JoinForeignKey(l, r, referred, both, nil)
		},
		func(l, r rows) rows {
			return each(l, func(k, v string) (string, bool) {
				fk, ok := referred(k, v)
				w, found := r[fk]
				return v + w, ok && found
			})
		},
	},
	"LeftJoinForeignKey, kept": {
		func(l, r *stream.KTable[string, string]) *stream.KTable[string, string] {
			return stream.LeftJoinForeignKey(l, r, referred, eitherOf, seen("left"))
		},
		func(l, r rows) rows {
			return each(l, func(k, v string) (string, bool) {
				fk, ok := referred(k, v)
				w, found := r[fk]
				return eitherOf(v, ptr(w, ok && found)), true
			})
		},
	},
	"AggregateTable": {
		func(l, _ *stream.KTable[string, string]) *stream.KTable[string, string] {
			g := stream.GroupTableBy(l, func(k, v string) (string, string) { return v[:1], k + v }, text)
			t := stream.AggregateTable(g, func() string { return "" }, func(_, v, a string) string { return insert(a, v) },
				func(_, v, a string) string { return remove(a, v) }, seen("groups"))
			return t.Filter(func(_, a string) bool { return a != "" }) // a group without entries stays
		},
		func(l, _ rows) rows {
			all := rows{}
			for k, v := range l {
				all[v[:1]] = insert(all[v[:1]], k+v)
			}
			return all
		},
	},
	"Count and Reduce of one group, joined": {
		func(l, r *stream.KTable[string, string]) *stream.KTable[string, string] {
			g := stream.GroupTableBy(stream.OuterJoinTables(l, r, func(v, w *string) string { return or(v) + or(w) }, nil),
				func(k, v string) (string, string) { return v[:1], k + v }, text, stream.Named("group"))
			n := stream.MapTableValues(g.Count(nil), func(n int64) string { return fmt.Sprint(n, " ") })
			return stream.JoinTables(n, g.Reduce(insert, remove, nil), both, nil).Filter(func(_, v string) bool { return !strings.HasPrefix(v, "0") })
		},
		func(l, r rows) rows {
			members := map[string][]string{}
			keys := maps.Clone(l)
			maps.Copy(keys, r)
			for k := range keys {
				v, inL := l[k]
				w, inR := r[k]
				joined := or(ptr(v, inL)) + or(ptr(w, inR))
				members[joined[:1]] = append(members[joined[:1]], k+joined)
			}
			all := rows{}
			for k, m := range members {
				list := ""
				for _, v := range m {
					list = insert(list, v)
				}
				all[k] = fmt.Sprint(len(m), " ") + list
			}
			return all
		},
	},
}

func noA(_, v string) bool { return v[:1] != "a" }

func or(v *string) string {
	if v == nil {
		return "-"
	}
	return *v
}

func ptr(v string, ok bool) *string {
	if !ok {
		return nil
	}
	return &v
}

func each(in rows, f func(k, v string) (string, bool)) rows {
	out := rows{}
	for k, v := range in {
		if w, ok := f(k, v); ok {
			out[k] = w
		}
	}
	return out
}

// insert and remove keep a list in order, so that it does not tell how it came to be.
func insert(list, v string) string {
	all := append(strings.Fields(list), strings.Fields(v)...)
	slices.Sort(all)
	return strings.Join(all, " ")
}

func remove(list, v string) string {
	all := strings.Fields(list)
	if i := slices.Index(all, v); i >= 0 {
		all = slices.Delete(all, i, i+1)
	}
	return strings.Join(all, " ")
}

// Whatever changes lead to two tables, in any order, with deletions, repetitions and
// timestamps out of order, the result is what it is for the tables as they stand: what
// was sent on leaves it in a table downstream.
func TestTableOperatorsAgainstModels(t *testing.T) {
	for name, op := range tableOperators {
		for _, cache := range []int64{0, 1000} {
			t.Run(fmt.Sprintf("%s, cache of %d", name, cache), func(t *testing.T) {
				rapid.Check(t, func(rt *rapid.T) {
					b := stream.NewBuilder()
					l, r := stream.Table(b, "left", text, nil), stream.Table(b, "right", text, nil)
					op.build(l, r).ToStream().To("out", text)
					d := driverOf(t, b, streamtest.Config{CacheMaxBytes: cache})
					sides := map[string]rows{"left": {}, "right": {}}
					got := rows{}
					for range rapid.IntRange(1, 40).Draw(rt, "changes") {
						topic := rapid.SampledFrom([]string{"left", "right"}).Draw(rt, "topic")
						r := textRecord{Key: rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "key"),
							NullValue: rapid.IntRange(0, 3).Draw(rt, "deletes") == 0, Timestamp: rapid.Int64Range(0, 9).Draw(rt, "timestamp")}
						if r.NullValue {
							delete(sides[topic], r.Key)
						} else {
							r.Value = rapid.SampledFrom([]string{"a1", "a2", "b1", "b2", "c1", "-1"}).Draw(rt, "value")
							sides[topic][r.Key] = r.Value
						}
						if err := streamtest.NewInput(d, topic, serde.String(), serde.String()).PipeRecord(r); err != nil {
							rt.Fatal(err)
						}
						records, err := streamtest.NewOutput(d, "out", serde.String(), serde.String()).ReadAll()
						if err != nil {
							rt.Fatal(err)
						}
						for _, o := range records {
							if o.NullValue {
								delete(got, o.Key)
							} else {
								got[o.Key] = o.Value
							}
						}
						if diff := cmp.Diff(op.model(sides["left"], sides["right"]), got); diff != "" {
							rt.Fatalf("after left %v and right %v (-want +got):\n%s", sides["left"], sides["right"], diff)
						}
					}
				})
			})
		}
	}
}
