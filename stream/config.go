package stream

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/runtime"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/store/badger"
	"github.com/streamweir/streamweir/topology"
)

// Guarantee is what an application promises about each input record.
type Guarantee int8

const (
	// AtLeastOnce: a record that was in process at a failure may be processed
	// again, and its output appear twice.
	AtLeastOnce Guarantee = iota
	// ExactlyOnce: output, state and input offsets are committed in one
	// transaction. Kafka Streams: exactly_once_v2.
	ExactlyOnce
)

// String returns Kafka Streams' name of the guarantee.
func (g Guarantee) String() string {
	if g == ExactlyOnce {
		return "exactly_once_v2"
	}
	return "at_least_once"
}

// ParseGuarantee is the inverse of String; "exactly_once" is taken too.
func ParseGuarantee(s string) (Guarantee, error) {
	switch s {
	case "at_least_once":
		return AtLeastOnce, nil
	case "exactly_once", "exactly_once_v2":
		return ExactlyOnce, nil
	}
	return 0, fmt.Errorf("stream: guarantee %q is neither at_least_once nor exactly_once_v2", s)
}

// NoCache as Config.CacheMaxBytes turns the record cache off.
const NoCache = -1

// Config configures an [App]. The zero value of a field is Kafka Streams' default,
// given with each; ApplicationID and Brokers must be set.
type Config struct {
	// ApplicationID is the consumer group, and the prefix of internal topics and
	// transactional ids. application.id
	ApplicationID string
	// InternalTopicPrefix is the prefix of internal topics; default the application id.
	// An application that takes over from another one needs it where that has set
	// Kafka Streams' hidden __internal.override.topic.prefix__.
	InternalTopicPrefix string
	// Brokers are host:port pairs to begin with. bootstrap.servers
	Brokers []string
	// ClientID names the application to the brokers; default: the application id.
	ClientID string
	// InstanceID names this process among those of the application, for as long as
	// it exists: a process that comes back with the same id takes its tasks up at
	// once. Default: an id kept in the state directory. Where that is not durable,
	// set it, to a pod's name for instance. group.instance.id
	InstanceID string
	// Guarantee; default at least once. processing.guarantee
	Guarantee Guarantee
	// Workers is the number of goroutines that process; default 1. num.stream.threads
	Workers int
	// CommitInterval; default 30 s, or 100 ms with exactly once. commit.interval.ms
	CommitInterval time.Duration
	// CacheMaxBytes is the size of the record cache, of all workers together:
	// updates of a table to one key between two commits become one. Default 10 MiB;
	// [NoCache]: each update is forwarded. statestore.cache.max.bytes
	CacheMaxBytes int64
	// StateDir is where stores, and the identity of the process, are kept; each
	// application has a folder of its own in it. Default: streamweir in
	// $XDG_STATE_HOME or ~/.local/state, never a temporary folder. state.dir
	StateDir string
	// Engine is the engine of persistent stores; default Badger.
	Engine store.Opener
	// StateCacheBytes is, for each task, how much of its stores is kept in memory
	// above the engine; default 32 MiB.
	StateCacheBytes int
	// MaxTaskIdle is for how long a task waits for an input that has no records
	// while others have: 0 only while that input has more on the broker; negative
	// not at all. max.task.idle.ms
	MaxTaskIdle time.Duration
	// IdleAfter, if positive, is after which time without input a task lets its stream
	// time go on with the wall clock. Then windows close, and what waits for them is sent
	// on, although no record comes; Kafka Streams waits for the next one. A record that
	// comes later than this and has an old timestamp may then be late, and how late
	// depends on when it came: results are no longer a matter of the input alone.
	// Default: stream time moves with records only.
	IdleAfter time.Duration
	// BufferedRecords is how many records of a partition may be queued before it is
	// not fetched any more; default 10,000 (whole batches are fetched, so Kafka
	// Streams' 1,000 would stop a partition at every batch).
	// buffered.records.per.partition
	BufferedRecords int
	// Reset is where inputs without a committed offset begin; default earliest.
	// auto.offset.reset
	Reset topology.Reset
	// ReplicationFactor is that of internal topics; default the broker's.
	// replication.factor
	ReplicationFactor int16
	// SessionTimeout is when the group gives the tasks of a process that has
	// vanished to others; default 45 s. session.timeout.ms
	SessionTimeout time.Duration
	// HeartbeatInterval; default 3 s. heartbeat.interval.ms
	HeartbeatInterval time.Duration
	// RebalanceTimeout is how long a rebalance waits for a member that is in the
	// middle of a record; default 5 min. max.poll.interval.ms
	RebalanceTimeout time.Duration
	// TransactionTimeout is when the broker aborts a transaction of a process that
	// has vanished; default 10 s. transaction.timeout.ms
	TransactionTimeout time.Duration
	// RepartitionPurgeInterval is how often processed records of repartition topics
	// are deleted; default 30 s. repartition.purge.interval.ms
	RepartitionPurgeInterval time.Duration
	// WindowStoreChangelogAdditionalRetention is for how long changelogs of window
	// and session stores keep records beyond the retention of the store, so that clocks may
	// differ; default 24 h. It has an effect on topics that are created.
	// windowstore.changelog.additional.retention.ms
	WindowStoreChangelogAdditionalRetention time.Duration
	// BatchBytes is the size of a batch that is sent before the commit; default
	// 512 KiB. batch.size
	BatchBytes int
	// Compression of what is produced: "none" (default), "gzip", "snappy", "lz4" or
	// "zstd". compression.type
	Compression string
	// ErrorHandler decides about records that cannot be processed; default: fail.
	ErrorHandler ErrorHandler
	// DeadLetterTopic takes the records for which the handler returns DeadLetter.
	// errors.dead.letter.queue.topic.name
	DeadLetterTopic string
	// ShutdownTimeout bounds the graceful shutdown; default 30 s.
	ShutdownTimeout time.Duration
	// KeepSeat keeps the process's place in the group at shutdown, for a rolling
	// restart: its tasks wait for it until the session timeout.
	KeepSeat bool
	// TLS turns on TLS. security.protocol
	TLS *tls.Config
	// SASL turns on SASL authentication. sasl.*
	SASL *SASL
	// Log takes what the application has to say; default: slog.Default.
	Log *slog.Logger
}

