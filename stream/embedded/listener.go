package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A listener keeps its address while it is down: the broker behind it goes on
// waiting in Accept, clients are refused. It begins neither up nor down: the
// port is ours, clients that connect wait. It closes its connections when it
// goes down and when it is closed.
type listener struct {
	addr     net.Addr
	incoming chan net.Conn
	done     chan struct{} // closed by Close

	mu        sync.Mutex
	inner     net.Listener // nil while down
	accepting sync.WaitGroup
	closed    bool
	conns     map[*conn]struct{}
	lost      map[Request]int // answers still to be lost
}

func newListener(addr string) (*listener, error) {
	inner, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &listener{
		addr:     inner.Addr(),
		incoming: make(chan net.Conn),
		done:     make(chan struct{}),
		inner:    inner,
		conns:    map[*conn]struct{}{},
		lost:     map[Request]int{},
	}, nil
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// open lets clients in.
func (l *listener) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.openLocked()
}

func (l *listener) openLocked() {
	// stop waits for it.
	l.accepting.Add(1)
	go l.acceptFrom(l.inner)
}

func (l *listener) acceptFrom(inner net.Listener) {
	defer l.accepting.Done()
	for {
		accepted, err := inner.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // a client that gave up, or too many open files
			select {
			case <-l.done:
			case <-time.After(acceptBackoff):
			}
			continue
		}
		c := l.adopt(inner, accepted)
		if c == nil {
			return
		}
		l.deliver(c)
	}
}

func (l *listener) deliver(c net.Conn) {
	select {
	case l.incoming <- c:
	case <-l.done:
		_ = c.Close()
	}
}

// adopt returns nil if the listener went down in the meantime.
func (l *listener) adopt(inner net.Listener, accepted net.Conn) net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inner != inner {
		_ = accepted.Close()
		return nil
	}
	c := &conn{Conn: accepted, l: l}
	l.conns[c] = struct{}{}
	return c
}

// dial connects the cluster to its own broker, which works before clients are
// let in and while the broker is down for them.
func (l *listener) dial() (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.incoming <- theirs:
		return ours, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) stop() error {
	l.mu.Lock()
	inner := l.inner
	l.inner = nil
	var err error
	if inner != nil {
		err = inner.Close()
	}
	for c := range l.conns {
		_ = c.Conn.Close()
	}
	clear(l.conns)
	l.mu.Unlock()
	l.accepting.Wait()
	return err
}

func (l *listener) start() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	if l.inner != nil {
		return nil
	}
	inner, err := net.Listen("tcp", l.addr.String())
	if err != nil {
		return err
	}
	l.inner = inner
	l.openLocked()
	return nil
}

func (l *listener) Close() error {
	l.mu.Lock()
	closed := l.closed
	l.closed = true
	if !closed {
		close(l.done)
	}
	l.mu.Unlock()
	return l.stop()
}

// lose reports whether the answer to a request of this kind is to be lost.
func (l *listener) lose(r Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost[r] == 0 {
		return false
	}
	l.lost[r]--
	return true
}

// A conn follows the requests of a connection: it ends one that does not speak
// Kafka's protocol, which the broker does not survive (a web browser on its
// port), and loses answers on demand.
type conn struct {
	net.Conn
	l *listener

	head [headSize]byte // size, API key, API version, correlation id
	have int            // bytes of head
	rest int            // bytes of the request still to come after head

	mu      sync.Mutex
	waiting []request
}

type request struct {
	kind Request
	id   uint32
}

const (
	headSize      = 12
	maxSize       = 100 << 20 // socket.request.max.bytes
	acceptBackoff = 10 * time.Millisecond
)

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for data := p[:n]; len(data) > 0; {
		if c.rest > 0 {
			skip := min(c.rest, len(data))
			c.rest -= skip
			data = data[skip:]
			continue
		}
		took := copy(c.head[c.have:], data)
		c.have += took
		data = data[took:]
		if err := c.check(); err != nil {
			return 0, err
		}
		if c.have == headSize {
			c.begin()
		}
	}
	return n, err
}

// check looks at as much of the head as there is.
func (c *conn) check() error {
	if size := binary.BigEndian.Uint32(c.head[:]); c.have >= 4 && (size < headSize-4 || size > maxSize) {
		return fmt.Errorf("embedded: %v: a request of %d bytes is not Kafka's protocol", c.RemoteAddr(), size)
	}
	if key := int16(binary.BigEndian.Uint16(c.head[4:])); c.have >= 6 && kmsg.RequestForKey(key) == nil {
		return fmt.Errorf("embedded: %v: unknown request %d", c.RemoteAddr(), key)
	}
	return nil
}

func (c *conn) begin() {
	c.rest = int(binary.BigEndian.Uint32(c.head[:])) - (headSize - 4)
	c.have = 0
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, request{
		kind: Request(binary.BigEndian.Uint16(c.head[4:])),
		id:   binary.BigEndian.Uint32(c.head[8:]),
	})
}

// Write is called by the broker with one whole answer.
func (c *conn) Write(p []byte) (int, error) {
	if kind, ok := c.answered(binary.BigEndian.Uint32(p[4:])); ok && c.l.lose(kind) {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

// answered finds the request an answer belongs to. Answers keep the order of
// requests; those before it expected none.
func (c *conn) answered(id uint32) (Request, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range c.waiting {
		if r.id == id {
			c.waiting = append(c.waiting[:0], c.waiting[i+1:]...)
			return r.kind, true
		}
	}
	return 0, false
}

func (c *conn) Close() error {
	c.l.mu.Lock()
	delete(c.l.conns, c)
	c.l.mu.Unlock()
	return c.Conn.Close()
}
