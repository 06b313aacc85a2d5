package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
)

// ProducerConfig configures a [Producer].
type ProducerConfig struct {
	TransactionalID    string // "": idempotent, without transactions
	TransactionTimeout time.Duration
	BatchBytes         int    // a batch this large is sent at once; 0 is 512 KiB
	Compression        string // "none", "gzip", "snappy", "lz4" or "zstd"
}

// A Producer sends batches idempotently, in transactions if it has a
// transactional id. It is used by one goroutine. Records wait in batches until a
// batch is full, or Flush or Commit sends all; up to five requests are on their way
// to a broker. After an error, only Abort, Init or Close make sense.
type Producer struct {
	ctx   context.Context
	c     *Client
	cfg   ProducerConfig
	codec sarama.CompressionCodec
	pool  *pool // to leaders
	coord *pool // to coordinators

	ready bool // Init has succeeded
	pid   int64
	epoch int16
	err   error
	parts map[record.Partition]*partition
	busy  map[string]int // requests on their way, by broker
	open  bool           // the transaction has partitions or offsets

	mu      sync.Mutex
	answers []answer
	arrived chan struct{}
}

// partition is where batches of a partition stand.
type partition struct {
	record.Partition
	filling *batch
	queue   []*batch // full or being flushed, in order; not acknowledged
	next    int32    // sequence number
	end     int64    // offset behind the last acknowledged record; -1 if none
	joined  bool     // is part of the transaction
	retryAt time.Time
	retries int
}

// answer is what became of a request.
type answer struct {
	addr    string
	batches []*batch
	resp    *sarama.ProduceResponse
	err     error
}

// NewProducer returns a producer; Init must come before Send. ctx bounds for how
// long Send waits where too much is on its way.
func NewProducer(ctx context.Context, c *Client, cfg ProducerConfig) *Producer {
	if cfg.BatchBytes == 0 {
		cfg.BatchBytes = 512 << 10
	}
	p := &Producer{ctx: ctx, c: c, cfg: cfg, pool: c.newPool(0), coord: c.newPool(0), arrived: make(chan struct{}, 1)}
	if cfg.Compression != "" {
		_ = p.codec.UnmarshalText([]byte(cfg.Compression)) // the configuration was validated
	}
	p.reset()
	return p
}

// Close drops what was not acknowledged and closes the connections.
func (p *Producer) Close() error {
	p.pool.close()
	p.coord.close()
	return nil
}

// reset forgets all batches and sequence numbers.
func (p *Producer) reset() {
	p.err, p.open = nil, false
	p.parts, p.busy = map[record.Partition]*partition{}, map[string]int{}
	p.mu.Lock()
	p.answers = nil
	p.mu.Unlock()
}

// Next returns the offset behind the last acknowledged record of a partition since
// Init.
func (p *Producer) Next(at record.Partition) (int64, bool) {
	part := p.parts[at]
	if part == nil || part.end < 0 {
		return 0, false
	}
	return part.end, true
}

// maxRecord is what a record can have at most; a broker's limit is usually lower.
const maxRecord = 256 << 20

// Send appends a record to its partition's batch, copying what it is given. An
// error that is ErrRecord is about this record alone.
func (p *Producer) Send(topic string, id int32, key, value []byte, timestamp int64, headers []serde.Header) error {
	if p.err != nil {
		return p.err
	}
	size := len(key) + len(value)
	if size > maxRecord {
		return fmt.Errorf("kafka: %w: it has %d bytes", ErrRecord, size)
	}
	at := record.Partition{Topic: topic, ID: id}
	part := p.parts[at]
	if part == nil {
		part = &partition{Partition: at, end: -1}
		p.parts[at] = part
	}
	if part.filling == nil {
		part.filling = newBatch(part, p.cfg.BatchBytes)
	} else if !part.filling.room(size) {
		part.queue, part.filling = append(part.queue, part.filling), newBatch(part, p.cfg.BatchBytes)
		if err := p.push(p.ctx); err != nil {
			return p.fail(err)
		}
	}
	part.filling.append(key, value, timestamp, headers)
	return nil
}

func (p *Producer) fail(err error) error {
	if p.err == nil {
		p.err = err
	}
	return p.err
}

// Flush sends all records and waits until all are acknowledged.
func (p *Producer) Flush(ctx context.Context) error {
	if err := p.start(ctx); err != nil {
		return err
	}
	return p.finish(ctx)
}

// start sends all records.
func (p *Producer) start(ctx context.Context) error {
	if p.err != nil {
		return p.err
	}
	for _, part := range p.parts {
		if part.filling != nil {
			part.queue, part.filling = append(part.queue, part.filling), nil
		}
	}
	if err := p.push(ctx); err != nil {
		return p.fail(err)
	}
	return nil
}

// finish waits for all acknowledgements.
func (p *Producer) finish(ctx context.Context) error {
	for p.outstanding() {
		if err := p.await(ctx); err != nil {
			return p.fail(err)
		}
		if err := p.push(ctx); err != nil {
			return p.fail(err)
		}
	}
	return nil
}

func (p *Producer) outstanding() bool {
	for _, part := range p.parts {
		if len(part.queue) > 0 {
			return true
		}
	}
	return false
}

// push sends every batch that may be sent now, one request to each leader. It
// waits only where too much is on its way.
func (p *Producer) push(ctx context.Context) error {
	if err := p.join(ctx); err != nil {
		return err
	}
	for {
		if err := p.settle(); err != nil {
			return err
		}
		ready := p.sendable()
		if len(ready) == 0 {
			return nil
		}
		groups, err := p.c.byLeader(ctx, ready, false)
		if err != nil && !transient(err) {
			return fmt.Errorf("kafka: leaders to produce to: %w", err)
		}
		sent := false
		for addr, ps := range groups {
			if p.busy[addr] < inFlight {
				p.post(addr, ps)
				sent = true
			}
		}
		if !sent {
			if err := p.await(ctx); err != nil {
				return err
			}
		}
	}
}

