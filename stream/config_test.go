package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// nonsense has, for each field, values that cannot be meant.
var nonsense = map[string][]func(*stream.Config){
	"ApplicationID": {
		func(c *stream.Config) { c.ApplicationID = "" },
		func(c *stream.Config) { c.ApplicationID = "my app" },
		func(c *stream.Config) { c.ApplicationID = ".." },
	},
	"Brokers": {
		func(c *stream.Config) { c.Brokers = nil },
		func(c *stream.Config) { c.Brokers = []string{"localhost:9092", "localhost"} },
		func(c *stream.Config) { c.Brokers = []string{"localhost:9092,other:9092"} },
		func(c *stream.Config) { c.Brokers = []string{"localhost:kafka"} },
		func(c *stream.Config) { c.Brokers = []string{":9092"} },
	},
	"InstanceID":      {func(c *stream.Config) { c.InstanceID = "pod/0" }},
	"Guarantee":       {func(c *stream.Config) { c.Guarantee = 7 }},
	"Workers":         {func(c *stream.Config) { c.Workers = -1 }},
	"CommitInterval":  {func(c *stream.Config) { c.CommitInterval = -1 }},
	"CacheMaxBytes":   {func(c *stream.Config) { c.CacheMaxBytes = -2 }},
	"StateCacheBytes": {func(c *stream.Config) { c.StateCacheBytes = -1 }},
	"BufferedRecords": {func(c *stream.Config) { c.BufferedRecords = -1 }},
	"Reset":           {func(c *stream.Config) { c.Reset = 9 }, func(c *stream.Config) { c.Reset = topology.ResetByDuration(0) }},
	"ReplicationFactor": {
		func(c *stream.Config) { c.ReplicationFactor = -2 },
	},
	"SessionTimeout": {
		func(c *stream.Config) { c.SessionTimeout = -1 },
		func(c *stream.Config) { c.SessionTimeout = time.Microsecond },
		func(c *stream.Config) { c.SessionTimeout = 1000 * time.Hour },
	},
	"HeartbeatInterval": {
		func(c *stream.Config) { c.HeartbeatInterval = -1 },
		func(c *stream.Config) { c.HeartbeatInterval = 50 * time.Second },
	},
	"RebalanceTimeout": {
		func(c *stream.Config) { c.RebalanceTimeout = -1 },
		func(c *stream.Config) { c.RebalanceTimeout = 1000 * time.Hour },
	},
	"TransactionTimeout": {
		func(c *stream.Config) { c.TransactionTimeout = -1 },
		func(c *stream.Config) { c.TransactionTimeout = 1000 * time.Hour },
		func(c *stream.Config) {
			c.Guarantee, c.CommitInterval, c.TransactionTimeout = stream.ExactlyOnce, 2*time.Second, time.Second
		},
	},
	"RepartitionPurgeInterval":                {func(c *stream.Config) { c.RepartitionPurgeInterval = -1 }},
	"WindowStoreChangelogAdditionalRetention": {func(c *stream.Config) { c.WindowStoreChangelogAdditionalRetention = -1 }},
	"BatchBytes":      {func(c *stream.Config) { c.BatchBytes = 10 }, func(c *stream.Config) { c.BatchBytes = 1 << 30 }},
	"Compression":     {func(c *stream.Config) { c.Compression = "rar" }},
	"DeadLetterTopic": {func(c *stream.Config) { c.DeadLetterTopic = "dead letters" }},
	"ShutdownTimeout": {func(c *stream.Config) { c.ShutdownTimeout = -1 }},
	"SASL.Mechanism":  {func(c *stream.Config) { c.SASL = &stream.SASL{Mechanism: "GSSAPI", User: "u", Password: "p"} }},
	"SASL.User":       {func(c *stream.Config) { c.SASL = &stream.SASL{Mechanism: "PLAIN", Password: "p"} }},
	"SASL.Password":   {func(c *stream.Config) { c.SASL = &stream.SASL{Mechanism: "PLAIN", User: "u"} }},
}

func sensible() stream.Config {
	return stream.Config{ApplicationID: "app", Brokers: []string{"localhost:9092"}, StateDir: "state"}
}

func TestConfigNamesEachFieldThatIsNonsense(t *testing.T) {
	if err := sensible().Validate(); err != nil {
		t.Fatal(err)
	}
	for field, values := range nonsense {
		for i, set := range values {
			t.Run(fmt.Sprint(field, i), func(t *testing.T) {
				c := sensible()
				set(&c)
				err := c.Validate()
				if err == nil || !strings.Contains(err.Error(), "stream: Config."+field) {
					t.Fatalf("got %v, want an error about %s", err, field)
				}
				if lines := strings.Split(err.Error(), "\n"); len(lines) > 1 {
					t.Errorf("one mistake is reported %d times: %q", len(lines), lines)
				}
			})
		}
	}
}

func TestConfigReportsAllMistakesAtOnce(t *testing.T) {
	c := sensible()
	for field, values := range nonsense {
		if !strings.HasPrefix(field, "SASL") {
			values[0](&c)
		}
	}
	c.SASL = &stream.SASL{}
	_, err := stream.NewApp(topology.New(), c)
	if err == nil {
		t.Fatal("no error")
	}
	for field := range nonsense {
		if !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("nothing about %s in %v", field, err)
		}
	}
	_, again := stream.NewApp(topology.New(), c)
	if err.Error() != again.Error() {
		t.Errorf("the order of mistakes changes:\n%v\n%v", err, again)
	}
}

// What the user has set is not taken for a default.
func TestCommitIntervalOfTheUserIsKeptWithExactlyOnce(t *testing.T) {
	c := sensible()
	c.Guarantee, c.CommitInterval = stream.ExactlyOnce, 30*time.Second
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "TransactionTimeout (10s) must not be less than CommitInterval (30s)") {
		t.Errorf("got %v, want that the transaction would time out", err)
	}
	c.TransactionTimeout = time.Minute
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}
