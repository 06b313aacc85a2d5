package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/streamweir/streamweir/examples/inventory/config"
	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/stream/embedded"
)

const partitions = 4

// addresses are where Kafka and the registry are. An embedded cluster leaves them
// in the state directory for the subcommands.
type addresses struct {
	Brokers  []string `json:"brokers"`
	Registry string   `json:"registry"`
}

func addressFile(stateDir string) string {
	return filepath.Join(embeddedDir(stateDir), "addresses.json")
}

// embeddedDir is apart from the state of applications on a real cluster: offsets
// of one mean nothing to the other.
func embeddedDir(stateDir string) string { return filepath.Join(stateDir, "embedded") }

// readAddresses returns the embedded cluster's addresses; its usual ones if none
// is known.
func readAddresses(stateDir string) addresses {
	a := addresses{Brokers: []string{config.EmbeddedBroker}, Registry: "http://" + config.EmbeddedRegistry}
	if data, err := os.ReadFile(addressFile(stateDir)); err == nil {
		var known addresses
		if json.Unmarshal(data, &known) == nil && len(known.Brokers) > 0 {
			return known
		}
	}
	return a
}

func startEmbedded(stateDir string, log *slog.Logger) (*embedded.Cluster, error) {
	cluster, err := embedded.Start(embedded.Config{
		DataDir:      filepath.Join(embeddedDir(stateDir), "kafka"),
		Addr:         freeOr(config.EmbeddedBroker, log),
		RegistryAddr: freeOr(config.EmbeddedRegistry, log),
		Logger:       log,
		Topics: []embedded.Topic{
			embeddedTopic(inventory.EventsTopic), embeddedTopic(inventory.AggregatesTopic), embeddedTopic(inventory.DLQTopic),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("inventory: %w", err)
	}
	if err := writeAddresses(stateDir, addresses{cluster.Brokers(), cluster.RegistryURL()}); err != nil {
		return nil, errors.Join(err, cluster.Close())
	}
	return cluster, nil
}

func embeddedTopic(name string) embedded.Topic {
	return embedded.Topic{Name: name, Partitions: partitions, Config: map[string]string{"retention.ms": "-1"}}
}

// freeOr returns an address that nobody listens at: the given one, or a free port
// of its host.
func freeOr(addr string, log *slog.Logger) string {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		_ = l.Close()
		return addr
	}
	host, _, _ := net.SplitHostPort(addr)
	log.Warn("address is taken, using a free port", "address", addr)
	return net.JoinHostPort(host, "0")
}

func writeAddresses(stateDir string, a addresses) error {
	data, err := json.Marshal(a)
	if err == nil {
		err = os.WriteFile(addressFile(stateDir), append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("inventory: addresses of the embedded cluster: %w", err)
	}
	return nil
}
