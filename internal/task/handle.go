package task

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

// enter makes r the record that is being processed.
func (t *Task) enter(q *queue, r *record.Record) {
	t.source = graph.Source{Topic: q.partition.Topic, Partition: q.partition.ID, Record: r}
	t.current = &t.source
	t.moment = graph.Moment{Timestamp: max(q.timestamp, 0), Headers: r.Headers}
}

// Dropped is part of graph.Task.
func (t *Task) Dropped(node, reason string) {
	t.stats.Dropped++
	if s := t.current; s != nil && t.cfg.Log.Enabled(t.ctx, slog.LevelDebug) {
		t.cfg.Log.Debug("record dropped", "task", t.cfg.ID.String(), "node", node, "reason", reason,
			"topic", s.Topic, "partition", s.Partition, "offset", s.Record.Offset)
	}
}

// Handle is part of graph.Task. The first fatal error stays the task's error.
// One that may pass by waiting does not go to the handler: the driver aborts and
// comes back later.
func (t *Task) Handle(phase graph.Phase, node string, err error) (retry bool, fatal error) {
	if t.failed != nil {
		return false, t.failed
	}
	e := &topology.ProcessingError{Phase: phase, Task: t.cfg.ID.String(), Node: node, Partition: -1, Offset: -1, Timestamp: t.when, Err: err}
	if s := t.current; s != nil {
		e.Topic, e.Partition, e.Offset, e.Timestamp = s.Topic, s.Partition, s.Record.Offset, s.Record.Timestamp
		e.Key, e.Value, e.Headers = s.Record.Key, s.Record.Value, s.Record.Headers
	}
	if errors.Is(err, serde.ErrRetriable) {
		t.failed = e
		return false, e
	}
	action, err := t.ask(e)
	if err != nil {
		t.failed = errors.Join(e, err)
		return false, t.failed
	}
	switch action {
	case topology.Retry:
		return true, nil
	case topology.Skip:
		t.stats.Dropped++
		t.cfg.Log.Warn("record skipped by the error handler", "error", e)
		return false, nil
	case topology.DeadLetter:
		if err := t.deadLetter(e); err != nil {
			t.failed = errors.Join(e, err)
		}
		return false, t.failed
	default:
		t.failed = e
		return false, e
	}
}

func (t *Task) ask(e *topology.ProcessingError) (a topology.Action, err error) {
	if t.cfg.Handler == nil {
		return topology.Fail, nil
	}
	defer graph.Recover(&err)
	return t.cfg.Handler(t.ctx, e), nil
}

// deadLetter sends the input record as it came, with headers that say why. Kafka
// Streams: ExceptionHandlerUtils, KIP-1034.
func (t *Task) deadLetter(e *topology.ProcessingError) error {
	if t.cfg.DeadLetterTopic == "" {
		return errors.New("the error handler wants a dead letter, but no dead letter topic is configured")
	}
	var stack string
	if p := (*graph.PanicError)(nil); errors.As(e.Err, &p) {
		stack = string(p.Stack)
	}
	h := e.Headers
	for _, kv := range [][2]string{
		{"exception", fmt.Sprintf("%T", e.Err)}, {"message", e.Err.Error()}, {"stacktrace", stack},
		{"topic", e.Topic}, {"partition", strconv.Itoa(int(e.Partition))}, {"offset", strconv.FormatInt(e.Offset, 10)},
	} {
		value := []byte(kv[1])
		if kv[0] == "topic" && e.Topic == "" {
			value = nil // of a punctuation, as Kafka Streams does
		}
		h = h.With("__streams.errors."+kv[0], value)
	}
	t.stats.DeadLetters++
	if err := t.Send(t.cfg.DeadLetterTopic, -1, e.Key, e.Value, max(e.Timestamp, 0), h); err != nil {
		return fmt.Errorf("dead letter to topic %q: %w", t.cfg.DeadLetterTopic, err)
	}
	return nil
}
