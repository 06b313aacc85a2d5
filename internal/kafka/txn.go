package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
)

// Init gets a new epoch: everything before it is over. A transaction that this
// transactional id has open, from this process or one before it, is aborted, and a
// producer that still uses it is fenced. Records that were not acknowledged are
// dropped.
func (p *Producer) Init(ctx context.Context) error { return p.init(ctx, -1, -1) }

// init gets an epoch. With the producer id and epoch of before it fails with
// ErrFenced if somebody else got one in between (KIP-360).
func (p *Producer) init(ctx context.Context, pid int64, epoch int16) error {
	p.ready = false
	if err := p.drain(ctx); err != nil {
		return err
	}
	p.reset()
	req := &sarama.InitProducerIDRequest{Version: initVersion, TransactionTimeout: p.cfg.TransactionTimeout, ProducerID: pid, ProducerEpoch: epoch}
	set := func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.InitProducerID(req)
		if err != nil {
			return 0, err
		}
		p.pid, p.epoch = r.ProducerID, r.ProducerEpoch
		return r.Err, nil
	}
	var err error
	if p.cfg.TransactionalID != "" {
		req.TransactionalID = &p.cfg.TransactionalID
		err = p.transact(ctx, "a producer id for "+p.cfg.TransactionalID, set)
	} else {
		err = p.c.retry(ctx, "a producer id", func(ctx context.Context) error {
			return p.c.any(ctx, func(b *sarama.Broker) error {
				code, err := set(b)
				if err == nil && code != sarama.ErrNoError {
					err = code
				}
				return err
			})
		})
	}
	p.ready = err == nil
	return err
}

// Abort drops everything since the last commit. If it fails, Init or another Abort
// is needed before anything else.
//
// A producer that was fenced has nothing left to abort, and taking the
// transactional id back would fence its heir: Abort succeeds and leaves it without
// an epoch. If it is used all the same, that fails with ErrAbort, and the Abort
// which answers that is an Init.
func (p *Producer) Abort(ctx context.Context) error {
	switch {
	case p.err == nil && (!p.ready || !p.open && !p.outstanding() && !p.partial()):
		return nil
	case !p.ready, p.cfg.TransactionalID == "":
		return p.Init(ctx)
	}
	p.fail(errAborting) // until it is aborted nothing else may be done
	err := p.abort(ctx)
	switch {
	case errors.Is(err, ErrFenced):
		p.reset()
		p.ready = false
		return nil
	case err != nil:
		p.fail(errAborting)
	}
	return err
}

var errAborting = fmt.Errorf("kafka: %w: abort it again", ErrAbort)

// abort ends the transaction once nothing of it is on its way, and gets another
// epoch: whoever fenced the producer before keeps his.
func (p *Producer) abort(ctx context.Context) error {
	if err := p.drain(ctx); err != nil {
		return err
	}
	if p.open {
		err := p.endTxn(ctx, false, nil)
		if err != nil && !errors.Is(err, sarama.ErrInvalidTxnState) { // the coordinator has heard of none
			return err
		}
	}
	return p.init(ctx, p.pid, p.epoch)
}

func (p *Producer) partial() bool {
	for _, part := range p.parts {
		if part.filling != nil {
			return true
		}
	}
	return false
}

