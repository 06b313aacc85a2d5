package graph

import (
	"fmt"
	"strings"
)

// checkExplicit reports, in one error, all stores and internal topics whose names
// were generated: another operator in front of theirs would change them, and the
// state would be lost. Kafka Streams: ensure.explicit.internal.resource.naming.
func (b *Builder) checkExplicit(t *Topology) {
	if !b.ExplicitNames || len(b.errs) > 0 {
		return
	}
	var stores, changelogs, topics []string
	for _, s := range t.stores {
		if name := s.Builder.Name(); b.isGenerated(name) && len(s.Users) > 0 {
			stores = append(stores, name)
			if s.SourceTopic == "" && s.Builder.Spec().Logged {
				changelogs = append(changelogs, name+"-changelog")
			}
		}
	}
	for _, r := range t.repartition {
		if b.isGenerated(r.Name) {
			topics = append(topics, r.Name)
		}
	}
	var all []string
	add := func(what string, names []string) {
		if len(names) > 0 {
			all = append(all, what+" "+strings.Join(names, ", "))
		}
	}
	add("stores", stores)
	add("changelog topics", changelogs)
	add("repartition topics", topics)
	if len(all) > 0 {
		b.Fail(fmt.Errorf("stream: names are to be given, and these are generated: %s: name the stores with InStore, groupings, joins and repartitions with Named",
			strings.Join(all, "; ")))
	}
}

// isGenerated tells whether a name is one that was generated, or is made of one: a
// store KSTREAM-JOINTHIS-0000000004-store for instance.
func (b *Builder) isGenerated(name string) bool {
	for i := range len(name) + 1 {
		if b.names[name[:i]] {
			return true
		}
	}
	return false
}
