package kafka

import (
	"fmt"

	"github.com/IBM/sarama"
)

// The versions of the requests this package sends. They are those of Kafka 2.5,
// the first that fences a member's offsets inside a transaction by its generation
// (KIP-447), and the newest that need nothing sarama does not have.
const (
	produceVersion         = 7
	fetchVersion           = 11
	offsetsVersion         = 4
	metadataVersion        = 7
	commitVersion          = 7
	committedVersion       = 7
	findVersion            = 2
	joinVersion            = 5
	heartbeatVersion       = 3
	leaveVersion           = 3
	syncVersion            = 3
	createVersion          = 4
	deleteRecordsVersion   = 1
	initVersion            = 3
	addPartitionsVersion   = 2
	addOffsetsVersion      = 2
	endVersion             = 2
	txnCommitVersion       = 3
	describeConfigsVersion = 2
)

// needs are the same by the keys of the protocol.
var needs = map[int16]struct {
	request string
	version int16
}{
	0: {"Produce", produceVersion}, 1: {"Fetch", fetchVersion}, 2: {"ListOffsets", offsetsVersion}, 3: {"Metadata", metadataVersion},
	8: {"OffsetCommit", commitVersion}, 9: {"OffsetFetch", committedVersion}, 10: {"FindCoordinator", findVersion},
	11: {"JoinGroup", joinVersion}, 12: {"Heartbeat", heartbeatVersion}, 13: {"LeaveGroup", leaveVersion}, 14: {"SyncGroup", syncVersion},
	19: {"CreateTopics", createVersion}, 21: {"DeleteRecords", deleteRecordsVersion}, 22: {"InitProducerId", initVersion},
	24: {"AddPartitionsToTxn", addPartitionsVersion}, 25: {"AddOffsetsToTxn", addOffsetsVersion}, 26: {"EndTxn", endVersion},
	28: {"TxnOffsetCommit", txnCommitVersion}, 32: {"DescribeConfigs", describeConfigsVersion},
}

// checkVersions asks a broker, once in a client's life, whether it has what is
// needed. sarama would silently send an older version, which for instance commits
// offsets without looking at the generation, or one the broker hangs up on.
func (c *Client) checkVersions(b *sarama.Broker) error {
	if c.checked.Load() {
		return nil
	}
	r, err := b.ApiVersions(&sarama.ApiVersionsRequest{})
	if err != nil {
		return err
	}
	if code := sarama.KError(r.ErrorCode); code != sarama.ErrNoError {
		return code
	}
	has := map[int16]sarama.ApiVersionsResponseKey{}
	for _, k := range r.ApiKeys {
		has[k.ApiKey] = k
	}
	for key, need := range needs {
		k, ok := has[key]
		if !ok || need.version < k.MinVersion || need.version > k.MaxVersion {
			return fmt.Errorf("broker %s has versions %d to %d of the request %s and this client needs %d: it works with brokers from Kafka 2.5 on: %w",
				b.Addr(), k.MinVersion, k.MaxVersion, need.request, need.version, sarama.ErrUnsupportedVersion)
		}
	}
	c.checked.Store(true)
	return nil
}
