package kafka

import (
	"context"
	"crypto/tls"
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
	// transaction that took too long. Init makes the producer usable again, and
	// fences the other one if there is one.
	ErrFenced = errors.New("the producer was fenced: its transaction timed out, or another process uses its transactional id")
	// ErrAbort: the transaction can only be aborted; the same work may succeed in
	// another one.
	ErrAbort = errors.New("the broker gave up the transaction")
	// ErrOutcomeUnknown: nobody answered whether the transaction was committed.
	ErrOutcomeUnknown = errors.New("it is unknown whether the transaction was committed")
	// ErrRecord: one record cannot be sent, whatever is done with the others.
	ErrRecord = errors.New("the record cannot be sent")
	// ErrLost: the membership was lost while joining; join again.
	ErrLost = errors.New("the membership of the group was lost")
)

// errClosed: used after Close.
var errClosed = errors.New("the client is closed")

// PartitionError is why a partition cannot be fetched on.
type PartitionError struct {
	Partition  record.Partition
	Offset     int64 // that was to be fetched
	Start, End int64 // of the partition, if it is out of range
	OutOfRange bool
	Err        error

	epoch int64
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
	return transient(err) || errors.Is(err, ErrFenced) || errors.Is(err, ErrAbort) || errors.Is(err, ErrMember) ||
		errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, context.DeadlineExceeded)
}

// network tells whether the connection is to blame, so that another one may do.
func network(err error) bool {
	var (
		n           net.Error
		certificate *tls.CertificateVerificationError
		alert       tls.AlertError
		plain       tls.RecordHeaderError
	)
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &certificate), errors.As(err, &alert), errors.As(err, &plain):
		return false // the handshake will fail the next time too
	case undecodable(err):
		return true
	}
	return errors.As(err, &n) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, sarama.ErrNotConnected) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// undecodable tells whether a response was not understood; what follows on the
// connection cannot be trusted either.
func undecodable(err error) bool {
	var p sarama.PacketDecodingError
	return errors.As(err, &p) || errors.Is(err, sarama.ErrInsufficientData)
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

// moved tells whether a partition has another leader than the one that was asked.
func moved(err error) bool {
	if network(err) {
		return true
	}
	for _, code := range []sarama.KError{sarama.ErrUnknownTopicOrPartition, sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition,
		sarama.ErrReplicaNotAvailable, sarama.ErrBrokerNotAvailable, sarama.ErrKafkaStorageError, sarama.ErrFencedLeaderEpoch,
		sarama.ErrUnknownLeaderEpoch, sarama.ErrListenerNotFound, sarama.ErrNetworkException} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// errTransactionAbortable is TRANSACTION_ABORTABLE, KIP-890.
const errTransactionAbortable sarama.KError = 120

// advice says what to do about a broker's refusal that waiting does not mend.
var advice = map[sarama.KError]string{
	sarama.ErrTopicAuthorizationFailed:           "allow the client to read, write, describe and, for internal topics, create the topic",
	sarama.ErrGroupAuthorizationFailed:           "allow the client to read the group",
	sarama.ErrClusterAuthorizationFailed:         "allow the client IdempotentWrite, and Create for internal topics, on the cluster",
	sarama.ErrTransactionalIDAuthorizationFailed: "allow the client to write and describe its transactional ids, which begin with the application id",
	sarama.ErrSASLAuthenticationFailed:           "check user and password",
	sarama.ErrUnsupportedSASLMechanism:           "use a mechanism that the broker's listener enables",
	sarama.ErrInvalidTransactionTimeout:          "lower the transaction timeout or raise the broker's transaction.max.timeout.ms",
	sarama.ErrInvalidSessionTimeout:              "choose a session timeout between the broker's group.min.session.timeout.ms and group.max.session.timeout.ms",
	sarama.ErrInvalidTopic:                       "correct the topic's name",
	sarama.ErrInvalidReplicationFactor:           "lower the replication factor to the number of brokers, or start more",
	sarama.ErrPolicyViolation:                    "change the topic's settings to what the broker's policy allows, or create it by hand",
	sarama.ErrGroupMaxSizeReached:                "raise the broker's group.max.size or stop a member",
	sarama.ErrInconsistentGroupProtocol:          "the group has members that run something else, perhaps a JVM application with the same id: stop them first",
	sarama.ErrOffsetMetadataTooLarge:             "raise the broker's offset.metadata.max.bytes",
	sarama.ErrInvalidTimestamp:                   "the record's time is outside of what the topic's message.timestamp.before.max.ms and message.timestamp.after.max.ms allow",
	sarama.ErrInvalidRecord:                      "a compacted topic takes no record without a key",
}

// explain puts the errors that callers tell apart in front of the broker's.
func explain(err error) error {
	var code sarama.KError
	if !errors.As(err, &code) {
		if !errors.Is(err, sarama.ErrSASLAuthenticationFailed) {
			return err
		}
		code = sarama.ErrSASLAuthenticationFailed // wrapped with the broker's own words, out of sight of errors.As
	}
	switch code {
	case sarama.ErrIllegalGeneration, sarama.ErrUnknownMemberId, sarama.ErrRebalanceInProgress:
		return fmt.Errorf("%w: %w", ErrMember, err)
	case sarama.ErrFencedInstancedId:
		return fmt.Errorf("%w: %w", ErrInstanceFenced, err)
	case sarama.ErrInvalidProducerEpoch, sarama.ErrProducerFenced, sarama.ErrTransactionCoordinatorFenced:
		return fmt.Errorf("%w (broker: code %d)", ErrFenced, int16(code)) // sarama has no words for 90
	case errTransactionAbortable:
		return fmt.Errorf("%w (broker: code %d)", ErrAbort, int16(code))
	case sarama.ErrInvalidTxnState, sarama.ErrInvalidProducerIDMapping, sarama.ErrUnknownProducerID, sarama.ErrOutOfOrderSequenceNumber:
		return fmt.Errorf("%w: %w", ErrAbort, err)
	}
	if what, ok := advice[code]; ok {
		return fmt.Errorf("%w (%s)", err, what)
	}
	return err
}
