package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
)

// GlobalStatus is about the global stores.
type GlobalStatus struct {
	Ready      bool
	Waiting    error
	StateBytes int64 // on disk and in memory
	Stats      task.Stats
}

// progress is what others may ask about the global stores.
type progress struct {
	mu     sync.Mutex
	ends   map[record.Partition]int64
	at     map[record.Partition]task.Position
	status GlobalStatus
}

func (p *progress) fetched(b kafka.Batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ends == nil {
		p.ends = map[record.Partition]int64{}
	}
	p.ends[b.Partition] = b.End
}

// publish tells others how things stand.
func (g *global) publish(at map[record.Partition]task.Position) {
	size := g.set.Size()
	s := GlobalStatus{Ready: g.ready.Load(), Waiting: g.task.Waiting(), StateBytes: size.DiskBytes + size.MemoryBytes, Stats: g.task.Stats()}
	g.progress.mu.Lock()
	defer g.progress.mu.Unlock()
	g.progress.at, g.progress.status = at, s
}

// snapshot adds to a status. Any goroutine may call it.
func (g *global) snapshot(s *Status) {
	if g == nil {
		return
	}
	p := &g.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.status
	s.Global = &now
	for part, at := range p.at {
		s.Lags = append(s.Lags, Lag{Partition: part, Committed: at.Offset, End: max(p.ends[part], at.Offset)})
	}
	s.Dropped += now.Stats.Dropped
	s.DeadLetters += now.Stats.DeadLetters
}

// globalOutput takes the dead letters of global stores; they write nothing else. They
// belong to no transaction: a record that is taken in again may have two.
type globalOutput struct {
	g        *global
	ctx      context.Context
	producer *kafka.Producer // nil until there is one
}

// Partitions is part of task.Output.
func (o *globalOutput) Partitions(topic string) (int32, error) {
	found, err := o.g.r.find(o.ctx, []string{topic})
	if err != nil {
		return 0, fmt.Errorf("%w: %w", serde.ErrRetriable, err)
	}
	if found[topic] == 0 {
		return 0, fmt.Errorf("topic %q does not exist: create it", topic)
	}
	return found[topic], nil
}

// Send is part of task.Output.
func (o *globalOutput) Send(topic string, partition int32, key, value []byte, timestamp int64, headers []serde.Header) error {
	if o.producer == nil {
		cfg := o.g.r.cfg
		o.producer = kafka.NewProducer(o.ctx, o.g.r.client, kafka.ProducerConfig{BatchBytes: cfg.BatchBytes, Compression: cfg.Compression})
		if err := o.producer.Init(o.ctx); err != nil {
			return fmt.Errorf("%w: %w", serde.ErrRetriable, err)
		}
	}
	err := o.producer.Send(topic, partition, key, value, timestamp, headers)
	if err != nil && !errors.Is(err, kafka.ErrRecord) {
		return fmt.Errorf("%w: %w", serde.ErrRetriable, err)
	}
	return err
}

func (o *globalOutput) flush(ctx context.Context) error {
	if o.producer == nil {
		return nil
	}
	return o.producer.Flush(ctx)
}

// reset forgets what was not acknowledged.
func (o *globalOutput) reset(ctx context.Context) error {
	if o.producer == nil {
		return nil
	}
	if err := o.producer.Abort(ctx); err == nil || ctx.Err() != nil {
		return err
	}
	return o.producer.Init(ctx)
}
