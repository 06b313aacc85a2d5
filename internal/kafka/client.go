package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
)

// Config says where the cluster is and how to talk to it.
type Config struct {
	Brokers  []string
	ClientID string
	TLS      *tls.Config // nil: plain
	SASL     *SASL       // nil: none
	// Timeout bounds a request that does not wait on purpose; 0 is 10 s.
	Timeout time.Duration
	Log     *slog.Logger
	// OnWait is told that something has waited for more than a second, and why, and
	// with a nil error that it waits no longer. Any goroutine may call it.
	OnWait func(what string, err error)
}

// SASL is how a client authenticates itself. Mechanism is PLAIN (also if empty),
// SCRAM-SHA-256 or SCRAM-SHA-512.
type SASL struct{ Mechanism, User, Password string }

// Client finds brokers, leaders and coordinators, and administers topics and
// offsets. It is safe for concurrent use.
type Client struct {
	cfg     Config
	admin   *pool // connections for metadata and administration
	checked atomic.Bool

	mu           sync.Mutex
	brokers      map[int32]string
	leaders      map[record.Partition]leader
	coordinators map[coordinator]string
}

// leader is who has a partition, and since which epoch: a broker that does not
// know yet that it was replaced finds out by the epoch of the request.
type leader struct {
	addr  string
	epoch int32
}

type coordinator struct {
	kind sarama.CoordinatorType
	key  string
}

// NewClient returns a client. It connects when it is first asked something.
func NewClient(cfg Config) (*Client, error) {
	if len(cfg.Brokers) == 0 {
		return nil, errors.New("kafka: no brokers are given")
	}
	for _, b := range cfg.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			return nil, fmt.Errorf("kafka: broker %q is not of the form host:port: %w", b, err)
		}
	}
	if s := cfg.SASL; s != nil && s.Mechanism != "" && !slices.Contains(mechanisms, s.Mechanism) {
		return nil, fmt.Errorf("kafka: SASL mechanism %q is not known: use one of %s", s.Mechanism, strings.Join(mechanisms, ", "))
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.OnWait == nil {
		cfg.OnWait = func(string, error) {}
	}
	c := &Client{cfg: cfg, brokers: map[int32]string{}, leaders: map[record.Partition]leader{}, coordinators: map[coordinator]string{}}
	if err := c.config(0, nil).Validate(); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	c.admin = c.newPool(cfg.Timeout)
	return c, nil
}

var mechanisms = []string{sarama.SASLTypePlaintext, sarama.SASLTypeSCRAMSHA256, sarama.SASLTypeSCRAMSHA512}

// Close closes the client's own connections; what waits for them fails. Fetchers,
// producers and groups are closed on their own, before.
func (c *Client) Close() error {
	c.admin.close()
	return nil
}

// retry calls f until it succeeds, fails for good, or ctx ends.
func (c *Client) retry(ctx context.Context, what string, f func(context.Context) error) error {
	w := waiting{c: c, what: what}
	defer w.over()
	for attempt := 0; ; attempt++ {
		err := f(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("kafka: %s: %w (last: %v)", what, context.Cause(ctx), err)
		case !transient(err):
			return fmt.Errorf("kafka: %s: %w", what, explain(err))
		}
		w.on(err)
		if errors.Is(err, sarama.ErrConcurrentTransactions) {
			attempt = min(attempt, 1) // the coordinator is about to be done with the transaction before
		}
		if pause(ctx, attempt) != nil {
			return fmt.Errorf("kafka: %s: %w (last: %v)", what, context.Cause(ctx), err)
		}
	}
}

// waiting tells OnWait about something that is tried again, but only once it takes
// longer than patience: most of what is refused is accepted a moment later.
type waiting struct {
	c     *Client
	what  string
	since time.Time
	told  bool
}

const patience = time.Second

func (w *waiting) on(err error) {
	if w.since.IsZero() {
		w.since = time.Now()
	}
	if time.Since(w.since) < patience {
		return
	}
	if !w.told {
		w.c.cfg.Log.Warn("waiting", "for", w.what, "error", err)
	}
	w.told = true
	w.c.cfg.OnWait(w.what, err)
}

// over says that it waits no longer.
func (w *waiting) over() {
	if w.told {
		w.c.cfg.Log.Info("waiting no longer", "for", w.what)
		w.c.cfg.OnWait(w.what, nil)
	}
	w.since, w.told = time.Time{}, false
}

// backoff is how long to wait before another attempt: 5 ms doubling to 1 s, give
// or take a third.
func backoff(attempt int) time.Duration {
	d := min(5*time.Millisecond<<min(attempt, 10), time.Second)
	return d + time.Duration((rand.Float64()-.5)*.66*float64(d))
}

