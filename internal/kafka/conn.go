package kafka

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// inFlight is how many produce requests may be on their way to a broker: with
// five a broker still keeps the order of an idempotent producer.
const inFlight = 5

// dialTimeout bounds how long it takes to find a broker unreachable.
const dialTimeout = 5 * time.Second

// config is sarama's configuration of one connection.
func (c *Client) config(wait time.Duration, d *dialer) *sarama.Config {
	conf := sarama.NewConfig()
	if c.cfg.ClientID != "" {
		conf.ClientID = c.cfg.ClientID
	}
	conf.Version = sarama.V3_6_0_0
	conf.MetricRegistry = silent{}
	conf.Net.DialTimeout = dialTimeout
	conf.Net.ReadTimeout = c.cfg.Timeout + wait
	conf.Net.WriteTimeout = c.cfg.Timeout
	conf.Net.MaxOpenRequests = inFlight
	if d != nil {
		conf.Net.Proxy.Enable, conf.Net.Proxy.Dialer = true, d
	}
	if c.cfg.TLS != nil {
		conf.Net.TLS.Enable, conf.Net.TLS.Config = true, c.cfg.TLS
	}
	if s := c.cfg.SASL; s != nil {
		conf.Net.SASL.Enable, conf.Net.SASL.User, conf.Net.SASL.Password = true, s.User, s.Password
		conf.Net.SASL.Mechanism = sarama.SASLMechanism(s.Mechanism)
		conf.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient {
			if s.Mechanism == sarama.SASLTypeSCRAMSHA512 {
				return &scramClient{hash: scram.SHA512}
			}
			return &scramClient{hash: scram.SHA256}
		}
	}
	return conf
}

// scramClient is sarama's interface over the scram library.
type scramClient struct {
	hash scram.HashGeneratorFcn
	conv *scram.ClientConversation
}

func (s *scramClient) Begin(user, password, authzID string) error {
	c, err := s.hash.NewClient(user, password, authzID)
	if err == nil {
		s.conv = c.NewConversation()
	}
	return err
}

func (s *scramClient) Step(challenge string) (string, error) { return s.conv.Step(challenge) }
func (s *scramClient) Done() bool                            { return s.conv.Done() }

// dialer keeps the connection it made, so that it can be cut: closing a
// sarama.Broker waits for its outstanding responses.
type dialer struct {
	ctx    context.Context // of the one connection; sarama's Dial has none
	cancel context.CancelFunc

	mu   sync.Mutex
	conn net.Conn
}

func newDialer() *dialer {
	d := &dialer{}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

func (d *dialer) Dial(network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(d.ctx, network, addr)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil {
		conn.Close()
		return nil, net.ErrClosed
	}
	d.conn = conn
	return conn, nil
}

// kill cuts the connection, or the attempt to make it.
func (d *dialer) kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancel()
	if d.conn != nil {
		d.conn.Close()
	}
}

// pool has a connection to each broker, for one purpose.
type pool struct {
	c    *Client
	wait time.Duration // for how long a request may wait on purpose

	mu     sync.Mutex
	conns  map[string]*conn
	closed bool
}

type conn struct {
	addr   string
	broker *sarama.Broker
	dialer *dialer
}

// close cuts the connection and waits for sarama's goroutine, which first tells
// every outstanding request so.
func (n *conn) close() {
	n.dialer.kill()
	n.broker.Close() // an error only says that it was not connected
}

func (c *Client) newPool(wait time.Duration) *pool {
	return &pool{c: c, wait: wait, conns: map[string]*conn{}}
}

// get returns the connection to a broker, opened if need be.
func (p *pool) get(addr string) (*conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if n := p.conns[addr]; n != nil {
		return n, nil
	}
	n := &conn{addr: addr, broker: sarama.NewBroker(addr), dialer: newDialer()}
	if err := n.broker.Open(p.c.config(p.wait, n.dialer)); err != nil {
		return nil, err
	}
	p.conns[addr] = n
	return n, nil
}

// drop cuts a connection; the next get makes another.
func (p *pool) drop(n *conn) {
	p.mu.Lock()
	if p.conns[n.addr] == n {
		delete(p.conns, n.addr)
	}
	p.mu.Unlock()
	n.close()
}

// do sends one request. When ctx ends first the connection is cut, since sarama's
// requests know no context: whoever shares it sees a connection that failed, and
// tries again. A connection that failed is cut too.
func (p *pool) do(ctx context.Context, addr string, f func(*sarama.Broker) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	n, err := p.get(addr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, n.dialer.kill)
	err = f(n.broker)
	switch killed := !stop(); {
	case killed && err != nil:
		p.drop(n)
		return context.Cause(ctx)
	case killed || network(err):
		p.drop(n)
	}
	return err
}

// close cuts all connections for good.
func (p *pool) close() {
	p.mu.Lock()
	conns := p.conns
	p.conns, p.closed = nil, true
	p.mu.Unlock()
	for _, n := range conns {
		n.close()
	}
}
