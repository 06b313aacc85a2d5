package assign

import (
	"cmp"
	"math/bits"
	"slices"
)

// Unit is a task to be assigned.
type Unit struct {
	Task     Task
	Stateful bool // has stores with a changelog, which a new owner must restore
}

// Member is what the leader knows of a member when it assigns. ID is unique.
type Member struct {
	ID string
	Subscription
}

// Assign gives every task to exactly one member. With W workers in the group, a
// member with w workers gets its share w/W of all tasks, rounded down or up, and
// the same holds for the tasks of each sub-topology; so no worker of the group
// needs to run more than one task more than another.
//
// Among all assignments that are balanced so it takes one for which, in this
// order, the fewest stateful tasks leave their owner, the least state has to be
// restored, and the fewest stateless tasks leave their owner. What has to be
// restored is judged by the logarithm of the distance from the most advanced
// copy. If two members own a task, the one of the later generation counts.
//
// The result has an entry for each member, sorted, and does not depend on the
// order of members or tasks. It is where the group should arrive; see [HandOver]
// for the way. Tasks that no unit names are ignored. Without members the result
// is empty.
func Assign(members []Member, units []Unit) map[string][]Task {
	target := make(map[string][]Task, len(members))
	if len(members) == 0 {
		return target
	}
	p := newProblem(members, units)
	p.build()
	p.network.run(p.source, p.sink)
	for i, tasks := range p.solution() {
		slices.SortFunc(tasks, Task.Compare)
		target[p.members[i].ID] = tasks
	}
	return target
}

// problem is an assignment as a minimum cost flow. Each task is a unit of flow
// from source to sink, by one of two ways:
//
//	source -> task -----------------> (member, sub-topology) -> member -> sink
//	               -> sub-topology ->
//
// The upper arcs exist for a task's owner and for members with its state, the
// lower ones for everybody at the price of a start from nothing. The last two
// arcs have the member's share, rounded up, as capacity; the part of it that
// must be used, the share rounded down, has a negative cost that outweighs
// everything else. A flow that uses all of it exists, because the shares
// themselves are a fractional one.
type problem struct {
	members []Member // by process, so that a tie falls the same way after a restart
	units   []Unit
	owner   map[Task]int // index in members
	subs    []int32
	workers []int64
	total   int64 // workers of the group

	network      network
	source, sink int
	direct       []directArc
	pooled       [][]int // [sub-topology][member]: arcs of the lower way
}

// directArc is an arc of the upper way.
type directArc struct{ unit, member, arc int }

func newProblem(members []Member, units []Unit) *problem {
	p := &problem{members: slices.Clone(members), units: slices.Clone(units)}
	slices.SortFunc(p.members, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.ProcessID, b.ProcessID), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(p.units, func(a, b Unit) int { return a.Task.Compare(b.Task) })
	p.units = slices.CompactFunc(p.units, func(a, b Unit) bool { return a.Task == b.Task })
	for _, u := range p.units {
		if n := len(p.subs); n == 0 || p.subs[n-1] != u.Task.Subtopology {
			p.subs = append(p.subs, u.Task.Subtopology)
		}
	}
	p.owner = make(map[Task]int, len(p.units))
	for i, m := range p.members {
		w := int64(max(m.Workers, 1))
		p.workers = append(p.workers, w)
		p.total += w
		for _, t := range m.Owned {
			if o, owned := p.owner[t]; !owned || m.Generation > p.members[o].Generation {
				p.owner[t] = i
			}
		}
	}
	return p
}

func (p *problem) build() {
	n := &p.network
	p.source, p.sink = n.node(), n.node()
	member := make([]int, len(p.members))
	outweigh := p.moved() * int64(len(p.units)+1)
	for i := range p.members {
		member[i] = n.node()
		p.share(member[i], p.sink, i, len(p.units), outweigh)
	}
	at := 0
	for _, sub := range p.subs {
		first := at
		for at < len(p.units) && p.units[at].Task.Subtopology == sub {
			at++
		}
		pool, places, arcs := n.node(), make([]int, len(p.members)), make([]int, len(p.members))
		for i := range p.members {
			places[i] = n.node()
			arcs[i] = n.arc(pool, places[i], int64(at-first), 0)
			p.share(places[i], member[i], i, at-first, outweigh)
		}
		p.pooled = append(p.pooled, arcs)
		for u := first; u < at; u++ {
			p.task(u, pool, places)
		}
	}
}

// share connects two nodes with the arcs for member i's share of count tasks.
func (p *problem) share(from, to, i, count int, outweigh int64) {
	down := int64(count) * p.workers[i] / p.total
	p.network.arc(from, to, down, -outweigh)
	if down*p.total < int64(count)*p.workers[i] {
		p.network.arc(from, to, 1, 0)
	}
}

// The weights keep the three aims in their order for any number of tasks: all
// stateless tasks moved cost less than one step of lag, and 64 steps, the most
// there are, for all tasks less than one stateful task moved.
func (p *problem) step() int64  { return int64(len(p.units)) + 1 }
func (p *problem) moved() int64 { return p.step() * (64*int64(len(p.units)) + 1) }

// task adds the arcs of a unit.
func (p *problem) task(u, pool int, places []int) {
	unit := p.units[u]
	node := p.network.node()
	p.network.arc(p.source, node, 1, 0)
	owner, owned := p.owner[unit.Task]
	best := int64(0)
	for _, m := range p.members {
		best = max(best, m.Stored[unit.Task])
	}
	cost := func(position int64) int64 { // of a member that is not the owner
		c := int64(0)
		switch {
		case unit.Stateful && owned:
			c = p.moved()
		case owned:
			c = 1
		}
		if unit.Stateful {
			c += p.step() * int64(bits.Len64(uint64(best-position)))
		}
		return c
	}
	for i, m := range p.members {
		position := m.Stored[unit.Task]
		switch {
		case owned && i == owner:
			p.direct = append(p.direct, directArc{u, i, p.network.arc(node, places[i], 1, 0)})
		case unit.Stateful && position > 0:
			p.direct = append(p.direct, directArc{u, i, p.network.arc(node, places[i], 1, cost(position))})
		}
	}
	p.network.arc(node, pool, 1, cost(0))
}

// solution returns the tasks of each member.
func (p *problem) solution() [][]Task {
	tasks, placed := make([][]Task, len(p.members)), make([]bool, len(p.units))
	for _, d := range p.direct {
		if p.network.flow(d.arc) > 0 {
			tasks[d.member] = append(tasks[d.member], p.units[d.unit].Task)
			placed[d.unit] = true
		}
	}
	sub, i, left := -1, 0, int64(0)
	for u, unit := range p.units {
		if u == 0 || p.units[u-1].Task.Subtopology != unit.Task.Subtopology {
			sub, i = sub+1, 0
			left = p.network.flow(p.pooled[sub][0])
		}
		if placed[u] {
			continue
		}
		for left == 0 {
			i++
			left = p.network.flow(p.pooled[sub][i])
		}
		left--
		tasks[i] = append(tasks[i], unit.Task)
	}
	return tasks
}
