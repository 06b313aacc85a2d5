package sim

import (
	"fmt"

	"github.com/streamweir/streamweir/internal/conformance"
	"github.com/streamweir/streamweir/internal/graph"
)

// Replay runs a scenario of internal/conformance as streamtest does: one task has the
// whole topology, and each record is processed and committed, with all that comes of it,
// before the next. How often that is tried, with aborts and crashes before and after each
// commit, is not to be seen.
func (c *Cluster) Replay(inputs []conformance.Input) error {
	n := newNode(c, c.whole, graph.TaskID{})
	c.tasks = []*node{n}
	if err := c.Start(); err != nil {
		return err
	}
	for i, in := range inputs {
		c.Produce(in.Topic, in.Record)
		if g := c.global; g != nil {
			for g.busy() {
				if err := g.turn(0); err != nil {
					return fmt.Errorf("global stores: input %d: %w", i, err)
				}
			}
		}
		for n.busy() {
			if err := n.turn(c.cfg.Trouble); err != nil {
				return fmt.Errorf("input %d: %w", i, err)
			}
		}
	}
	return nil
}

// turn processes a record and commits, with trouble in between.
func (n *node) turn(trouble int) error {
	happens := func() bool { return n.c.rand.IntN(1000) < trouble }
	if err := n.feed(); err != nil {
		return err
	}
	if _, err := n.task.Process(background, n.c.now, 1); err != nil {
		return err
	}
	if happens() {
		return n.trouble()
	}
	if err := n.commit(); err != nil {
		return err
	}
	if err := n.persist(); err != nil || !happens() {
		return err
	}
	return n.trouble()
}

// Replayable tells whether one can know which record a task of the whole topology takes
// next: it reads at most one topic that it writes to itself, since of records with equal
// timestamps the one comes first that it has known longer. And its stores must be as they
// were when they are restored: logged, and not by what was used last, which no changelog has.
func (c *Cluster) Replayable() bool {
	for _, s := range c.whole.Stores {
		if spec := s.Builder.Spec(); spec.MaxEntries > 0 || s.SourceTopic == "" && !c.names.Logged(s) {
			return false
		}
	}
	internal := 0
	for _, topic := range c.whole.Sources(nil) {
		if c.names.Name(topic) != topic {
			internal++
		}
	}
	return internal <= 1
}
