package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
)

// What callers tell apart.
var (
	// ErrMember: the group does not know the member, or not in this generation.
	// What was to be committed is not.
	ErrMember = errors.New("the group has moved on without this member")
	// ErrInstanceFenced: another process took the group instance id.
	ErrInstanceFenced = errors.New("another process has joined the group with the same instance id")
	// ErrFenced: another producer has the transactional id, or the broker ended a
	// transaction that took too long.
	ErrFenced = errors.New("the producer was fenced: its transaction timed out, or another process uses its transactional id")
	// ErrOutcomeUnknown: nobody answered whether the transaction was committed.
	ErrOutcomeUnknown = errors.New("it is unknown whether the transaction was committed")
	// ErrRecord: one record cannot be sent, whatever is done with the others.
	ErrRecord = errors.New("the record cannot be sent")
	// ErrLost: the membership was lost while joining; join again.
	ErrLost = errors.New("the membership of the group was lost")
)

// PartitionError is why a partition cannot be fetched on.
type PartitionError struct {
	Partition  record.Partition
	Offset     int64 // that was to be fetched
	Start, End int64 // of the partition, if it is out of range
	OutOfRange bool
	Err        error
}

func (e *PartitionError) Error() string {
	if e.OutOfRange {
		return fmt.Sprintf("kafka: offset %d of %s-%d is not on the broker, which has %d to %d", e.Offset, e.Partition.Topic, e.Partition.ID, e.Start, e.End)
	}
	return fmt.Sprintf("kafka: fetching %s-%d at offset %d: %v", e.Partition.Topic, e.Partition.ID, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *PartitionError) Unwrap() error { return e.Err }

// Retriable tells whether the same work may succeed after an abort.
func Retriable(err error) bool {
	return transient(err) || errors.Is(err, ErrFenced) || errors.Is(err, ErrMember) || errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, context.DeadlineExceeded)
}

// network tells whether the connection is to blame.
func network(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, sarama.ErrNotConnected) || errors.Is(err, sarama.ErrBrokerNotAvailable) || errors.Is(err, syscall.ECONNREFUSED) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, sarama.ErrAlreadyConnected)
}

// transient tells whether trying again may help.
func transient(err error) bool {
	if network(err) {
		return true
	}
	var code sarama.KError
	if !errors.As(err, &code) {
		return false
	}
	switch code {
	case sarama.ErrUnknownTopicOrPartition, sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition, sarama.ErrRequestTimedOut,
		sarama.ErrBrokerNotAvailable, sarama.ErrReplicaNotAvailable, sarama.ErrNetworkException, sarama.ErrOffsetsLoadInProgress,
		sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer, sarama.ErrNotEnoughReplicas,
		sarama.ErrNotEnoughReplicasAfterAppend, sarama.ErrNotController, sarama.ErrConcurrentTransactions, sarama.ErrKafkaStorageError,
		sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch, sarama.ErrOffsetNotAvailable, sarama.ErrUnstableOffsetCommit,
		sarama.ErrThrottlingQuotaExceeded, sarama.ErrPreferredLeaderNotAvailable, sarama.ErrListenerNotFound:
		return true
	}
	return false
}

// explain puts the errors that callers tell apart in front of the broker's.
func explain(err error) error {
	var code sarama.KError
	if !errors.As(err, &code) {
		return err
	}
	switch code {
	case sarama.ErrIllegalGeneration, sarama.ErrUnknownMemberId, sarama.ErrRebalanceInProgress:
		return fmt.Errorf("%w: %w", ErrMember, err)
	case sarama.ErrFencedInstancedId:
		return fmt.Errorf("%w: %w", ErrInstanceFenced, err)
	case sarama.ErrInvalidProducerEpoch, sarama.ErrProducerFenced, sarama.ErrInvalidTxnState, sarama.ErrInvalidProducerIDMapping,
		sarama.ErrUnknownProducerID, sarama.ErrOutOfOrderSequenceNumber, sarama.ErrTransactionCoordinatorFenced, errTransactionAbortable:
		return fmt.Errorf("%w (broker: code %d)", ErrFenced, int16(code))
	}
	return err
}

// errTransactionAbortable is TRANSACTION_ABORTABLE, KIP-890.
const errTransactionAbortable sarama.KError = 120
