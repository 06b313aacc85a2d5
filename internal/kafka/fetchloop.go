package kafka

import (
	"errors"
	"fmt"
	"slices"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
)

// largest is how much of one partition is ever asked for: what sarama decodes.
const largest = 96 << 20

// ask is a partition in a request.
type ask struct {
	*fetching
	partition record.Partition
	at        int64 // the offset asked for
}

// loop fetches from one leader for as long as the fetcher lives. The first loop of
// a leader (0) takes all partitions and waits for data; the second takes those
// that turned up while the first one waits, and does not wait.
func (f *Fetcher) loop(l *fetchLeader, which int) {
	conns := l.connected[which]
	defer conns.close()
	w := waiting{c: f.c, what: "broker " + l.addr}
	defer w.over()
	for failures := 0; ; {
		req, asked := f.request(l, which)
		if len(asked) == 0 {
			select {
			case <-l.wakeups[which]:
				continue
			case <-f.ctx.Done():
				return
			}
		}
		var resp *sarama.FetchResponse
		err := conns.do(f.ctx, l.addr, func(b *sarama.Broker) (err error) {
			if resp, err = b.Fetch(req); err == nil && resp.ErrorCode != 0 {
				err = sarama.KError(resp.ErrorCode)
			}
			return err
		})
		f.answered(l, which)
		var delivered bool
		if err != nil {
			delivered = f.failed(asked, err)
		} else {
			delivered = f.deliver(resp, asked)
		}
		f.release(l, asked)
		if !delivered || f.ctx.Err() != nil {
			return
		}
		if err == nil {
			failures = 0
			w.over()
			continue
		}
		w.on(err)
		if failures++; pause(f.ctx, failures) != nil {
			return
		}
	}
}

// request takes the partitions that are to be fetched from a leader now.
func (f *Fetcher) request(l *fetchLeader, which int) (*sarama.FetchRequest, []ask) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if which == 1 && !l.polling {
		return nil, nil // the first loop takes them
	}
	req := &sarama.FetchRequest{Version: fetchVersion, MinBytes: f.cfg.MinBytes, MaxBytes: f.cfg.MaxBytes, SessionEpoch: -1}
	if f.cfg.ReadCommitted {
		req.Isolation = sarama.ReadCommitted
	}
	if which == 0 {
		req.MaxWaitTime = int32(f.cfg.MaxWait.Milliseconds())
	}
	var asked []ask
	for p, part := range f.parts {
		if part.leader != l.addr || part.paused || part.stopped || part.busy || which == 1 && part.idle {
			continue
		}
		if part.alone {
			asked, req.MaxWaitTime = append(asked[:0], ask{part, p, part.offset}), 0
			break
		}
		asked = append(asked, ask{part, p, part.offset})
	}
	for _, a := range asked {
		a.busy, a.idle = true, false
		req.AddBlock(a.partition.Topic, a.partition.ID, a.at, a.bytes, f.c.leaderEpoch(a.partition))
	}
	if which == 0 && len(asked) > 0 {
		l.polling = true
		poke(l.wakeups[1])
	}
	return req, asked
}

func (f *Fetcher) answered(l *fetchLeader, which int) {
	if which == 0 {
		f.mu.Lock()
		defer f.mu.Unlock()
		l.polling = false
	}
}

// release lets partitions be asked for again. Until their response was received
// they are not, or a later response could overtake it. By now they may have other
// leaders.
func (f *Fetcher) release(l *fetchLeader, asked []ask) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range asked {
		a.busy = false
		if now := f.leaders[a.leader]; now != nil && now != l {
			now.wake()
		}
	}
	l.wake()
}

// failed deals with a request that got no answer. A response that cannot be
// decoded may be one corrupt batch's fault: which, it finds out by asking for one
// partition at a time.
func (f *Fetcher) failed(asked []ask, err error) bool {
	if f.ctx.Err() != nil {
		return false
	}
	if undecodable(err) {
		f.mu.Lock()
		suspect := !asked[0].alone
		for _, a := range asked {
			a.alone = true
		}
		f.mu.Unlock()
		if suspect {
			return true
		}
	}
	if undecodable(err) || !transient(err) {
		var out Fetched
		for _, a := range asked {
			if e, ok := f.stop(a, err); ok {
				out.Errors = append(out.Errors, e)
			}
		}
		return f.hand(out)
	}
	f.evict(asked)
	return true
}

