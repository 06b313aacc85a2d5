package kafka

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
)

// ProducerConfig configures a [Producer].
type ProducerConfig struct {
	TransactionalID    string // "": idempotent, without transactions
	TransactionTimeout time.Duration
	BatchBytes         int    // a batch this large is sent at once; 0 is 512 KiB
	BufferBytes        int    // of all records that are not acknowledged: above it Send waits; 0 is 32 MiB
	Compression        string // "none", "gzip", "snappy", "lz4" or "zstd"
}

// A Producer sends batches idempotently, in transactions if it has a
// transactional id. It is used by one goroutine. Records wait in batches until a
// batch is full, or Flush or Commit sends all; up to five requests are on their way
// to a broker, and the order within a partition is kept whatever has to be sent
// again. After an error, only Abort, Init or Close make sense.
//
// A broker that cannot be reached, or has no leader for a partition, is waited for.
// A transaction does not wait for ever, since the broker aborts it after the
// transaction timeout.
type Producer struct {
	ctx   context.Context // bounds Send
	c     *Client
	cfg   ProducerConfig
	codec sarama.CompressionCodec
	pool  *pool // to leaders
	coord *pool // to coordinators

	ready bool // it has an epoch
	pid   int64
	epoch int16
	err   error
	parts map[record.Partition]*partition
	// recent are the last ones that records went to: to look at a few takes half the
	// time of a look into the map.
	recent [8]*partition
	turn   int // the next of recent to be replaced
	bytes  int // of all batches
	spare  spare
	busy   map[string]int // requests on their way, by broker
	round  int            // how often it was reset; answers of before are late
	open   bool           // the transaction may have partitions or offsets

	mu      sync.Mutex
	answers []answer
	arrived chan struct{}
}

// partition is where batches of a partition stand.
type partition struct {
	record.Partition
	filling *batch
	queue   []*batch // full or being flushed, in order; not acknowledged
	epoch   int16
	next    int32 // sequence number
	end     int64 // offset behind the last acknowledged record; -1 if none
	joined  bool  // is part of the transaction
	restart bool  // sequence numbers begin again at 0, in another epoch
	known   bool  // the broker has accepted a batch of this epoch
	refused bool  // since its last batch was sent
	retryAt time.Time
	retries int
	waiting waiting
}

// answer is what became of a request.
type answer struct {
	round   int
	conn    *conn
	addr    string
	batches []*batch
	resp    *sarama.ProduceResponse
	err     error
}

// NewProducer returns a producer; Init must come before Send. ctx bounds for how
// long Send waits where too much is on its way.
func NewProducer(ctx context.Context, c *Client, cfg ProducerConfig) *Producer {
	if cfg.BatchBytes == 0 {
		cfg.BatchBytes = 512 << 10
	}
	if cfg.BufferBytes == 0 {
		cfg.BufferBytes = 32 << 20
	}
	if cfg.TransactionTimeout == 0 {
		cfg.TransactionTimeout = time.Minute
	}
	p := &Producer{ctx: ctx, c: c, cfg: cfg, pool: c.newPool(0), coord: c.newPool(0), arrived: make(chan struct{}, 1)}
	if cfg.Compression != "" {
		_ = p.codec.UnmarshalText([]byte(cfg.Compression)) // the configuration was validated
	}
	p.reset()
	return p
}

// Close drops what was not acknowledged and closes the connections. A transaction
// that is open stays so until its timeout, or until the transactional id is used
// again: Abort it before.
func (p *Producer) Close() error {
	p.pool.close()
	p.coord.close()
	p.reset()
	return nil
}

// reset forgets all batches and sequence numbers. Nothing may be on its way that
// the broker would still accept.
func (p *Producer) reset() {
	for _, part := range p.parts {
		part.waiting.over()
		for _, b := range part.queue {
			p.spare.give(b, p.cfg.BatchBytes)
		}
		if part.filling != nil {
			p.spare.give(part.filling, p.cfg.BatchBytes)
		}
	}
	p.err, p.open, p.bytes = nil, false, 0
	p.parts, p.busy = map[record.Partition]*partition{}, map[string]int{}
	p.recent = [len(p.recent)]*partition{}
	p.round++
}

// partition returns where a partition stands.
func (p *Producer) partition(topic string, id int32) *partition {
	for _, part := range p.recent {
		if part != nil && part.ID == id && part.Topic == topic {
			return part
		}
	}
	at := record.Partition{Topic: topic, ID: id}
	part := p.parts[at]
	if part == nil {
		part = &partition{Partition: at, end: -1, epoch: p.epoch, waiting: waiting{c: p.c, what: fmt.Sprintf("producing to %s-%d", topic, id)}}
		p.parts[at] = part
	}
	p.recent[p.turn%len(p.recent)] = part
	p.turn++
	return part
}