// SASL is how a client authenticates itself.
type SASL struct {
	// Mechanism is "PLAIN", "SCRAM-SHA-256" or "SCRAM-SHA-512".
	Mechanism, User, Password string
}

// Aliases of what the Processor API defines, so that an application's
// configuration needs one import.
type (
	// ErrorHandler decides what becomes of a record that cannot be processed.
	ErrorHandler = topology.ErrorHandler
	// ProcessingError is an error with one record.
	ProcessingError = topology.ProcessingError
	// Action is what an ErrorHandler decides.
	Action = topology.Action
)

// What an ErrorHandler can decide.
const (
	Fail       = topology.Fail
	Skip       = topology.Skip
	DeadLetter = topology.DeadLetter
	Retry      = topology.Retry
)

// withDefaults returns c with all fields set.
func (c Config) withDefaults() (Config, error) {
	or(&c.ClientID, c.ApplicationID)
	or(&c.Workers, 1)
	if c.Guarantee == ExactlyOnce {
		or(&c.CommitInterval, 100*time.Millisecond)
	}
	or(&c.CommitInterval, 30*time.Second)
	or(&c.CacheMaxBytes, 10<<20)
	or(&c.StateCacheBytes, 32<<20)
	or(&c.BufferedRecords, 10_000)
	or(&c.Reset, topology.ResetEarliest)
	or(&c.ReplicationFactor, -1)
	or(&c.SessionTimeout, 45*time.Second)
	or(&c.HeartbeatInterval, 3*time.Second)
	or(&c.RebalanceTimeout, 5*time.Minute)
	or(&c.TransactionTimeout, 10*time.Second)
	or(&c.RepartitionPurgeInterval, 30*time.Second)
	or(&c.WindowStoreChangelogAdditionalRetention, graph.WindowRetention)
	or(&c.BatchBytes, 512<<10)
	or(&c.Compression, "none")
	or(&c.ShutdownTimeout, 30*time.Second)
	if c.Engine == nil {
		c.Engine = badger.Opener(badger.Options{})
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.StateDir == "" {
		base := os.Getenv("XDG_STATE_HOME")
		if base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return c, fmt.Errorf("stream: Config.StateDir is not set and there is no home folder to put it in: %w", err)
			}
			base = filepath.Join(home, ".local", "state")
		}
		c.StateDir = filepath.Join(base, "streamweir")
	}
	return c, nil
}

func or[T comparable](field *T, def T) {
	var zero T
	if *field == zero {
		*field = def
	}
}

// runtime translates a validated configuration.
func (c Config) runtime(g *graph.Topology) (runtime.Config, error) {
	c, err := c.withDefaults()
	k := kafka.Config{Brokers: c.Brokers, ClientID: c.ClientID, TLS: c.TLS, Log: c.Log}
	if c.SASL != nil {
		k.SASL = &kafka.SASL{Mechanism: c.SASL.Mechanism, User: c.SASL.User, Password: c.SASL.Password}
	}
	return runtime.Config{
		ApplicationID: c.ApplicationID, TopicPrefix: c.InternalTopicPrefix, InstanceID: c.InstanceID, Topology: g, Kafka: k, ExactlyOnce: c.Guarantee == ExactlyOnce,
		Workers: c.Workers, StateDir: c.StateDir, Engine: c.Engine, CommitInterval: c.CommitInterval,
		PersistInterval: 30 * time.Second, PersistBytes: 32 << 20, CacheBytes: max(c.CacheMaxBytes, 0), StateCacheBytes: c.StateCacheBytes,
		MaxTaskIdle: c.MaxTaskIdle, IdleAfter: c.IdleAfter, BufferedRecords: c.BufferedRecords, PurgeInterval: c.RepartitionPurgeInterval, WindowRetention: c.WindowStoreChangelogAdditionalRetention,
		SessionTimeout: c.SessionTimeout, HeartbeatInterval: c.HeartbeatInterval, RebalanceTimeout: c.RebalanceTimeout,
		TransactionTimeout: c.TransactionTimeout, ShutdownTimeout: c.ShutdownTimeout, KeepSeat: c.KeepSeat, BatchBytes: c.BatchBytes,
		Compression: c.Compression, Replication: c.ReplicationFactor, Reset: c.Reset, DeadLetterTopic: c.DeadLetterTopic,
		ErrorHandler: c.ErrorHandler, Log: c.Log,
	}, err
}
