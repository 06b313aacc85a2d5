package stream

import (
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
)

// Validate reports all that is wrong with the configuration.
func (c Config) Validate() error {
	var m mistakes
	c, err := c.withDefaults()
	if err != nil {
		m.errs = append(m.errs, err)
	}
	c.validateNames(&m)
	c.validateNumbers(&m)
	c.validateTimes(&m)
	if s := c.SASL; s != nil {
		m.add(!slices.Contains([]string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}, s.Mechanism),
			"SASL.Mechanism is %q: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism)
		m.add(s.User == "", "SASL.User is empty")
		m.add(s.Password == "", "SASL.Password is empty")
	}
	return errors.Join(m.errs...)
}

// mistakes collects what is wrong.
type mistakes struct{ errs []error }

func (m *mistakes) add(wrong bool, format string, args ...any) {
	if wrong {
		m.errs = append(m.errs, fmt.Errorf("stream: Config."+format, args...))
	}
}

// name checks what Kafka only takes in the form of a topic's name.
func (m *mistakes) name(field, name string) {
	err := graph.CheckName(name)
	m.add(err != nil, "%s: %w", field, err)
}

func (c *Config) validateNames(m *mistakes) {
	m.name("ApplicationID", c.ApplicationID)
	if c.InternalTopicPrefix != "" {
		m.name("InternalTopicPrefix", c.InternalTopicPrefix)
	}
	m.add(len(c.Brokers) == 0, "Brokers is empty: give at least one host:port")
	for _, b := range c.Brokers {
		host, port, err := net.SplitHostPort(b)
		n, _ := strconv.ParseUint(port, 10, 16)
		m.add(err != nil || host == "" || n == 0, "Brokers has %q, which is not of the form host:port", b)
	}
	if c.InstanceID != "" {
		m.name("InstanceID", c.InstanceID)
	}
	if c.DeadLetterTopic != "" {
		m.name("DeadLetterTopic", c.DeadLetterTopic)
	}
	m.add(c.Guarantee != AtLeastOnce && c.Guarantee != ExactlyOnce, "Guarantee is %d, neither AtLeastOnce nor ExactlyOnce", c.Guarantee)
	m.add(!c.Reset.Valid(), "Reset is %d, which is none of the policies; a duration must be at least a millisecond", c.Reset)
	m.add(!slices.Contains([]string{"none", "gzip", "snappy", "lz4", "zstd"}, c.Compression),
		"Compression is %q: use none, gzip, snappy, lz4 or zstd", c.Compression)
}

// maxBatch is less than a request can have at most.
const maxBatch = 64 << 20

func (c *Config) validateNumbers(m *mistakes) {
	m.add(c.Workers < 1, "Workers is %d, at least 1 is needed", c.Workers)
	m.add(c.CacheMaxBytes < NoCache, "CacheMaxBytes is %d: use NoCache (-1) to turn the cache off", c.CacheMaxBytes)
	m.add(c.StateCacheBytes < 0, "StateCacheBytes is negative: %d", c.StateCacheBytes)
	m.add(c.BufferedRecords < 1, "BufferedRecords is %d, at least 1 is needed", c.BufferedRecords)
	m.add(c.ReplicationFactor < -1, "ReplicationFactor is %d: use -1 for the broker's default", c.ReplicationFactor)
	m.add(c.BatchBytes < 1024 || c.BatchBytes > maxBatch, "BatchBytes is %d: it must be between 1024 and %d", c.BatchBytes, maxBatch)
}

func (c *Config) validateTimes(m *mistakes) {
	m.add(c.IdleAfter < 0, "IdleAfter is negative: %v", c.IdleAfter)
	m.add(c.CommitInterval < 0, "CommitInterval is negative: %v", c.CommitInterval)
	m.add(c.ShutdownTimeout < 0, "ShutdownTimeout is negative: %v", c.ShutdownTimeout)
	m.add(c.RepartitionPurgeInterval < 0, "RepartitionPurgeInterval is negative: %v", c.RepartitionPurgeInterval)
	m.add(c.WindowStoreChangelogAdditionalRetention < 0, "WindowStoreChangelogAdditionalRetention is negative: %v", c.WindowStoreChangelogAdditionalRetention)
	const most = math.MaxInt32 * time.Millisecond
	wire := func(field string, d time.Duration) (ok bool) { // sent to the broker in milliseconds
		ok = d >= time.Millisecond && d <= most
		m.add(!ok, "%s is %v: it must be between %v and %v", field, d, time.Millisecond, most)
		return ok
	}
	wire("RebalanceTimeout", c.RebalanceTimeout)
	heartbeat, session := wire("HeartbeatInterval", c.HeartbeatInterval), wire("SessionTimeout", c.SessionTimeout)
	if heartbeat && session {
		m.add(c.HeartbeatInterval >= c.SessionTimeout, "HeartbeatInterval (%v) must be less than SessionTimeout (%v)", c.HeartbeatInterval, c.SessionTimeout)
	}
	if wire("TransactionTimeout", c.TransactionTimeout) && c.Guarantee == ExactlyOnce {
		m.add(c.TransactionTimeout < c.CommitInterval, "TransactionTimeout (%v) must not be less than CommitInterval (%v): every transaction would time out",
			c.TransactionTimeout, c.CommitInterval)
	}
}
