package stream

import "github.com/streamweir/streamweir/topology"

// What waits for stream time looks again when it goes on without a record: see
// [Config].IdleAfter.

// advance emits the windows that have closed.
func (n *windowNode[K, V, A]) advance(streamTime int64) (worked bool, err error) {
	if n.streamTime < 0 {
		return false, nil
	}
	n.streamTime = max(n.streamTime, streamTime)
	before := n.emission.sent
	err = n.emitClosed(&topology.Record[K, V]{Timestamp: streamTime}, n.streamTime-n.w.grace)
	return n.emission.sent != before, err
}

// advance emits the sessions that have closed.
func (n *sessionNode[K, V, A]) advance(streamTime int64) (worked bool, err error) {
	if n.streamTime < 0 {
		return false, nil
	}
	n.streamTime = max(n.streamTime, streamTime)
	before := n.emission.sent
	err = n.emitClosed(&topology.Record[K, V]{Timestamp: streamTime}, n.streamTime-n.w.grace-n.w.size)
	return n.emission.sent != before, err
}

// advance emits the rows that are due.
func (n *suppressNode[K, V]) advance(streamTime int64) (worked bool, err error) {
	if n.time < 0 {
		return false, nil
	}
	n.time = max(n.time, streamTime)
	return n.emitDue()
}

// advance emits the results of records that have waited for a partner in vain.
func (n *joinSide[K, L, R, This, Other, V]) advance(streamTime int64) (worked bool, err error) {
	if n.pending.time < 0 {
		return false, nil
	}
	n.pending.time = max(n.pending.time, streamTime)
	before := n.pending.sent
	err = n.emit(&topology.Record[K, This]{Timestamp: streamTime})
	return n.pending.sent != before, err
}
