// Package kafka is the client: metadata and administration, fetching, producing
// with transactions, and group membership. It uses sarama as a protocol library:
// connections, encodings and single requests are sarama's; which broker to ask,
// what to retry, and in which order, is decided here.
//
// A [Client] is shared. A [Fetcher], a [Producer] and a [Group] each have
// connections of their own: a fetch that waits for data, or a join that waits for
// the other members, holds up nothing else.
//
// Whatever waits takes a context and returns soon after it is cancelled. A broker
// that cannot be reached is waited for; what waiting cannot mend is returned.
package kafka
