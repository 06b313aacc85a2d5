package runtime

import (
	"log/slog"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// Config is what a runner needs. All fields are set; defaults are made by package
// stream.
type Config struct {
	ApplicationID string
	TopicPrefix   string // of internal topics; "": the application id
	InstanceID    string // "": the process id of the state directory
	Topology      *graph.Topology
	Kafka         kafka.Config
	ExactlyOnce   bool
	Workers       int
	StateDir      string
	Engine        store.Opener // of persistent stores that name none

	CommitInterval     time.Duration
	PersistInterval    time.Duration
	PersistBytes       int
	CacheBytes         int64 // record cache of all workers together
	StateCacheBytes    int   // of each task: entries kept in memory above the engine
	MaxTaskIdle        time.Duration
	IdleAfter          time.Duration
	BufferedRecords    int // of a partition: above it is not fetched
	PurgeInterval      time.Duration
	WindowRetention    time.Duration // of changelogs beyond that of their stores
	SessionTimeout     time.Duration
	HeartbeatInterval  time.Duration
	RebalanceTimeout   time.Duration
	TransactionTimeout time.Duration
	ShutdownTimeout    time.Duration
	KeepSeat           bool // on shutdown: do not leave the group
	BatchBytes         int
	Compression        string
	Replication        int16 // of internal topics, -1: the broker's default
	Reset              topology.Reset
	DeadLetterTopic    string
	ErrorHandler       topology.ErrorHandler
	Log                *slog.Logger
}