func pause(ctx context.Context, attempt int) error {
	t := time.NewTimer(backoff(attempt))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// addresses are the known brokers, then those of the configuration.
func (c *Client) addresses() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, a := range c.brokers {
		out = append(out, a)
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	for _, a := range c.cfg.Brokers {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// any sends a request to any broker that answers.
func (c *Client) any(ctx context.Context, f func(*sarama.Broker) error) error {
	var last error
	for _, a := range c.addresses() {
		err := c.admin.do(ctx, a, func(b *sarama.Broker) error {
			if err := c.checkVersions(b); err != nil {
				return err
			}
			return f(b)
		})
		if err == nil || ctx.Err() != nil || !network(err) {
			return err
		}
		last = fmt.Errorf("broker %s: %w", a, err)
	}
	return last
}

// metadata asks for topics; nil is all of them. It remembers brokers and leaders.
func (c *Client) metadata(ctx context.Context, topics []string) (*sarama.MetadataResponse, error) {
	var r *sarama.MetadataResponse
	err := c.any(ctx, func(b *sarama.Broker) (err error) {
		r, err = b.GetMetadata(&sarama.MetadataRequest{Version: metadataVersion, Topics: topics})
		return err
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(r.Brokers) > 0 {
		clear(c.brokers)
	}
	for _, b := range r.Brokers {
		c.brokers[b.ID()] = b.Addr()
	}
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			key := record.Partition{Topic: t.Name, ID: p.ID}
			if addr, ok := c.brokers[p.Leader]; ok && (p.Err == sarama.ErrNoError || p.Err == sarama.ErrReplicaNotAvailable) {
				c.leaders[key] = leader{addr, p.LeaderEpoch}
			} else {
				delete(c.leaders, key)
			}
		}
	}
	return r, nil
}

// byLeader groups partitions by the address of their leader, asking for those it
// does not know. With an error the result has the partitions whose leaders are
// known all the same.
func (c *Client) byLeader(ctx context.Context, partitions []record.Partition) (map[string][]record.Partition, error) {
	out, missing := c.knownLeaders(partitions)
	if len(missing) == 0 {
		return out, nil
	}
	var topics []string
	for _, p := range missing {
		if !slices.Contains(topics, p.Topic) {
			topics = append(topics, p.Topic)
		}
	}
	r, err := c.metadata(ctx, topics)
	if err != nil {
		return out, err
	}
	if out, missing = c.knownLeaders(partitions); len(missing) == 0 {
		return out, nil
	}
	refused := map[string]sarama.KError{}
	for _, t := range r.Topics {
		refused[t.Name] = t.Err
	}
	first := error(nil)
	for _, p := range missing {
		why := refused[p.Topic]
		if why == sarama.ErrNoError {
			why = sarama.ErrLeaderNotAvailable
		}
		err := fmt.Errorf("leader of %s-%d: %w", p.Topic, p.ID, why)
		if !transient(why) {
			return out, err
		}
		if first == nil {
			first = err
		}
	}
	return out, first
}

func (c *Client) knownLeaders(partitions []record.Partition) (known map[string][]record.Partition, missing []record.Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known = map[string][]record.Partition{}
	for _, p := range partitions {
		if l, ok := c.leaders[p]; ok {
			known[l.addr] = append(known[l.addr], p)
		} else {
			missing = append(missing, p)
		}
	}
	return known, missing
}

// forgetLeader makes the next byLeader ask for a partition's leader.
func (c *Client) forgetLeader(p record.Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.leaders, p)
}

// leaderEpoch is that of the leader byLeader gave, -1 if it is not known.
func (c *Client) leaderEpoch(p record.Partition) int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l, ok := c.leaders[p]; ok {
		return l.epoch
	}
	return -1
}

// coordinated sends a request to a coordinator until it gives a definite answer. f
// returns the code of the response, which may also be that of one partition.
func (c *Client) coordinated(ctx context.Context, p *pool, kind sarama.CoordinatorType, key, what string, f func(*sarama.Broker) (sarama.KError, error)) error {
	at := coordinator{kind, key}
	return c.retry(ctx, what, func(ctx context.Context) error {
		addr, err := c.coordinator(ctx, at)
		if err != nil {
			return err
		}
		code := sarama.ErrNoError
		err = p.do(ctx, addr, func(b *sarama.Broker) (err error) {
			code, err = f(b)
			return err
		})
		if err == nil && code != sarama.ErrNoError {
			err = code
		}
		if network(err) || code == sarama.ErrNotCoordinatorForConsumer || code == sarama.ErrConsumerCoordinatorNotAvailable {
			c.forgetCoordinator(at)
		}
		return err
	})
}

func (c *Client) forgetCoordinator(at coordinator) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.coordinators, at)
}

func (c *Client) coordinator(ctx context.Context, at coordinator) (string, error) {
	c.mu.Lock()
	addr, ok := c.coordinators[at]
	c.mu.Unlock()
	if ok {
		return addr, nil
	}
	err := c.any(ctx, func(b *sarama.Broker) error {
		r, err := b.FindCoordinator(&sarama.FindCoordinatorRequest{Version: findVersion, CoordinatorKey: at.key, CoordinatorType: at.kind})
		if err != nil {
			return err
		}
		if r.Err != sarama.ErrNoError {
			return r.Err
		}
		addr = r.Coordinator.Addr()
		return nil
	})
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.coordinators[at] = addr
	return addr, nil
}
