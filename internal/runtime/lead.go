package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/streamweir/streamweir/internal/assign"
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
)

// protocol is the name of our assignment protocol. The JVM's is "stream", so that
// members of both never share a generation.
const protocol = "streamweir"

// lead assigns tasks for the whole group. Internal topics are made first: whoever
// gets a task may rely on them.
func (r *Runner) lead(ctx context.Context, members []kafka.Member) (map[string]kafka.Assignment, error) {
	counts, err := r.prepareTopics(ctx)
	if err != nil {
		return nil, err
	}
	var units []assign.Unit
	for _, s := range r.subs {
		stateful := slices.ContainsFunc(s.Stores, func(st *graph.Store) bool { return r.topics.Logged(st) || st.SourceTopic != "" })
		for p := range r.tasks(s, counts) {
			units = append(units, assign.Unit{Task: assign.Task{Subtopology: s.ID, Partition: p}, Stateful: stateful})
		}
	}
	group := make([]assign.Member, len(members))
	for i, m := range members {
		sub, err := assign.DecodeSubscription(m.UserData)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", m.ID, err)
		}
		group[i] = assign.Member{ID: m.ID, Subscription: sub}
	}
	tasks := assign.HandOver(assign.Assign(group, units), group)
	out := map[string]kafka.Assignment{}
	for _, m := range group {
		a := assign.Assignment{Active: tasks[m.ID], Revoked: m.Without(tasks[m.ID])}
		out[m.ID] = kafka.Assignment{Partitions: r.partitionsOf(a.Active, counts), UserData: a.Append(nil)}
	}
	return out, nil
}

// tasks is the number of tasks of a sub-topology: that of the partitions of its
// largest input.
func (r *Runner) tasks(s *graph.Sub, counts map[string]int32) int32 {
	n := int32(0)
	for _, topic := range s.Sources(matching(counts)) {
		n = max(n, counts[r.topics.Name(topic)])
	}
	return n
}

// partitionsOf are the input partitions of tasks, so that Kafka's tools show who
// reads what.
func (r *Runner) partitionsOf(tasks []assign.Task, counts map[string]int32) []record.Partition {
	var out []record.Partition
	for _, t := range tasks {
		for _, topic := range r.sub(t.Subtopology).Sources(matching(counts)) {
			if name := r.topics.Name(topic); t.Partition < counts[name] {
				out = append(out, record.Partition{Topic: name, ID: t.Partition})
			}
		}
	}
	return out
}

// matching are all topics of counts; sub-topologies pick those of their patterns.
func matching(counts map[string]int32) []string {
	names := make([]string, 0, len(counts))
	for n := range counts {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func (r *Runner) matching() []string { return matching(r.counts) }

func (r *Runner) count(topic string) int32 { return r.counts[topic] }

// inputTopics are the names of the topics that the topology reads, known without
// asking the broker.
func (r *Runner) inputTopics() []string {
	var topics []string
	for _, s := range r.subs {
		for _, t := range s.Sources(nil) {
			topics = append(topics, r.topics.Name(t))
		}
	}
	return topics
}

// external are the input topics that the user must provide.
func (r *Runner) external(ctx context.Context) ([]string, error) {
	var topics []string
	patterns := false
	for _, s := range r.subs {
		patterns = patterns || s.Patterned()
		for _, t := range s.Sources(nil) {
			if r.cfg.Topology.Repartition(t) == nil {
				topics = append(topics, t)
			}
		}
	}
	if !patterns {
		return topics, nil
	}
	all, err := r.client.Topics(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range r.subs {
		topics = append(topics, s.Sources(all)...)
	}
	topics = slices.DeleteFunc(topics, func(t string) bool { return r.cfg.Topology.Repartition(t) != nil })
	slices.Sort(topics)
	return slices.Compact(topics), nil
}

// checkTopics waits for the broker and reports the topics that are missing.
func (r *Runner) checkTopics(ctx context.Context) error {
	wanted, err := r.external(ctx)
	if err != nil {
		return err
	}
	for _, s := range r.subs {
		for _, t := range s.Sinks() {
			if r.cfg.Topology.Repartition(t) == nil {
				wanted = append(wanted, t)
			}
		}
	}
	if r.global != nil {
		wanted = append(wanted, r.global.sub.Sources(nil)...)
	}
	if r.cfg.DeadLetterTopic != "" {
		wanted = append(wanted, r.cfg.DeadLetterTopic)
	}
	found, err := r.find(ctx, wanted)
	if err != nil {
		return err
	}
	if gone := missing(found, wanted); len(gone) > 0 {
		return fmt.Errorf("runtime: these topics do not exist: %s: create them, or correct their names in the topology", strings.Join(gone, ", "))
	}
	return nil
}

// topicsChanged tells whether an input topic has another number of partitions than
// when tasks were assigned, or a pattern matches another topic.
func (r *Runner) topicsChanged(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	topics, err := r.external(ctx)
	if err != nil {
		return false, ignoreTimeout(ctx, err)
	}
	found, err := r.find(ctx, topics)
	if err != nil {
		return false, ignoreTimeout(ctx, err)
	}
	for _, t := range topics {
		if found[t] != r.counts[t] {
			r.cfg.Log.Info("an input topic has changed; the tasks are assigned again", "topic", t, "partitions", found[t], "before", r.counts[t])
			return true, nil
		}
	}
	return false, nil
}

// ignoreTimeout forgives a look that took too long: there will be another.
func ignoreTimeout(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil
	}
	return err
}
