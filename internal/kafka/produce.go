package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
)

// push sends every batch that may be sent now. It waits only where too much is on
// its way.
func (p *Producer) push(ctx context.Context) error {
	if err := p.join(ctx); err != nil {
		return err
	}
	for {
		if err := p.settle(); err != nil {
			return err
		}
		ready := p.unblocked()
		if len(ready) == 0 {
			return nil
		}
		groups, err := p.c.byLeader(ctx, ready)
		if err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("kafka: producing: %w", context.Cause(ctx))
			}
			if err := p.leaderless(ready, groups, err); err != nil {
				return err
			}
		}
		sent := len(groups) == 0
		for addr, ps := range groups {
			for len(ps) > 0 && p.busy[addr] < inFlight {
				ps = ps[p.post(ctx, addr, ps):]
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

// unblocked are the partitions whose next batch can be sent. After a refusal a
// partition waits until nothing of it is on its way, and then begins again with
// the oldest batch, so that the order is kept. The first batch of an epoch goes
// alone: a broker that knows nothing of the producer accepts any sequence number, so
// what is behind it would not be refused with it.
func (p *Producer) unblocked() []record.Partition {
	var out []record.Partition
	now := time.Now()
	for at, part := range p.parts {
		alone := part.retries > 0 || !part.known
		if part.unsent() == nil || alone && part.underWay() || part.retries > 0 && now.Before(part.retryAt) {
			continue
		}
		if part.restart {
			part.renumber()
		}
		out = append(out, at)
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

// renumber gives all batches new sequence numbers in another epoch: the broker has
// forgotten the producer, or the batches before. None of them is on its way.
func (part *partition) renumber() {
	part.restart, part.known, part.next = false, false, 0
	part.epoch++
	for _, b := range part.queue {
		b.encoded = nil
	}
}

// retry lets a partition wait before its batches are sent again. What was on its
// way with the first batch that was refused is refused with it.
func (part *partition) retry(err error) {
	if !part.refused {
		part.refused = true
		part.retries++
		part.retryAt = time.Now().Add(backoff(part.retries))
	}
	part.waiting.on(err)
}

// leaderless lets the partitions wait for which there is no leader.
func (p *Producer) leaderless(ready []record.Partition, known map[string][]record.Partition, err error) error {
	if !transient(err) {
		return fmt.Errorf("kafka: producing: %w", explain(err))
	}
	for _, at := range ready {
		found := false
		for _, ps := range known {
			found = found || slices.Contains(ps, at)
		}
		if part := p.parts[at]; !found {
			part.refused = false
			part.retry(err)
		}
	}
	return nil
}

// post sends one request with the next batch of partitions, as many as fit, and
// returns how many. A refusal to send is an answer like any other.
func (p *Producer) post(ctx context.Context, addr string, at []record.Partition) int {
	req := &sarama.ProduceRequest{Version: produceVersion, RequiredAcks: sarama.WaitForAll, Timeout: int32(p.c.cfg.Timeout.Milliseconds() * 3 / 4)}
	if p.cfg.TransactionalID != "" {
		req.TransactionalID = &p.cfg.TransactionalID
	}
	a := answer{round: p.round, addr: addr}
	bytes := 0
	for _, tp := range at {
		part := p.parts[tp]
		b := part.unsent()
		if bytes += b.bytes; bytes > maxRequest && len(a.batches) > 0 {
			break
		}
		if b.encoded == nil {
			b.seal(p.pid, part.epoch, part.next, p.codec, req.TransactionalID != nil)
			part.next = advance(part.next, len(b.records))
		}
		b.sent, part.refused = true, false
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
	var err error
	if a.conn, err = p.pool.get(addr); err == nil {
		stop := context.AfterFunc(ctx, a.conn.dialer.kill)
		err = a.conn.broker.AsyncProduce(req, done)
		stop()
	}
	if err != nil {
		done(nil, err)
	}
	return len(a.batches)
}

// await waits until an answer arrives or a partition may be tried again, and deals
// with the answers.
func (p *Producer) await(ctx context.Context) error {
	d := time.Second
	for _, part := range p.parts {
		if part.retries > 0 && len(part.queue) > 0 && !part.underWay() {
			d = min(d, max(time.Until(part.retryAt), time.Millisecond))
		}
	}
	if err := p.wait(ctx, d); err != nil {
		return err
	}
	return p.settle()
}

func (p *Producer) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.arrived:
	case <-t.C:
	case <-ctx.Done():
		return fmt.Errorf("kafka: producing: %w", context.Cause(ctx))
	}
	return nil
}

// take returns the answers that have arrived, without those of before a reset.
func (p *Producer) take() []answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := slices.DeleteFunc(p.answers, func(a answer) bool { return a.round != p.round })
	p.answers = nil
	return list
}

// account notes that a request was answered. After a failure its connection is of
// no use.
func (p *Producer) account(a answer) {
	p.busy[a.addr]--
	if a.conn != nil && network(a.err) {
		p.pool.drop(a.conn)
	}
}

// settle deals with the answers that have arrived.
func (p *Producer) settle() error {
	var errs []error
	for _, a := range p.take() {
		p.account(a)
		for _, b := range a.batches {
			b.sent = false
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
	err, base := a.err, int64(-1)
	if err == nil {
		if blk := a.resp.GetBlock(part.Topic, part.ID); blk == nil {
			err = sarama.ErrIncompleteResponse
		} else if base = blk.Offset; blk.Err != sarama.ErrNoError {
			err, base = blk.Err, -1
		}
	}
	switch {
	case err == nil, errors.Is(err, sarama.ErrDuplicateSequenceNumber):
		p.acknowledged(b, base)
		return nil
	case errors.Is(err, sarama.ErrOutOfOrderSequenceNumber) && b != part.queue[0]:
		part.retry(err) // a batch before it was refused, or is on another connection; all are sent again in order
		return nil
	case transient(err), errors.Is(err, sarama.ErrInvalidMessage): // the latter: damaged on the way
		if moved(err) {
			p.c.forgetLeader(part.Partition)
		}
		part.retry(err)
		return nil
	case errors.Is(err, sarama.ErrMessageSizeTooLarge), errors.Is(err, sarama.ErrMessageSetSizeTooLarge):
		return p.tooLarge(b, err)
	case p.cfg.TransactionalID == "" && forgotten(err) && part.epoch < math.MaxInt16:
		part.restart = true
		part.retry(err)
		return nil
	}
	return fmt.Errorf("kafka: producing to %s-%d: %w", part.Topic, part.ID, explain(err))
}

// forgotten tells whether the broker does not know what the producer wrote before,
// because retention or compaction removed it. What it refuses it has not written,
// so a producer without transactions can send it anew under other numbers. In a
// transaction it cannot: nobody knows whether what was acknowledged is still there.
func forgotten(err error) bool {
	return errors.Is(err, sarama.ErrOutOfOrderSequenceNumber) || errors.Is(err, sarama.ErrUnknownProducerID) || errors.Is(err, sarama.ErrInvalidProducerEpoch)
}

// tooLarge halves a batch. The halves have the sequence numbers of the whole, so
// what is behind it need not change.
func (p *Producer) tooLarge(b *batch, err error) error {
	part := b.part
	if len(b.records) == 1 {
		return fmt.Errorf("kafka: producing to %s-%d: one record has about %d bytes, more than the topic allows: raise the topic's max.message.bytes, use compression, or make the record smaller: %w",
			part.Topic, part.ID, b.bytes, err)
	}
	halves := b.split(&p.spare)
	i := slices.Index(part.queue, b)
	part.queue = slices.Replace(part.queue, i, i+1, halves[:]...)
	p.bytes += halves[0].bytes + halves[1].bytes - b.bytes
	p.spare.give(b, p.cfg.BatchBytes)
	part.retries = max(part.retries, 1) // what is behind it on its way is refused
	part.refused, part.retryAt = true, time.Now()
	return nil
}

func (p *Producer) acknowledged(b *batch, base int64) {
	part := b.part
	part.queue = slices.DeleteFunc(part.queue, func(o *batch) bool { return o == b })
	part.waiting.over()
	part.retries, part.known = 0, true
	if base >= 0 {
		part.end = max(part.end, base+int64(len(b.records)))
	}
	p.bytes -= b.bytes
	p.spare.give(b, p.cfg.BatchBytes)
}
