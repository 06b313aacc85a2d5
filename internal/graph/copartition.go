package graph

import (
	"slices"
)

// copartition is a group of source nodes that are joined.
type copartition struct {
	operator          string // that needs it; "" with the Processor API
	sources, unlisted []string
}

// SourceNames are the names of the source nodes that an operator is fed from: its
// own, or those of its parents and of what it reads beside them. listed leaves out
// those that Kafka Streams forgets. Kafka Streams: subTopologySourceNodes.
func (o *Op) SourceNames(listed bool) []string {
	var names []string
	seen := map[*Op]bool{}
	var walk func(o *Op)
	walk = func(o *Op) {
		if seen[o] {
			return
		}
		seen[o] = true
		if o.Sources != nil {
			names = appendNew(names, o.Sources)
			return
		}
		if !listed || !o.Unlisted {
			for _, p := range o.parents {
				// Where it makes one source of two, Kafka Streams still looks for the other.
				if !listed || !slices.Contains(o.forgotten, p) {
					walk(p)
				}
			}
		}
		for _, p := range o.Beside {
			walk(p)
		}
	}
	walk(o)
	return names
}

// ListedSources are the names of the source nodes that Kafka Streams lists for an
// operator: those that it had when it was made, but for repartitions that became one.
func (o *Op) ListedSources() []string {
	if o.listed != nil {
		return o.listed
	}
	return o.SourceNames(true)
}

// NullKeysDownstream tells whether an operator somewhere behind this one has a use
// for records with a null key. Kafka Streams: NodesWithRelaxedNullKeyJoinDownstream.
func (o *Op) NullKeysDownstream() bool {
	seen := map[*Op]bool{}
	var found func(o *Op) bool
	found = func(o *Op) bool {
		return slices.ContainsFunc(o.children, func(c *Op) bool {
			if seen[c] {
				return false // looked at already, and nothing was found
			}
			seen[c] = true
			return c.NullKeys || found(c)
		})
	}
	return found(o)
}

// Copartition declares that the topics of these sources must have the same
// number of partitions.
func (t *Topology) Copartition(sources ...string) {
	t.copartitioned = append(t.copartitioned, copartition{sources: sources})
}

// CopartitionOp declares that all topics that an operator is fed from must have the
// same number of partitions.
func (t *Topology) CopartitionOp(o *Op) {
	c := copartition{operator: o.Name, sources: o.ListedSources()}
	for _, s := range o.SourceNames(false) {
		if !slices.Contains(c.sources, s) {
			c.unlisted = append(c.unlisted, s)
		}
	}
	t.copartitioned = append(t.copartitioned, c)
}

// CopartitionOps declares that all topics that an operator is fed from must have the
// same number of partitions, where Kafka Streams lists those of other operators.
func (t *Topology) CopartitionOps(o *Op, listed []*Op) {
	c := copartition{operator: o.Name}
	for _, l := range listed {
		c.sources = appendNew(c.sources, l.ListedSources())
	}
	for _, s := range o.SourceNames(false) {
		if !slices.Contains(c.sources, s) {
			c.unlisted = append(c.unlisted, s)
		}
	}
	t.copartitioned = append(t.copartitioned, c)
}

// Copartitioned returns the groups of topics (without application id) that must
// have the same number of partitions. Groups that share a topic are one. Topics of
// pattern sources are those in matching.
func (t *Topology) Copartitioned(matching []string) [][]string {
	var groups [][]string
	for _, c := range t.copartitioned {
		topics := t.topicsOf(c.all(), matching)
		groups = slices.DeleteFunc(groups, func(g []string) bool {
			if !meet(g, topics) {
				return false
			}
			topics = appendNew(slices.Clone(g), topics)
			return true
		})
		if len(topics) > 0 {
			groups = append(groups, topics)
		}
	}
	return groups
}

// ListedCopartitions is Copartitioned as Kafka Streams has it, with the names of topics
// on the broker. Where a stream that needs a repartition is joined twice without a name
// it forgets the repartition topic of the second join, and where two streams read one
// topic, that of the second. And it puts a new group together with the first one that it
// finds to have a topic in common, and leaves others apart; which is the first depends
// on hashes.
func (t *Topology) ListedCopartitions(names Topics) [][]string {
	var groups []*[]string
	of := map[string]*[]string{}
	for _, c := range t.copartitioned {
		topics := t.topicsOf(javaOrder(c.sources), nil)
		for i := range topics {
			topics[i] = names.Name(topics[i])
		}
		group := new([]string)
		for _, topic := range javaOrder(topics) {
			if g := of[topic]; g != nil {
				group = g
				break
			}
		}
		*group = appendNew(*group, topics)
		for _, topic := range topics {
			of[topic] = group
		}
		groups = append(groups, group)
	}
	var listed [][]string
	for i, g := range groups {
		if !slices.Contains(groups[:i], g) && slices.ContainsFunc(*g, func(topic string) bool { return of[topic] == g }) {
			listed = append(listed, *g)
		}
	}
	return listed
}

// all are the sources of a group, with those that Kafka Streams forgets.
func (c copartition) all() []string { return append(slices.Clone(c.sources), c.unlisted...) }

// topicsOf are the topics of source nodes; of a node that does not exist, none.
func (t *Topology) topicsOf(sources, matching []string) []string {
	var topics []string
	for _, s := range sources {
		n := t.Node(s)
		if n == nil {
			continue
		}
		topics = appendNew(topics, n.Topics)
		for _, m := range matching {
			if n.Pattern != nil && fullMatch(n.Pattern, m) {
				topics = appendNew(topics, []string{m})
			}
		}
	}
	return topics
}

// checkPartitions reports repartition topics that are joined and were given different
// numbers of partitions. Kafka Streams: InternalTopologyBuilder.validateCopartition.
func (b *Builder) checkPartitions(t *Topology) {
	for _, group := range t.Copartitioned(nil) {
		var first *RepartitionTopic
		for _, topic := range group {
			switch r := t.Repartition(topic); {
			case r == nil || r.Partitions == 0:
			case first == nil:
				first = r
			case r.Partitions != first.Partitions:
				b.Failf(t.joiner(first.Name, r.Name), "repartition topics %q (%d partitions) and %q (%d) are joined and must have the same number of partitions: give both the same stream.Partitions, or one of them none",
					first.Name, first.Partitions, r.Name, r.Partitions)
			}
		}
	}
}

// joiner is the operator that is fed from both topics, or else one of those between them
// that is fed from the second.
func (t *Topology) joiner(first, second string) (operator string) {
	for _, c := range t.copartitioned {
		switch topics := t.topicsOf(c.all(), nil); {
		case !slices.Contains(topics, second):
		case slices.Contains(topics, first):
			return c.operator
		default:
			operator = c.operator
		}
	}
	return operator
}

func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// appendNew appends those that are not there yet.
func appendNew(to, names []string) []string {
	for _, n := range names {
		if !slices.Contains(to, n) {
			to = append(to, n)
		}
	}
	return to
}
