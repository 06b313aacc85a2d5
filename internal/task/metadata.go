package task

import (
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"
)

// EncodeMetadata is the metadata committed with an offset: the partition's time and
// what nodes keep with [Task.Keep], as Kafka Streams' TopicPartitionMetadata and
// ProcessorMetadata encode them.
func EncodeMetadata(time int64, kept map[string]int64) string {
	b := binary.BigEndian.AppendUint64([]byte{2}, uint64(time))
	if len(kept) > 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(len(kept)))
		for _, key := range slices.Sorted(maps.Keys(kept)) {
			b = binary.BigEndian.AppendUint32(b, uint32(len(key)))
			b = append(b, key...)
			b = binary.BigEndian.AppendUint64(b, uint64(kept[key]))
		}
	}
	return base64.StdEncoding.EncodeToString(b)
}

// DecodeMetadata is the inverse. Metadata that is not Kafka Streams' has no time, -1,
// and what nodes kept is nil if it is cut off or not there.
func DecodeMetadata(metadata string) (time int64, kept map[string]int64) {
	b, err := base64.StdEncoding.DecodeString(metadata)
	if err != nil || len(b) < 9 || b[0] != 1 && b[0] != 2 {
		return -1, nil
	}
	time = int64(binary.BigEndian.Uint64(b[1:]))
	if b[0] == 1 || len(b) == 9 {
		return time, nil
	}
	kept, ok := decodeKept(b[9:])
	if !ok {
		return time, nil
	}
	return time, kept
}

func decodeKept(b []byte) (kept map[string]int64, ok bool) {
	if len(b) < 4 {
		return nil, false
	}
	n := binary.BigEndian.Uint32(b)
	b = b[4:]
	kept = map[string]int64{}
	for range n {
		if len(b) < 4 {
			return nil, false
		}
		size := uint64(binary.BigEndian.Uint32(b))
		if b = b[4:]; uint64(len(b)) < size+8 {
			return nil, false
		}
		kept[string(b[:size])] = int64(binary.BigEndian.Uint64(b[size:]))
		b = b[size+8:]
	}
	return kept, true
}

// Keep is part of graph.Task.
func (t *Task) Keep(key string, value int64) { t.kept[key] = value }

// Kept is part of graph.Task.
func (t *Task) Kept(key string) (value int64, ok bool) {
	value, ok = t.kept[key]
	return value, ok
}

// keptTime is the time of a node, and the key under which it is kept.
type keptTime struct {
	key string
	at  *int64
}

// timePrefix is in front of the name of a node whose time is kept; no name has a space.
const timePrefix = "time "

// KeepTime is part of graph.Task.
func (t *Task) KeepTime(node string, at *int64) {
	k := keptTime{timePrefix + node, at}
	if kept, ok := t.kept[k.key]; ok {
		*at = kept
	}
	t.times = append(t.times, k)
}

// keeping is what is committed with the offsets.
func (t *Task) keeping() map[string]int64 {
	kept := maps.Clone(t.kept)
	for _, k := range t.times {
		if *k.at >= 0 {
			kept[k.key] = *k.at
		}
	}
	return kept
}

// remember takes what nodes kept with the inputs' offsets. The largest is taken
// where they differ: an input that had nothing to commit has what was committed
// before.
func (t *Task) remember(inputs []Input) {
	t.kept = map[string]int64{}
	for _, in := range inputs {
		for key, value := range in.Kept {
			if old, ok := t.kept[key]; !ok || value > old {
				t.kept[key] = value
			}
		}
	}
}
