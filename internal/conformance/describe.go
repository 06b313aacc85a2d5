package conformance

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// topic is an internal topic as goldens have it.
type topic struct {
	Topic       string            `json:"topic"`
	Kind        string            `json:"kind"`
	Subtopology int32             `json:"subtopology"`
	Partitions  int32             `json:"partitions,omitempty"`
	Config      map[string]string `json:"config,omitempty"`
}

// internalTopics are the internal topics by name, and the groups of topics that
// must have equally many partitions.
func internalTopics(t *topology.Topology, prefix string) ([]topic, [][]string) {
	all, groups := []topic{}, [][]string{}
	names := t.Graph().Topics(prefix)
	unread := map[int32]bool{} // sub-topologies whose inputs are patterns that match nothing yet
	for _, sub := range t.Graph().Subtopologies() {
		unread[sub.ID] = len(sub.Sources(nil)) == 0
	}
	for _, in := range t.Graph().InternalTopics(prefix) {
		if unread[in.Subtopology] {
			continue // the goldens were recorded before there were such topics
		}
		kind := map[graph.TopicKind]string{graph.Repartition: "repartition", graph.Changelog: "changelog"}[in.Kind]
		all = append(all, topic{in.Name, kind, in.Subtopology, in.Partitions, in.Config})
	}
	for _, sub := range t.Graph().Subtopologies() {
		for _, s := range sub.Stores {
			if s.SourceTopic != "" {
				all = append(all, topic{Topic: names.Name(s.SourceTopic), Kind: "sourceChangelog", Subtopology: sub.ID})
			}
		}
	}
	slices.SortFunc(all, func(a, b topic) int { return cmp.Compare(a.Topic, b.Topic) })
	for _, g := range t.Graph().ListedCopartitions(names) {
		slices.Sort(g)
		groups = append(groups, g)
	}
	slices.SortFunc(groups, slices.Compare)
	return all, groups
}

// storeNames are the names of the stores that hold plain keys and values.
func storeNames(t *topology.Topology) []string {
	var names []string
	for _, s := range t.Graph().Whole().Stores {
		if s.Builder.Spec().Kind != store.KindBuffer && s.Builder.Spec().Kind != store.KindWaiting {
			names = append(names, s.Builder.Name())
		}
	}
	if g := t.Graph().Global(); g != nil {
		for _, s := range g.Stores {
			names = append(names, s.Builder.Name())
		}
	}
	return names
}

// branches are the keys of the maps that Java's split returns, by the ids of the
// splits: for each branch whose stream is in it, the name of its node. Go returns
// the streams themselves, so what is compared is the names of the nodes.
func branches(t *topology.Topology, splits []*step) map[string][]string {
	all := map[string][]string{}
	var generated []string
	for _, n := range t.Graph().Whole().Nodes {
		if regexp.MustCompile(`^KSTREAM-BRANCH-\d{10}$`).MatchString(n.Name) {
			generated = append(generated, n.Name)
		}
	}
	slices.Sort(generated)
	for _, s := range splits {
		prefix := s.Name
		if prefix == "" {
			prefix, generated = generated[0], generated[1:]
		}
		keys := []string{}
		add := func(i int, b *branch) {
			name := prefix + cmp.Or(b.Name, strconv.Itoa(i))
			if (b.Via == "" || b.Via == "function") && t.Graph().Node(name) != nil {
				keys = append(keys, name)
			}
		}
		for i, b := range s.Branches {
			add(i+1, b)
		}
		if s.Default != nil {
			add(0, s.Default)
		}
		slices.Sort(keys)
		all[s.ID] = keys
	}
	return all
}
