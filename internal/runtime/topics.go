package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
)

// prepareTopics finds the partition counts of all inputs, and creates or checks
// the internal topics: repartition topics with as many partitions as the largest
// topic upstream, changelogs with one for each task.
func (r *Runner) prepareTopics(ctx context.Context) (map[string]int32, error) {
	external, err := r.external(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := r.client.Partitions(ctx, external)
	if err != nil {
		return nil, err
	}
	for _, t := range external {
		if counts[t] == 0 {
			return nil, fmt.Errorf("runtime: input topic %q does not exist any more", t)
		}
	}
	if err := r.countRepartitions(counts); err != nil {
		return nil, err
	}
	var specs []kafka.TopicSpec
	for _, t := range r.cfg.Topology.InternalTopics(r.cfg.ApplicationID) {
		n := counts[t.Name]
		if t.Kind == graph.Changelog {
			n = r.tasks(r.subs[t.Subtopology], counts)
		}
		specs = append(specs, kafka.TopicSpec{Name: t.Name, Partitions: n, Replication: r.cfg.Replication, Configs: t.Config})
	}
	if err := r.ensure(ctx, specs); err != nil {
		return nil, err
	}
	r.counts = counts
	return counts, r.checkCopartition(counts)
}

// countRepartitions adds the partition counts of repartition topics, which may
// depend on each other.
func (r *Runner) countRepartitions(counts map[string]int32) error {
	for range len(r.subs) + 1 {
		settled := true
		for _, s := range r.subs {
			for _, sink := range s.Sinks() {
				rep := r.cfg.Topology.Repartition(sink)
				if rep == nil {
					continue
				}
				name, n := r.topics.Name(sink), rep.Partitions
				if n == 0 {
					n = max(counts[name], r.tasks(s, counts))
				}
				if counts[name] != n {
					counts[name], settled = n, false
				}
			}
		}
		if settled {
			return nil
		}
	}
	return errors.New("runtime: the partition counts of the repartition topics depend on each other in a circle: give one of them Partitions")
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
	for _, group := range r.cfg.Topology.Copartitioned() {
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
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
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
