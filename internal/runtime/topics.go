package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
)

// grace is for how long a topic is looked for that does not seem to exist: one that
// was just made may not be known yet, and a broker that was just started may know
// none.
const grace = 2 * time.Second

// find returns the partition counts of topics. It waits for a broker, and then
// looks again for the topics that are missing, but not longer than for grace.
func (r *Runner) find(ctx context.Context, topics []string) (map[string]int32, error) {
	var deadline time.Time
	for {
		found, err := r.client.Partitions(ctx, topics)
		if err != nil || len(missing(found, topics)) == 0 {
			return found, err
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(grace)
		} else if time.Now().After(deadline) {
			return found, nil
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// pause waits a moment before a broker is asked again.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(100 * time.Millisecond):
		return nil
	}
}

// missing are the topics without partitions.
func missing(found map[string]int32, topics []string) []string {
	var out []string
	for _, t := range topics {
		if found[t] == 0 && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// prepareTopics finds the partition counts of all inputs, and creates or checks
// the internal topics: repartition topics with as many partitions as the largest
// topic upstream, changelogs with one for each task. Nothing is created before all
// counts are known to fit.
func (r *Runner) prepareTopics(ctx context.Context) (map[string]int32, error) {
	external, err := r.external(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := r.find(ctx, external)
	if err != nil {
		return nil, err
	}
	if gone := missing(counts, external); len(gone) > 0 {
		return nil, fmt.Errorf("runtime: input topics do not exist any more: %s", strings.Join(gone, ", "))
	}
	if err := r.countRepartitions(counts); err != nil {
		return nil, err
	}
	if err := r.checkCopartition(counts); err != nil {
		return nil, err
	}
	if err := r.ensure(ctx, r.internalTopics(counts)); err != nil {
		return nil, err
	}
	r.counts = counts
	return counts, nil
}

// internalTopics are those that have partitions: a sub-topology whose pattern
// matches no topic yet has no tasks, and its topics are made when it has.
func (r *Runner) internalTopics(counts map[string]int32) []kafka.TopicSpec {
	var specs []kafka.TopicSpec
	for _, t := range r.cfg.Topology.InternalTopicsKeeping(r.topics.Prefix, r.cfg.WindowRetention) {
		n := counts[t.Name]
		if t.Kind == graph.Changelog {
			n = r.tasks(r.sub(t.Subtopology), counts)
		}
		if n > 0 {
			specs = append(specs, kafka.TopicSpec{Name: t.Name, Partitions: n, Replication: r.cfg.Replication, Configs: t.Config})
		}
	}
	return specs
}

// countRepartitions adds the partition counts of repartition topics, which may
// depend on each other.
func (r *Runner) countRepartitions(counts map[string]int32) error {
	for range 2*len(r.subs) + 2 {
		upstream := map[string]int32{}
		for _, s := range r.subs {
			for _, sink := range s.Sinks() {
				if rep := r.cfg.Topology.Repartition(sink); rep != nil && rep.Partitions > 0 {
					upstream[r.topics.Name(sink)] = rep.Partitions
				} else if rep != nil {
					upstream[r.topics.Name(sink)] = max(upstream[r.topics.Name(sink)], r.tasks(s, counts))
				}
			}
		}
		before := maps.Clone(counts)
		maps.Copy(counts, upstream)
		r.align(counts)
		if maps.Equal(before, counts) {
			return nil
		}
	}
	return errors.New("runtime: the partition counts of the repartition topics depend on each other in a circle: give one of them Partitions")
}

// align gives repartition topics as many partitions as the topics have that they
// are joined with: those of the user, or that have a fixed number, else the most.
// Kafka Streams: CopartitionedTopicsEnforcer.
func (r *Runner) align(counts map[string]int32) {
	for _, group := range r.cfg.Topology.Copartitioned(matching(counts)) {
		fixed, most := int32(0), int32(0)
		for _, t := range group {
			n := counts[r.topics.Name(t)]
			most = max(most, n)
			if !r.free(t) {
				fixed = max(fixed, n)
			}
		}
		for _, t := range group {
			if r.free(t) {
				counts[r.topics.Name(t)] = cmp.Or(fixed, most)
			}
		}
	}
}

// free tells whether the number of a topic's partitions is the library's choice.
func (r *Runner) free(topic string) bool {
	rep := r.cfg.Topology.Repartition(topic)
	return rep != nil && rep.Partitions == 0
}

// ensure creates the topics that do not exist and checks the partition counts of
// those that do. A topic is never altered.
func (r *Runner) ensure(ctx context.Context, specs []kafka.TopicSpec) error {
	if len(specs) == 0 {
		return nil
	}
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.Name
	}
	for {
		found, err := r.client.Partitions(ctx, names)
		if err != nil {
			return err
		}
		var errs []error
		var missing []kafka.TopicSpec
		for _, s := range specs {
			switch n := found[s.Name]; {
			case n == 0:
				missing = append(missing, s)
			case n != s.Partitions:
				errs = append(errs, fmt.Errorf("runtime: internal topic %q has %d partitions, but the input topics need %d: "+
					"the number of input partitions is fixed while there is state; reset the application to start again with another one", s.Name, n, s.Partitions))
			}
		}
		if err := errors.Join(errs...); err != nil || len(missing) == 0 {
			return err
		}
		r.cfg.Log.Info("creating internal topics", "topics", len(missing))
		if err := r.client.CreateTopics(ctx, missing); err != nil {
			return err
		}
	}
}

func (r *Runner) checkCopartition(counts map[string]int32) error {
	var errs []error
	for _, group := range r.cfg.Topology.Copartitioned(matching(counts)) {
		first := r.topics.Name(group[0])
		for _, t := range group {
			if name := r.topics.Name(t); counts[name] != counts[first] {
				errs = append(errs, fmt.Errorf("runtime: topics %q (%d partitions) and %q (%d) are joined and must have the same number of partitions",
					first, counts[first], name, counts[name]))
			}
		}
	}
	return errors.Join(errs...)
}

// refresh makes a member that does not lead know the input topics' partitions. The
// broker it asks may not have heard yet of a topic that the leader has just made:
// it is asked again until it knows all that was assigned.
func (r *Runner) refresh(ctx context.Context, assigned []record.Partition) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		if err := r.look(ctx); err != nil {
			return err
		}
		i := slices.IndexFunc(assigned, func(p record.Partition) bool { return p.ID >= r.counts[p.Topic] })
		if i < 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("runtime: %s-%d was assigned but does not exist: do not delete topics of an application that runs", assigned[i].Topic, assigned[i].ID)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// look finds out how many partitions the input topics have.
func (r *Runner) look(ctx context.Context) error {
	external, err := r.external(ctx)
	if err != nil {
		return err
	}
	names := slices.Clone(external)
	for _, t := range r.inputTopics() {
		if !slices.Contains(names, t) {
			names = append(names, t)
		}
	}
	counts, err := r.client.Partitions(ctx, names)
	if err == nil {
		r.counts = counts
	}
	return err
}
