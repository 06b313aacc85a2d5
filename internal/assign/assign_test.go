package assign

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// units returns the units of a sub-topology.
func units(sub int32, partitions int32, stateful bool) []Unit {
	var us []Unit
	for p := range partitions {
		us = append(us, Unit{Task{sub, p}, stateful})
	}
	return us
}

func member(id string, workers int, owned ...string) Member {
	m := Member{ID: id, Subscription: Subscription{ProcessID: "process of " + id, Workers: workers, Owned: tasks(owned...), Stored: map[Task]int64{}}}
	return m
}

func (m Member) storing(id string, position int64) Member {
	m.Stored[tasks(id)[0]] = position
	return m
}

func tasks(ids ...string) []Task {
	var ts []Task
	for _, id := range ids {
		t, err := ParseTask(id)
		if err != nil {
			panic(err)
		}
		ts = append(ts, t)
	}
	return ts
}

func TestAssign(t *testing.T) {
	four := units(0, 4, true)
	cases := map[string]struct {
		members []Member
		units   []Unit
		want    map[string][]Task
	}{
		"no members": {units: four, want: map[string][]Task{}},
		"no tasks":   {members: []Member{member("a", 1, "0_0")}, want: map[string][]Task{"a": nil}},
		"one member takes all": {
			[]Member{member("a", 2)}, four, map[string][]Task{"a": tasks("0_0", "0_1", "0_2", "0_3")},
		},
		"balance counts workers": {
			[]Member{member("a", 3, "0_0", "0_3"), member("b", 1, "0_1")}, four,
			map[string][]Task{"a": tasks("0_0", "0_2", "0_3"), "b": tasks("0_1")},
		},
		"more workers than tasks": {
			[]Member{member("a", 4, "0_0", "0_1", "0_2", "0_3"), member("b", 4)}, four,
			map[string][]Task{"a": tasks("0_2", "0_3"), "b": tasks("0_0", "0_1")},
		},
		"owner goes before state": {
			[]Member{member("a", 1, "0_0", "0_1"), member("b", 1, "0_2", "0_3").storing("0_0", 900).storing("0_1", 900)}, four,
			map[string][]Task{"a": tasks("0_0", "0_1"), "b": tasks("0_2", "0_3")},
		},
		"smallest lag wins": {
			[]Member{member("a", 1).storing("0_0", 100), member("b", 1).storing("0_0", 100000), member("c", 1).storing("0_0", 99000)},
			units(0, 1, true), map[string][]Task{"a": nil, "b": tasks("0_0"), "c": nil},
		},
		"state of a stateless task is worth nothing": {
			[]Member{member("a", 1), member("b", 1).storing("0_0", 100)},
			units(0, 1, false), map[string][]Task{"a": tasks("0_0"), "b": nil},
		},
		"what moves is where the newcomer has state": {
			[]Member{
				member("a", 1, "0_0", "0_1", "0_2", "0_3").storing("0_0", 500).storing("0_1", 500).storing("0_2", 500).storing("0_3", 500),
				member("b", 1).storing("0_1", 499).storing("0_2", 500).storing("0_3", 7),
			}, four,
			map[string][]Task{"a": tasks("0_0", "0_3"), "b": tasks("0_1", "0_2")},
		},
		"stateless tasks move first": {
			[]Member{member("a", 1, "0_0", "0_1", "1_0", "1_1"), member("b", 1)},
			[]Unit{{Task{0, 0}, true}, {Task{1, 0}, false}}, // one task each, whatever the sub-topology
			map[string][]Task{"a": tasks("0_0"), "b": tasks("1_0")},
		},
		"later generation owns": {
			[]Member{
				{ID: "a", Subscription: Subscription{ProcessID: "1", Generation: 3, Owned: tasks("0_0")}},
				{ID: "b", Subscription: Subscription{ProcessID: "2", Generation: 4, Owned: tasks("0_0")}},
			}, units(0, 1, true), map[string][]Task{"a": nil, "b": tasks("0_0")},
		},
		"a tie falls by process": {
			[]Member{{ID: "a", Subscription: Subscription{ProcessID: "2"}}, {ID: "b", Subscription: Subscription{ProcessID: "1"}}},
			units(0, 1, true), map[string][]Task{"a": nil, "b": tasks("0_0")},
		},
		"a tie inside a process falls by member": {
			[]Member{{ID: "b"}, {ID: "a"}}, units(0, 1, true), map[string][]Task{"a": tasks("0_0"), "b": nil},
		},
		"sub-topologies are spread": {
			[]Member{member("a", 1), member("b", 1)}, append(units(0, 2, false), units(1, 2, true)...),
			map[string][]Task{"a": tasks("0_0", "1_0"), "b": tasks("0_1", "1_1")},
		},
		"a task named twice": {
			[]Member{member("a", 1)}, append(units(0, 1, true), units(0, 1, true)...), map[string][]Task{"a": tasks("0_0")},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Assign(c.members, c.units)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A group is a random group somewhere in its life.
type group struct {
	members []Member
	units   []Unit
}

var groupGen = rapid.Custom(func(t *rapid.T) group {
	var g group
	for sub := range rapid.Int32Range(0, 4).Draw(t, "sub-topologies") {
		g.units = append(g.units, units(sub, rapid.Int32Range(1, 9).Draw(t, "partitions"), rapid.Bool().Draw(t, "stateful"))...)
	}
	for i := range rapid.IntRange(1, 7).Draw(t, "members") {
		g.members = append(g.members, member(fmt.Sprintf("m%d", i), rapid.IntRange(1, 4).Draw(t, "workers")))
	}
	some := func(what string) *Member { return &g.members[rapid.IntRange(0, len(g.members)-1).Draw(t, what)] }
	for _, u := range g.units {
		if rapid.IntRange(0, 3).Draw(t, "owned") > 0 {
			m := some("owner")
			m.Owned = append(m.Owned, u.Task)
		}
		for range rapid.IntRange(0, 2).Draw(t, "copies") {
			some("copy").Stored[u.Task] = rapid.Int64Range(1, 1<<40).Draw(t, "position")
		}
	}
	return g
})

func TestAssignGivesEveryTaskToOneMemberAndIsBalanced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := groupGen.Draw(t, "group")
		target := Assign(g.members, g.units)
		if len(target) != len(g.members) {
			t.Fatalf("%d members in the result, want %d", len(target), len(g.members))
		}
		var all, want []Task
		for _, ts := range target {
			all = append(all, ts...)
		}
		bySub := map[int32]int{}
		for _, u := range g.units {
			want = append(want, u.Task)
			bySub[u.Task.Subtopology]++
		}
		slices.SortFunc(all, Task.Compare)
		if diff := cmp.Diff(want, all); diff != "" {
			t.Fatalf("tasks: %s", diff)
		}
		workers := 0
		for _, m := range g.members {
			workers += m.Workers
		}
		fair := func(what string, got, count, share int) {
			if down := count * share / workers; got < down || got > down+1 || got > down && down*workers == count*share {
				t.Fatalf("%s: %d of %d for %d of %d workers", what, got, count, share, workers)
			}
		}
		for _, m := range g.members {
			fair("all of "+m.ID, len(target[m.ID]), len(g.units), m.Workers)
			for sub, count := range bySub {
				got := 0
				for _, task := range target[m.ID] {
					if task.Subtopology == sub {
						got++
					}
				}
				fair(fmt.Sprintf("sub-topology %d of %s", sub, m.ID), got, count, m.Workers)
			}
		}
	})
}

func TestAssignIgnoresTheOrderOfItsInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := groupGen.Draw(t, "group")
		want := Assign(g.members, g.units)
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		members, units := slices.Clone(g.members), slices.Clone(g.units)
		rnd.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		rnd.Shuffle(len(units), func(i, j int) { units[i], units[j] = units[j], units[i] })
		for i := range members {
			owned := slices.Clone(members[i].Owned)
			slices.Reverse(owned)
			members[i].Owned = owned
		}
		if diff := cmp.Diff(want, Assign(members, units)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// The cost of a target in the terms of Assign's contract, computed from the
// target and not from the flow.
func cost(g group, target map[string][]Task) (c [3]int) {
	runs := map[Task]string{}
	for id, ts := range target {
		for _, task := range ts {
			runs[task] = id
		}
	}
	for _, u := range g.units {
		owner, best := "", int64(0)
		for _, m := range g.members {
			best = max(best, m.Stored[u.Task])
			if slices.Contains(m.Owned, u.Task) {
				owner = m.ID
			}
		}
		switch {
		case owner == runs[u.Task]:
		case !u.Stateful && owner != "":
			c[2]++
		case u.Stateful:
			if owner != "" {
				c[0]++
			}
			at := slices.IndexFunc(g.members, func(m Member) bool { return m.ID == runs[u.Task] })
			for lag := best - g.members[at].Stored[u.Task]; lag > 0; lag >>= 1 {
				c[1]++
			}
		}
	}
	return c
}

// Every balanced target of a small group is tried: none is cheaper.
func TestAssignFindsTheCheapestBalancedTarget(t *testing.T) {
	small := rapid.Custom(func(t *rapid.T) group {
		g := group{units: append(units(0, rapid.Int32Range(0, 3).Draw(t, "partitions"), true),
			units(1, rapid.Int32Range(0, 3).Draw(t, "partitions"), rapid.Bool().Draw(t, "stateful"))...)}
		for i := range rapid.IntRange(1, 3).Draw(t, "members") {
			g.members = append(g.members, member(fmt.Sprintf("m%d", i), rapid.IntRange(1, 2).Draw(t, "workers")))
		}
		for _, u := range g.units {
			for i := range g.members {
				g.members[i].Stored[u.Task] = rapid.SampledFrom([]int64{0, 0, 10, 1000, 1 << 20}).Draw(t, "position")
			}
			if i := rapid.IntRange(-1, len(g.members)-1).Draw(t, "owner"); i >= 0 {
				g.members[i].Owned = append(g.members[i].Owned, u.Task)
			}
		}
		return g
	})
	rapid.Check(t, func(t *rapid.T) {
		g := small.Draw(t, "group")
		target := Assign(g.members, g.units)
		got := cost(g, target)
		everyBalancedTarget(g, func(other map[string][]Task) {
			if c := cost(g, other); slices.Compare(c[:], got[:]) < 0 {
				t.Fatalf("%v costs %v, but %v costs %v", target, got, other, c)
			}
		})
	})
}

func everyBalancedTarget(g group, visit func(map[string][]Task)) {
	workers := 0
	for _, m := range g.members {
		workers += m.Workers
	}
	var subs [2]int
	for _, u := range g.units {
		subs[u.Task.Subtopology]++
	}
	balanced := func(target map[string][]Task) bool {
		for _, m := range g.members {
			n := [2]int{}
			for _, task := range target[m.ID] {
				n[task.Subtopology]++
			}
			for _, x := range [][2]int{{n[0], subs[0]}, {n[1], subs[1]}, {n[0] + n[1], subs[0] + subs[1]}} {
				if x[0] < x[1]*m.Workers/workers || (x[0]-1)*workers >= x[1]*m.Workers {
					return false
				}
			}
		}
		return true
	}
	var place func(u int, target map[string][]Task)
	place = func(u int, target map[string][]Task) {
		if u == len(g.units) {
			if balanced(target) {
				visit(target)
			}
			return
		}
		for _, m := range g.members {
			before := target[m.ID]
			target[m.ID] = append(slices.Clone(before), g.units[u].Task)
			place(u+1, target)
			target[m.ID] = before
		}
	}
	place(0, map[string][]Task{})
}

// A member that joins, leaves and comes back, with its state kept.
func TestAssignMovesOnlyWhatAChangeOfTheGroupNeeds(t *testing.T) {
	us := append(units(0, 12, true), units(1, 12, true)...)
	settle := func(members []Member) ([]Member, int) {
		target, moved := Assign(members, us), 0
		for i := range members {
			for _, task := range target[members[i].ID] {
				if !slices.Contains(members[i].Owned, task) {
					moved++
				}
				members[i].Stored[task] = 1000
			}
			members[i].Owned = target[members[i].ID]
		}
		return members, moved
	}
	members, _ := settle([]Member{member("a", 1), member("b", 1), member("c", 1)})
	if _, moved := settle(members); moved != 0 {
		t.Errorf("nothing changed, and %d tasks moved", moved)
	}
	members, moved := settle(append(members, member("d", 1)))
	if moved != 6 {
		t.Errorf("a fourth member joined: %d of 24 tasks moved, want 6", moved)
	}
	gone, before := members[3], slices.Clone(members[3].Owned)
	members, moved = settle(members[:3])
	if moved != 6 {
		t.Errorf("the fourth member left: %d tasks moved, want 6", moved)
	}
	gone.Owned = nil
	members, moved = settle(append(members, gone))
	if moved != 6 {
		t.Errorf("it came back: %d tasks moved, want 6", moved)
	}
	if diff := cmp.Diff(before, members[3].Owned); diff != "" {
		t.Errorf("it came back to other tasks than those whose state it has: %s", diff)
	}
}

func large() group {
	g, rnd := group{}, rand.New(rand.NewPCG(1, 2))
	for sub := range int32(10) {
		g.units = append(g.units, units(sub, 100, sub%3 > 0)...)
	}
	for i := range 100 {
		g.members = append(g.members, member(fmt.Sprintf("m%02d", i), 1+i%4))
	}
	for _, u := range g.units {
		m := &g.members[rnd.IntN(len(g.members))]
		m.Owned = append(m.Owned, u.Task)
		for range 3 {
			g.members[rnd.IntN(len(g.members))].Stored[u.Task] = rnd.Int64N(1 << 32)
		}
	}
	return g
}

func TestAssignOfALargeGroupIsQuick(t *testing.T) {
	g := large()
	began := time.Now()
	Assign(g.members, g.units)
	if took := time.Since(began); took > 5*time.Second { // some tens of milliseconds on an idle machine
		t.Errorf("1000 tasks and 100 members took %v", took)
	}
}

func BenchmarkAssign1000TasksTo100Members(b *testing.B) {
	g := large()
	b.Run("at random before", func(b *testing.B) {
		for b.Loop() {
			Assign(g.members, g.units)
		}
	})
	target := Assign(g.members, g.units)
	for i := range g.members {
		g.members[i].Owned = target[g.members[i].ID]
	}
	b.Run("one member gone", func(b *testing.B) {
		for b.Loop() {
			Assign(g.members[1:], g.units)
		}
	})
}
