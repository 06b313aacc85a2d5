package embedded

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// After a kill the broker takes the transactions that were open for aborted,
// but leaves no marker in the log. A read_committed consumer needs it: it drops
// the producer's records from the first aborted one up to the marker, and
// without one all that the producer commits later. Since a transactional
// application comes back with the same producer, all of its output would be
// invisible. So the markers are written here, before a client can connect.

// runningFile lies in the broker's folder from its start to its proper end.
const runningFile = "running"

// A leftover is a transaction that has no marker in one partition.
type leftover struct {
	topic     string
	partition int32
	producer  int64
	epoch     int16
}

func markRunning(folder string) error {
	return os.WriteFile(filepath.Join(folder, runningFile), nil, 0o644)
}

func markClosed(folder string) error {
	if err := os.Remove(filepath.Join(folder, runningFile)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openTransactions reads what was open in the log of a broker that died. One
// that was closed keeps its transactions, and there is nothing to do.
func openTransactions(folder string) ([]leftover, error) {
	if folder == "" {
		return nil, nil
	}
	if _, err := os.Stat(filepath.Join(folder, runningFile)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	var all []leftover
	partitions := filepath.Join(folder, "partitions")
	entries, err := os.ReadDir(partitions)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		topic, partition, ok := parsePartition(e.Name())
		if !ok {
			continue
		}
		open, err := openInPartition(filepath.Join(partitions, e.Name()))
		if err != nil {
			return nil, err
		}
		for producer, epoch := range open {
			all = append(all, leftover{topic, partition, producer, epoch})
		}
	}
	return all, nil
}

func parsePartition(name string) (topic string, partition int32, ok bool) {
	at := strings.LastIndexByte(name, '-')
	if at < 0 {
		return "", 0, false
	}
	n, err := strconv.ParseInt(name[at+1:], 10, 32)
	if err != nil {
		return "", 0, false
	}
	topic, err = url.PathUnescape(name[:at])
	return topic, int32(n), err == nil
}

// openInPartition walks through the segments in the order of their offsets and
// returns the epochs of the producers with records behind their last marker.
func openInPartition(dir string) (map[int64]int16, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.dat"))
	if err != nil {
		return nil, err
	}
	base := func(path string) int {
		n, _ := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".dat"))
		return n
	}
	slices.SortFunc(files, func(a, b string) int { return base(a) - base(b) })
	open := map[int64]int16{}
	for _, path := range files {
		if err := readSegment(path, open); err != nil {
			return nil, err
		}
	}
	return open, nil
}

// A record batch begins with its offset and length, then
// leader epoch 4, magic 1, CRC 4, attributes 2, last offset delta 4,
// timestamps 8 + 8, producer id 8, producer epoch 2.
const (
	batchLengthAt  = 8
	batchStart     = 12
	attributesAt   = 21
	producerAt     = 43
	epochAt        = 51
	batchHeadSize  = 53
	transactional  = 0x10
	controlRecords = 0x20
)

// readSegment reads the heads of a segment's batches. It ends at what is no
// whole batch, as the broker does.
func readSegment(path string, open map[int64]int16) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReader(f)
	var head [batchHeadSize]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return endOfSegment(err)
		}
		rest := int(int32(binary.BigEndian.Uint32(head[batchLengthAt:]))) - (batchHeadSize - batchStart)
		if rest < 0 {
			return nil
		}
		if _, err := in.Discard(rest); err != nil {
			return endOfSegment(err)
		}
		attributes := binary.BigEndian.Uint16(head[attributesAt:])
		producer := int64(binary.BigEndian.Uint64(head[producerAt:]))
		switch {
		case attributes&controlRecords != 0:
			delete(open, producer)
		case attributes&transactional != 0:
			open[producer] = int16(binary.BigEndian.Uint16(head[epochAt:]))
		}
	}
}

func endOfSegment(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// abort writes the missing markers.
func (c *Cluster) abort(ctx context.Context, left []leftover) error {
	if len(left) == 0 {
		return nil
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	answer, err := abortRequest(left).RequestWith(ctx, client)
	if err != nil {
		return err
	}
	var errs []error
	for _, marker := range answer.Markers {
		for _, topic := range marker.Topics {
			for _, p := range topic.Partitions {
				// A topic deleted since has nobody to mislead.
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
					errs = append(errs, fmt.Errorf("%s-%d: %w", topic.Topic, p.Partition, err))
				}
			}
		}
	}
	return errors.Join(errs...)
}

func abortRequest(left []leftover) *kmsg.WriteTxnMarkersRequest {
	r := kmsg.NewPtrWriteTxnMarkersRequest()
	for _, l := range left {
		topic := kmsg.NewWriteTxnMarkersRequestMarkerTopic()
		topic.Topic, topic.Partitions = l.topic, []int32{l.partition}
		marker := kmsg.NewWriteTxnMarkersRequestMarker()
		marker.ProducerID, marker.ProducerEpoch = l.producer, l.epoch
		marker.Topics = append(marker.Topics, topic)
		r.Markers = append(r.Markers, marker)
	}
	return r
}