// Next returns the offset behind the last acknowledged record of a partition since
// Init.
func (p *Producer) Next(at record.Partition) (int64, bool) {
	part := p.parts[at]
	if part == nil || part.end < 0 {
		return 0, false
	}
	return part.end, true
}

const (
	// maxRecord is what a record can have at most; a broker's limit is usually lower.
	maxRecord = 64 << 20
	// maxRequest is about how much a request has; a larger batch goes alone.
	maxRequest = 8 << 20
	// maxTimestamp is the last one, in the year 2262, that sarama can encode.
	maxTimestamp = math.MaxInt64/1_000_000 - 2
)

// Send appends a record to its partition's batch, copying what it is given. An
// error that is ErrRecord is about this record alone; after any other the producer
// has to be aborted.
func (p *Producer) Send(topic string, id int32, key, value []byte, timestamp int64, headers []serde.Header) error {
	if err := p.usable(); err != nil {
		return err
	}
	n := size(key, value, headers)
	if err := sendable(n, timestamp); err != nil {
		return fmt.Errorf("kafka: producing to %s-%d: %w", topic, id, err)
	}
	part := p.partition(topic, id)
	if part.filling != nil && part.filling.bytes+n > p.cfg.BatchBytes {
		part.queue, part.filling = append(part.queue, part.filling), nil
		if err := p.push(p.ctx); err != nil {
			return p.fail(err)
		}
	}
	if p.bytes+n > p.cfg.BufferBytes {
		if err := p.relieve(p.ctx); err != nil {
			return p.fail(err)
		}
	}
	if part.filling == nil {
		part.filling = p.spare.take(part)
	}
	part.filling.append(key, value, timestamp, headers, n)
	p.bytes += n
	return nil
}

// sendable tells what is wrong with a record.
func sendable(size int, timestamp int64) error {
	switch {
	case size > maxRecord:
		return fmt.Errorf("%w: it has %d bytes and %d are possible", ErrRecord, size, maxRecord)
	case timestamp < -1 || timestamp > maxTimestamp:
		return fmt.Errorf("%w: its timestamp %d is not a time in milliseconds since 1970", ErrRecord, timestamp)
	}
	return nil
}

// usable tells why the producer has to be aborted or initialised first.
func (p *Producer) usable() error {
	if p.err == nil && !p.ready {
		p.err = fmt.Errorf("kafka: the producer has no epoch, since it was fenced or could not get one: %w", ErrAbort)
	}
	return p.err
}

func (p *Producer) fail(err error) error {
	if p.err == nil {
		p.err = err
	}
	return p.err
}

// relieve sends all records and waits until half of the buffer is free.
func (p *Producer) relieve(ctx context.Context) error {
	if err := p.start(ctx); err != nil {
		return err
	}
	for p.bytes > p.cfg.BufferBytes/2 {
		if err := p.await(ctx); err != nil {
			return err
		}
		if err := p.push(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Flush sends all records and waits until all are acknowledged.
func (p *Producer) Flush(ctx context.Context) error {
	if err := p.start(ctx); err != nil {
		return err
	}
	return p.finish(ctx)
}

// start sends all records.
func (p *Producer) start(ctx context.Context) error {
	if err := p.usable(); err != nil {
		return err
	}
	for _, part := range p.parts {
		if part.filling != nil {
			part.queue, part.filling = append(part.queue, part.filling), nil
		}
	}
	if err := p.push(ctx); err != nil {
		return p.fail(err)
	}
	return nil
}

// finish waits for all acknowledgements.
func (p *Producer) finish(ctx context.Context) error {
	for p.outstanding() {
		if err := p.await(ctx); err != nil {
			return p.fail(err)
		}
		if err := p.push(ctx); err != nil {
			return p.fail(err)
		}
	}
	return nil
}

func (p *Producer) outstanding() bool {
	for _, part := range p.parts {
		if len(part.queue) > 0 {
			return true
		}
	}
	return false
}

// drain waits for the answers to all requests, whatever they are: a batch that
// arrives behind the end of its transaction could be taken for part of another.
// A request that is not answered fails after a while.
func (p *Producer) drain(ctx context.Context) error {
	for {
		n := 0
		for _, k := range p.busy {
			n += k
		}
		if n == 0 {
			return nil
		}
		if err := p.wait(ctx, time.Second); err != nil {
			return err
		}
		for _, a := range p.take() {
			p.account(a)
			for _, b := range a.batches {
				b.sent = false
			}
		}
	}
}
