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

// config is sarama's configuration of one connection.
func (c *Client) config(wait time.Duration, d *dialer) *sarama.Config {
	conf := sarama.NewConfig()
	conf.ClientID = c.cfg.ClientID
	conf.Version = sarama.V3_6_0_0
	conf.Net.DialTimeout = 5 * time.Second
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
	timeout time.Duration
	mu      sync.Mutex
	conn    net.Conn
	cut     bool
}

func (d *dialer) Dial(network, addr string) (net.Conn, error) {
	conn, err := net.DialTimeout(network, addr, d.timeout)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut {
		conn.Close()
		return nil, net.ErrClosed
	}
	d.conn = conn
	return conn, nil
}

func (d *dialer) kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut = true
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
	broker *sarama.Broker
	dialer *dialer
}

func (c *Client) newPool(wait time.Duration) *pool {
	return &pool{c: c, wait: wait, conns: map[string]*conn{}}
}

// get returns the connection to a broker, opened if need be.
func (p *pool) get(addr string) (*conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, net.ErrClosed
	}
	if n := p.conns[addr]; n != nil {
		return n, nil
	}
	n := &conn{broker: sarama.NewBroker(addr), dialer: &dialer{timeout: 5 * time.Second}}
	if err := n.broker.Open(p.c.config(p.wait, n.dialer)); err != nil {
		return nil, err
	}
	p.conns[addr] = n
	return n, nil
}

// drop cuts a connection; the next get makes another.
func (p *pool) drop(addr string, n *conn) {
	p.mu.Lock()
	if p.conns[addr] == n {
		delete(p.conns, addr)
	}
	p.mu.Unlock()
	n.dialer.kill()
	n.broker.Close() // an error only says that it was not connected
}

// do sends one request. When ctx ends first the connection is cut, since sarama's
// requests know no context. A connection that failed is cut too.
func (p *pool) do(ctx context.Context, addr string, f func(*sarama.Broker) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n, err := p.get(addr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, n.dialer.kill)
	err = f(n.broker)
	if !stop() && err != nil {
		err = context.Cause(ctx)
	}
	if err != nil && (ctx.Err() != nil || network(err)) {
		p.drop(addr, n)
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
		n.dialer.kill()
		n.broker.Close()
	}
}