// join makes partitions with batches to send part of the transaction.
func (p *Producer) join(ctx context.Context) error {
	if p.cfg.TransactionalID == "" {
		return nil
	}
	fresh := map[string][]int32{}
	for at, part := range p.parts {
		if !part.joined && (len(part.queue) > 0 || part.filling != nil) {
			fresh[at.Topic] = append(fresh[at.Topic], at.ID)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	p.open = true
	err := p.transact(ctx, "adding partitions to the transaction", func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.AddPartitionsToTxn(&sarama.AddPartitionsToTxnRequest{Version: addPartitionsVersion, TransactionalID: p.cfg.TransactionalID,
			ProducerID: p.pid, ProducerEpoch: p.epoch, TopicPartitions: fresh})
		if err != nil {
			return 0, err
		}
		code := sarama.ErrNoError
		for _, list := range r.Errors {
			for _, e := range list {
				if e.Err != sarama.ErrNoError && e.Err != sarama.ErrOperationNotAttempted || code == sarama.ErrNoError {
					code = e.Err
				}
			}
		}
		return code, nil
	})
	if err != nil {
		return err
	}
	for topic, ids := range fresh {
		for _, id := range ids {
			p.parts[record.Partition{Topic: topic, ID: id}].joined = true
		}
	}
	return nil
}

// transact sends a request to the transaction coordinator.
func (p *Producer) transact(ctx context.Context, what string, f func(*sarama.Broker) (sarama.KError, error)) error {
	return p.c.coordinated(ctx, p.coord, sarama.CoordinatorTransaction, p.cfg.TransactionalID, what, f)
}

// Commit commits, in one transaction, all records since the last commit and the
// offsets of a group. If there is neither it does nothing. An error other than
// [ErrOutcomeUnknown] means that nothing was committed.
func (p *Producer) Commit(ctx context.Context, m Membership, offsets map[record.Partition]Offset) error {
	if err := p.start(ctx); err != nil {
		return err
	}
	if len(offsets) > 0 {
		p.open = true
		if err := p.offsets(ctx, m, offsets); err != nil {
			return p.fail(err)
		}
	}
	if err := p.finish(ctx); err != nil {
		return err
	}
	if !p.open {
		return nil
	}
	if err := p.end(ctx); err != nil {
		return p.fail(err)
	}
	p.open = false
	for _, part := range p.parts {
		part.joined = false
	}
	return nil
}

// offsets makes a group's offsets part of the transaction; the group checks the
// membership, which is what fences a member that was left behind (KIP-447).
func (p *Producer) offsets(ctx context.Context, m Membership, offsets map[record.Partition]Offset) error {
	err := p.transact(ctx, "adding offsets to the transaction", func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.AddOffsetsToTxn(&sarama.AddOffsetsToTxnRequest{Version: addOffsetsVersion, TransactionalID: p.cfg.TransactionalID,
			ProducerID: p.pid, ProducerEpoch: p.epoch, GroupID: m.Group})
		if err != nil {
			return 0, err
		}
		return r.Err, nil
	})
	if err != nil {
		return err
	}
	req := &sarama.TxnOffsetCommitRequest{Version: txnCommitVersion, TransactionalID: p.cfg.TransactionalID, GroupID: m.Group, ProducerID: p.pid, ProducerEpoch: p.epoch,
		GenerationID: m.Generation, MemberID: m.MemberID, GroupInstanceID: m.instance(), Topics: map[string][]*sarama.PartitionOffsetMetadata{}}
	for at, o := range offsets {
		req.Topics[at.Topic] = append(req.Topics[at.Topic], &sarama.PartitionOffsetMetadata{Partition: at.ID, Offset: o.Next, LeaderEpoch: -1, Metadata: &o.Metadata})
	}
	return p.c.coordinated(ctx, p.coord, sarama.CoordinatorGroup, m.Group, "committing offsets in the transaction", func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.TxnOffsetCommit(req)
		if err != nil {
			return 0, err
		}
		for _, list := range r.Topics {
			for _, e := range list {
				if e.Err != sarama.ErrNoError {
					return e.Err, nil
				}
			}
		}
		return sarama.ErrNoError, nil
	})
}

// end ends the transaction with a commit. A request without an answer may have
// been carried out: it is asked again, and if no answer comes, or only that the
// epoch is old by now, the outcome is unknown.
func (p *Producer) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(3*p.c.cfg.Timeout, 10*time.Second))
	defer cancel()
	doubt := false
	err := p.endTxn(ctx, true, &doubt)
	if err != nil && (doubt || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
	return err
}

// endTxn sends EndTxn until it is answered. It sets doubt if one was not.
func (p *Producer) endTxn(ctx context.Context, commit bool, doubt *bool) error {
	return p.transact(ctx, "ending the transaction", func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.EndTxn(&sarama.EndTxnRequest{Version: endVersion, TransactionalID: p.cfg.TransactionalID, ProducerID: p.pid, ProducerEpoch: p.epoch, TransactionResult: commit})
		if err != nil {
			if doubt != nil {
				*doubt = true
			}
			return 0, err
		}
		if r.Err == sarama.ErrRequestTimedOut && doubt != nil {
			*doubt = true
		}
		return r.Err, nil
	})
}
