package assign

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestHandOverWithholdsWhatSomebodyElseOwns(t *testing.T) {
	members := []Member{member("a", 1, "0_0", "0_1"), member("b", 1)}
	target := map[string][]Task{"a": tasks("0_0"), "b": tasks("0_1", "0_2")}
	want := map[string][]Task{"a": tasks("0_0"), "b": tasks("0_2")}
	if diff := cmp.Diff(want, HandOver(target, members)); diff != "" {
		t.Error(diff)
	}
	members[0].Owned = tasks("0_0")
	if diff := cmp.Diff(target, HandOver(target, members)); diff != "" {
		t.Errorf("after the owner gave it up: %s", diff)
	}
	if len(target["b"]) != 2 {
		t.Error("HandOver changed its argument")
	}
}

func TestHandOverOfATaskThatTwoMembersOwn(t *testing.T) {
	of := func(id string, generation int32) Member {
		m := member(id, 1, "0_0")
		m.Generation = generation
		return m
	}
	target := map[string][]Task{"a": tasks("0_0"), "b": nil}
	cases := map[string]struct {
		a, b int32
		want []Task
	}{
		"the later generation goes on":        {a: 5, b: 4, want: tasks("0_0")},
		"the earlier one has to wait":         {a: 4, b: 5, want: tasks()},
		"nobody may be trusted: both give up": {a: 5, b: 5, want: tasks()},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := HandOver(target, []Member{of("a", c.a), of("b", c.b)})
			if !slices.Equal(got["a"], c.want) || len(got["b"]) > 0 {
				t.Errorf("got %v, want %v for a", got, c.want)
			}
		})
	}
}

// The rounds of a real group: each member runs what it was given and joins again
// if it had to give something up.
func TestHandOverNeverLetsTwoMembersRunATaskAndArrives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := groupGen.Draw(t, "group")
		for round := int32(1); ; round++ {
			target := Assign(g.members, g.units)
			now := HandOver(target, g.members)
			running := map[Task]string{}
			for _, m := range g.members {
				for _, task := range m.Owned { // still runs until it hears of the assignment
					running[task] = m.ID
				}
			}
			gaveUp := false
			for i := range g.members {
				m := &g.members[i]
				for _, task := range now[m.ID] {
					if by, ok := running[task]; ok && by != m.ID {
						t.Fatalf("round %d: %s starts %v while %s runs it", round, m.ID, task, by)
					}
				}
				gaveUp = gaveUp || slices.ContainsFunc(m.Owned, func(task Task) bool { return !slices.Contains(now[m.ID], task) })
				m.Owned, m.Generation = now[m.ID], round
			}
			if gaveUp {
				if round == 3 {
					t.Fatalf("not at rest after %d rounds", round)
				}
				continue
			}
			if !maps.EqualFunc(now, target, slices.Equal) {
				t.Fatalf("nobody joins again, but %v is not %v", now, target)
			}
			return
		}
	})
}