// sendable are the partitions whose next batch can be sent. After a refusal a
// partition waits until nothing of it is on its way, and then begins again with
// the oldest batch, so that the order is kept.
func (p *Producer) sendable() []record.Partition {
	var out []record.Partition
	now := time.Now()
	for at, part := range p.parts {
		if part.unsent() != nil && (part.retries == 0 || !part.underWay() && !now.Before(part.retryAt)) {
			out = append(out, at)
		}
	}
	return out
}

func (part *partition) underWay() bool {
	return slices.ContainsFunc(part.queue, func(b *batch) bool { return b.sent })
}

func (part *partition) unsent() *batch {
	for _, b := range part.queue {
		if !b.sent {
			return b
		}
	}
	return nil
}

// post sends one request with the next batch of each partition.
func (p *Producer) post(addr string, at []record.Partition) {
	req := &sarama.ProduceRequest{Version: 7, RequiredAcks: sarama.WaitForAll, Timeout: int32(p.c.cfg.Timeout.Milliseconds() * 3 / 4)}
	if p.cfg.TransactionalID != "" {
		req.TransactionalID = &p.cfg.TransactionalID
	}
	a := answer{addr: addr}
	for _, tp := range at {
		part := p.parts[tp]
		b := part.unsent()
		if b.encoded == nil {
			b.seal(p.pid, p.epoch, part.next, p.codec, req.TransactionalID != nil)
			part.next = int32((int64(part.next) + int64(len(b.records))) & 0x7fffffff)
		}
		b.sent = true
		req.AddBatch(tp.Topic, tp.ID, b.encoded)
		a.batches = append(a.batches, b)
	}
	p.busy[addr]++
	done := func(resp *sarama.ProduceResponse, err error) {
		a.resp, a.err = resp, err
		p.mu.Lock()
		p.answers = append(p.answers, a)
		p.mu.Unlock()
		poke(p.arrived)
	}
	n, err := p.pool.get(addr)
	if err == nil {
		err = n.broker.AsyncProduce(req, done)
	}
	if err != nil {
		done(nil, err)
	}
}

// await waits until an answer arrives or a partition may be tried again.
func (p *Producer) await(ctx context.Context) error {
	d := time.Second
	for _, part := range p.parts {
		if part.retries > 0 && len(part.queue) > 0 {
			d = min(d, max(time.Until(part.retryAt), time.Millisecond))
		}
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.arrived:
	case <-t.C:
	case <-ctx.Done():
		return fmt.Errorf("kafka: producing: %w", context.Cause(ctx))
	}
	return p.settle()
}

// settle deals with the answers that have arrived.
func (p *Producer) settle() error {
	p.mu.Lock()
	list := p.answers
	p.answers = nil
	p.mu.Unlock()
	var errs []error
	for _, a := range list {
		p.busy[a.addr]--
		if a.err != nil && network(a.err) {
			p.pool.mu.Lock()
			n := p.pool.conns[a.addr]
			p.pool.mu.Unlock()
			if n != nil {
				p.pool.drop(a.addr, n)
			}
		}
		for _, b := range a.batches {
			errs = append(errs, p.answered(b, a))
		}
	}
	return errors.Join(errs...)
}

// answered deals with one batch of an answer.
func (p *Producer) answered(b *batch, a answer) error {
	part := b.part
	if p.parts[part.Partition] != part {
		return nil // of before a reset
	}
	b.sent = false
	err, base := a.err, int64(-1)
	if err == nil {
		if blk := a.resp.GetBlock(part.Topic, part.ID); blk == nil {
			err = sarama.ErrIncompleteResponse
		} else if err, base = nil, blk.Offset; blk.Err != sarama.ErrNoError {
			err = blk.Err
		}
	}
	switch {
	case err == nil, errors.Is(err, sarama.ErrDuplicateSequenceNumber):
		p.acknowledged(b, base)
		return nil
	case errors.Is(err, sarama.ErrOutOfOrderSequenceNumber) && b != part.queue[0]:
		return nil // a batch before it was refused; both are sent again in order
	case transient(err), errors.Is(err, sarama.ErrOutOfOrderSequenceNumber) && part.retries > 0:
		part.retries++
		part.retryAt = time.Now().Add(min(10*time.Millisecond<<min(part.retries, 10), time.Second))
		p.c.forgetLeader(part.Partition)
		if part.retries > 4 {
			p.c.cfg.OnWait("producing to "+part.Topic, err)
		}
		return nil
	case errors.Is(err, sarama.ErrMessageSizeTooLarge), errors.Is(err, sarama.ErrMessageSetSizeTooLarge):
		return fmt.Errorf("kafka: producing to %s-%d: a batch of %d records and %d bytes is larger than the topic allows: raise the topic's max.message.bytes or lower BatchBytes (%d): %w",
			part.Topic, part.ID, len(b.records), len(b.arena), p.cfg.BatchBytes, err)
	}
	return fmt.Errorf("kafka: producing to %s-%d: %w", part.Topic, part.ID, explain(err))
}

func (p *Producer) acknowledged(b *batch, base int64) {
	part := b.part
	part.queue = slices.DeleteFunc(part.queue, func(o *batch) bool { return o == b })
	if part.retries > 4 {
		p.c.cfg.OnWait("producing to "+part.Topic, nil)
	}
	part.retries = 0
	if base >= 0 {
		part.end = max(part.end, base+int64(len(b.records)))
	}
	b.release(p.cfg.BatchBytes)
}