// evict makes the router look for the leaders of partitions again.
func (f *Fetcher) evict(asked []ask) {
	for _, a := range asked {
		f.c.forgetLeader(a.partition)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range asked {
		if part := f.parts[a.partition]; part != nil {
			part.leader = ""
		}
	}
	poke(f.wake)
}

// deliver hands a response to the receiver, once it has moved the positions.
func (f *Fetcher) deliver(resp *sarama.FetchResponse, asked []ask) bool {
	var out Fetched
	var lost []ask
	for _, a := range asked {
		blk := resp.GetBlock(a.partition.Topic, a.partition.ID)
		if blk == nil {
			continue
		}
		b, err := Batch{}, error(nil)
		if blk.Err != sarama.ErrNoError {
			err = blk.Err
		} else {
			b, err = decode(a.partition, blk, a.at, f.cfg.ReadCommitted)
		}
		switch {
		case err == nil:
			more, err := f.advance(a, b.Next, blk)
			if more {
				b.epoch = a.epoch
				out.Batches = append(out.Batches, b)
			} else if err != nil {
				out.add(f.stop(a, err))
			}
		case transient(err):
			lost = append(lost, a)
		case errors.Is(err, sarama.ErrOffsetOutOfRange):
			if e, ok := f.outOfRange(a); ok {
				out.add(e, true)
			} else {
				lost = append(lost, a)
			}
		default:
			out.add(f.stop(a, err))
		}
	}
	if !f.hand(out) {
		return false
	}
	if len(lost) > 0 {
		f.evict(lost)
		return pause(f.ctx, 3) == nil
	}
	return true
}

func (r *Fetched) add(e PartitionError, ok bool) {
	if ok {
		r.Errors = append(r.Errors, e)
	}
}

// advance moves a partition's position, and reports whether there is something to
// deliver. A batch that was cut off at a limit is asked for alone, which makes a
// broker send it whole, and with a higher limit.
func (f *Fetcher) advance(a ask, next int64, blk *sarama.FetchResponseBlock) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.parts[a.partition] != a.fetching {
		return false, nil
	}
	if next > a.at {
		a.offset, a.alone, a.bytes = next, false, f.cfg.PartitionBytes
		return true, nil
	}
	a.idle = true
	cut := blk.Partial || slices.ContainsFunc(blk.RecordsSet, func(r *sarama.Records) bool { return r.RecordBatch != nil && r.RecordBatch.PartialTrailingRecord })
	switch {
	case cut && a.alone && a.bytes >= largest:
		return false, fmt.Errorf("the batch there is larger than %d bytes, or corrupt", a.bytes)
	case cut:
		a.bytes, a.alone, a.idle = min(a.bytes*2, largest), true, false
	default:
		a.alone = false
	}
	return false, nil
}

// outOfRange finds the bounds of a partition that does not have an offset. If it
// has by now, or they cannot be had, it returns false.
func (f *Fetcher) outOfRange(a ask) (PartitionError, bool) {
	ps := []record.Partition{a.partition}
	starts, err := f.c.Offsets(f.ctx, ps, Earliest)
	if err != nil {
		return f.stop(a, err)
	}
	ends, err := f.c.Offsets(f.ctx, ps, Latest)
	if err != nil {
		return f.stop(a, err)
	}
	start, end := starts[a.partition], ends[a.partition]
	if a.at >= start && a.at <= end {
		return PartitionError{}, false // the broker that said so was not the leader any more
	}
	e, ok := f.stop(a, sarama.ErrOffsetOutOfRange)
	e.Start, e.End, e.OutOfRange = start, end, true
	return e, ok
}

// stop lets a partition rest until it is Set again, and says why.
func (f *Fetcher) stop(a ask, why error) (PartitionError, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.parts[a.partition] != a.fetching || f.ctx.Err() != nil {
		return PartitionError{}, false
	}
	a.stopped = true
	return PartitionError{Partition: a.partition, Offset: a.at, Err: explain(why), epoch: a.epoch}, true
}
