package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kfake"
)

const (
	lockFile      = "lock"
	brokerFolder  = "broker"
	journalFile   = "registry.jsonl"
	startDeadline = 30 * time.Second
)

// Config says what [Start] starts. The zero value is one broker and a registry
// on free ports of the loopback interface, in memory, without topics.
type Config struct {
	// DataDir keeps topics, records, offsets, transactions and schemas from
	// run to run; it is created if needed and belongs to one cluster at a time.
	// What was acknowledged survives the death of the process, not that of the
	// machine. "" keeps everything in memory.
	DataDir string
	// Brokers is the number of brokers; 0 is one.
	Brokers int
	// Addr is the host:port of the first broker; others take free ports. The
	// host is what clients are told to connect to. "" is a free port of
	// 127.0.0.1.
	Addr string
	// RegistryAddr is the host:port of the registry. "" is a free port of
	// 127.0.0.1.
	RegistryAddr string
	// Topics are created unless they exist.
	Topics []Topic
	// MinSessionTimeout is the shortest session timeout a group member may ask
	// for; 0 is Kafka's default of six seconds. A test of a lost member sets it
	// lower.
	MinSessionTimeout time.Duration
	// Logger is told what the broker cannot do; nil discards it.
	Logger *slog.Logger
}

// A Cluster is a running broker, or several, and a registry. Its methods may be
// called by several goroutines.
type Cluster struct {
	kafka     *kfake.Cluster
	listeners []*listener
	registry  *registry
	lock      *flock.Flock
	folder    string // of the broker, to be marked as closed; "" in memory
}

// Start starts a cluster. When it returns without an error the topics exist and
// all addresses answer. The caller must call Close.
func Start(config Config) (*Cluster, error) {
	c := &Cluster{}
	if err := c.start(config); err != nil {
		return nil, errors.Join(fmt.Errorf("embedded: %w", err), c.Close())
	}
	return c, nil
}

func (c *Cluster) start(config Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), startDeadline)
	defer cancel()
	if config.DataDir != "" {
		if err := c.own(config.DataDir); err != nil {
			return err
		}
	}
	if err := c.startBrokers(ctx, config); err != nil {
		return err
	}
	if err := c.createTopics(ctx, config.Topics); err != nil {
		return err
	}
	var err error
	if c.registry, err = startRegistry(config.RegistryAddr, inFolder(config.DataDir, journalFile)); err != nil {
		return err
	}
	for _, l := range c.listeners {
		l.open()
	}
	return nil
}

// own creates the folder and locks it: two brokers in one folder would write
// over each other's segments.
func (c *Cluster) own(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(dir, lockFile))
	ours, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock data directory %s: %w", dir, err)
	}
	if !ours {
		return fmt.Errorf("data directory %s is in use by another process; stop it or choose another directory", dir)
	}
	c.lock = lock
	return nil
}

func (c *Cluster) startBrokers(ctx context.Context, config Config) error {
	listen, err := c.listen(config.Addr)
	if err != nil {
		return err
	}
	folder := inFolder(config.DataDir, brokerFolder)
	left, err := openTransactions(folder)
	if err != nil {
		return err
	}
	c.kafka, err = kfake.NewCluster(options(config, folder, listen)...)
	if err != nil {
		return fmt.Errorf("start broker: %w", err)
	}
	if folder == "" {
		return nil
	}
	if err := c.abort(ctx, left); err != nil {
		return fmt.Errorf("abort what the broker's death left open: %w", err)
	}
	c.folder = folder
	return markRunning(folder)
}

// listen returns the function that opens the port of one broker after the
// other.
func (c *Cluster) listen(first string) (func(network, addr string) (net.Listener, error), error) {
	if first == "" {
		first = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(first)
	if err != nil || host == "" || net.ParseIP(host).IsUnspecified() {
		return nil, fmt.Errorf("broker address %q: want host:port with a host that clients can connect to", first)
	}
	return func(_, _ string) (net.Listener, error) {
		addr := first
		if len(c.listeners) > 0 {
			addr = net.JoinHostPort(host, "0")
		}
		l, err := newListener(addr)
		if err == nil {
			c.listeners = append(c.listeners, l)
		}
		return l, err
	}, nil
}

func options(config Config, folder string, listen func(network, addr string) (net.Listener, error)) []kfake.Opt {
	o := []kfake.Opt{
		kfake.NumBrokers(max(config.Brokers, 1)),
		kfake.ListenFn(listen),
		kfake.WithLogger(kafkaLog{config.Logger}),
		kfake.DefaultNumPartitions(1),
		// Event times lie in the past as often as not, and offsets must outlive
		// a holiday: losing either would make an application count twice.
		kfake.BrokerConfigs(map[string]string{
			"log.retention.ms":          "-1",
			"offsets.retention.minutes": strconv.Itoa(365 * 24 * 60),
		}),
	}
	if folder != "" {
		o = append(o, kfake.DataDir(folder))
	}
	if config.MinSessionTimeout > 0 {
		o = append(o, kfake.GroupMinSessionTimeout(config.MinSessionTimeout))
	}
	return o
}

func inFolder(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

// Brokers returns the host:port of every broker. They stay the same while the
// cluster lives.
func (c *Cluster) Brokers() []string {
	addrs := make([]string, len(c.listeners))
	for i, l := range c.listeners {
		addrs[i] = l.Addr().String()
	}
	return addrs
}

// RegistryURL returns the address of the schema registry, without a slash at
// its end.
func (c *Cluster) RegistryURL() string { return "http://" + c.registry.addr }

// Close stops the cluster, writes what a data directory needs, and releases the
// ports. A second call does nothing; no other method may be called after it.
func (c *Cluster) Close() error {
	var errs []error
	if c.registry != nil {
		errs = append(errs, c.registry.close())
	}
	if c.kafka != nil {
		c.kafka.Close()
	}
	for _, l := range c.listeners {
		errs = append(errs, l.Close())
	}
	if c.folder != "" {
		errs = append(errs, markClosed(c.folder))
	}
	if c.lock != nil {
		errs = append(errs, c.lock.Unlock())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("embedded: close: %w", err)
	}
	return nil
}

// kafkaLog forwards the broker's warnings and errors.
type kafkaLog struct{ to *slog.Logger }

func (l kafkaLog) Logf(level kfake.LogLevel, format string, args ...any) {
	if l.to == nil {
		return
	}
	switch level {
	case kfake.LogLevelError:
		l.to.Error("embedded broker", "message", fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.to.Warn("embedded broker", "message", fmt.Sprintf(format, args...))
	}
}
